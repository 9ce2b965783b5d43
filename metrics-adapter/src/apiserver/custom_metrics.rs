//! `custom.metrics.k8s.io`: from a path and its parameters to a question, and from values to the list of either version.

use axum::extract::Query;
use axum::http::Uri;
use axum::response::Response;
use metrics_api::custom_metrics::{ObjectReference, v1beta1, v1beta2};
use metrics_api::{LabelSelector, Quantity, Time};

use super::Version;
use super::failure::Failure;
use super::path::Asked;
use super::reply::{self, Wishes};
use super::selector;
use crate::provider::{ObjectValue, Question};

/// The question of a request, and its selector as the answer repeats it. `labelSelector` selects objects by labels that only a
/// cluster knows: it is checked, and all objects that have the metric are answered. Other parameters mean nothing here.
///
/// # Errors
/// A parameter cannot be read.
pub fn question(asked: Asked, query: &str) -> Result<(Question, Option<LabelSelector>), Failure> {
    let Asked { resource, namespace, objects, metric } = asked;
    let unreadable = |error: String| Failure::Query(error);
    let uri: Uri = format!("/?{query}").parse().map_err(|error: axum::http::uri::InvalidUri| unreadable(error.to_string()))?;
    let Query(parameters) = Query::<Vec<(String, String)>>::try_from_uri(&uri).map_err(|error| unreadable(error.to_string()))?;
    let of = |name: &str| parameters.iter().find(|pair| pair.0 == name).map_or("", |pair| pair.1.as_str());
    let wrong = |parameter| move |source| Failure::Selector { parameter, source };
    selector::parse(of("labelSelector")).map_err(wrong("labelSelector"))?;
    let requirements = selector::parse(of("metricLabelSelector")).map_err(wrong("metricLabelSelector"))?;
    let selector = selector::conditions(&requirements).map_err(wrong("metricLabelSelector"))?;
    let echo = (!requirements.is_empty()).then(|| selector::document(&requirements));
    Ok((Question { resource, namespace, objects, metric, selector }, echo))
}

/// The list of these values.
pub fn response(
    group: &str,
    version: Version,
    metric: &str,
    selector: Option<LabelSelector>,
    values: Vec<ObjectValue>,
    wishes: &Wishes,
) -> Response {
    let values = values.into_iter().map(|value| {
        let described_object = ObjectReference {
            kind: value.kind.kind.to_owned(),
            namespace: value.namespace.unwrap_or_default(),
            name: value.name,
            api_version: value.kind.api_version(),
        };
        (described_object, Time::from_millis(value.time), value.window_seconds, Quantity::from_milli(value.milli))
    });
    match version {
        Version::V1beta1 => {
            let item = |(described_object, timestamp, window_seconds, value)| v1beta1::MetricValue {
                described_object,
                metric_name: metric.to_owned(),
                timestamp,
                window_seconds,
                value,
                selector: selector.clone(),
            };
            reply::json(200, &v1beta1::MetricValueList::new(group, values.map(item).collect()), wishes)
        }
        Version::V1beta2 => {
            let item = |(described_object, timestamp, window_seconds, value)| v1beta2::MetricValue {
                described_object,
                metric: v1beta2::MetricIdentifier { name: metric.to_owned(), selector: selector.clone() },
                timestamp,
                window_seconds,
                value,
            };
            reply::json(200, &v1beta2::MetricValueList::new(group, values.map(item).collect()), wishes)
        }
    }
}
