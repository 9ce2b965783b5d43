//! The custom metrics API as a client: which version the server has, one metric of one object or of pods. The other metrics
//! APIs are not asked yet; their metrics fail with a reason that says so.

use std::time::Duration;

use metrics_api::ApiGroup;
use metrics_api::custom_metrics::{GROUP, v1beta1, v1beta2};

use super::scale::{group_version, plural};
use crate::client::{Client, RequestError};
use crate::fetched::{self, Value};
use crate::sample::Sample;
use crate::selector;
use crate::spec::{MetricIdentifier, MetricSpec, ObjectReference};

/// A metric that could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The server has no version that this client speaks.
    #[error("{url}: it has neither {} nor {} of {GROUP}", v1beta2::VERSION, v1beta1::VERSION)]
    Version {
        /// Where it was asked.
        url: String,
    },
    /// No client for metrics of this type.
    #[error("metrics of type {0} are not available to an autoscaler from a file: only Object and Pods metrics are")]
    Type(String),
}

impl Fault {
    /// As upstream's metrics client would report it.
    #[must_use]
    pub fn in_upstreams_words(&self) -> String {
        let api = match self {
            Self::Type(kind) if kind == "External" => "external",
            Self::Type(_) => "resource",
            _ => "custom",
        };
        format!("unable to fetch metrics from {api} metrics API: {self}")
    }
}

/// A version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The old one.
    V1beta1,
    /// The present one.
    V1beta2,
}

/// The sample of one metric. The server's version is asked once, then kept in `api` for the rest of the sync.
///
/// # Errors
/// The request failed, or nobody can be asked.
pub async fn sample(
    client: &Client,
    api: &mut Option<Version>,
    namespace: &str,
    metric: &MetricSpec,
    pods: &str,
) -> Result<Sample, Fault> {
    match (&metric.object, &metric.pods) {
        (Some(source), _) if metric.kind == "Object" => {
            let version = version(client, api).await?;
            let path = object_path(namespace, &source.described_object, &source.metric.name);
            Ok(fetched::object(&values(client, version, &path, &query(&source.metric, None)).await?))
        }
        (_, Some(source)) if metric.kind == "Pods" => {
            let version = version(client, api).await?;
            let path = ["namespaces", namespace, "pods", "*", &source.metric.name].map(str::to_owned);
            Ok(fetched::pods(&values(client, version, &path, &query(&source.metric, Some(pods))).await?))
        }
        _ => Err(Fault::Type(metric.kind.clone())),
    }
}

/// The path of one object's metric below the group's version; a namespace's own metrics are asked at the root.
fn object_path(namespace: &str, object: &ObjectReference, metric: &str) -> Vec<String> {
    // A reference that passed validation has at most one slash.
    let (group, _) = group_version(&object.api_version).unwrap_or_default();
    let resource = plural(&object.kind);
    let resource = if group.is_empty() { resource } else { format!("{resource}.{group}") };
    let path: &[&str] = if resource == "namespaces" {
        &["namespaces", &object.name, "metrics", metric]
    } else {
        &["namespaces", namespace, &resource, &object.name, metric]
    };
    path.iter().map(|segment| (*segment).to_owned()).collect()
}

fn query(metric: &MetricIdentifier, pods: Option<&str>) -> Vec<(&'static str, String)> {
    let pods = pods.map(|selector| ("labelSelector", selector.to_owned()));
    let metric = selector::query(metric.selector.as_ref()).map(|selector| ("metricLabelSelector", selector));
    pods.into_iter().chain(metric).collect()
}

async fn version(client: &Client, api: &mut Option<Version>) -> Result<Version, Fault> {
    if let Some(version) = *api {
        return Ok(version);
    }
    let url = client.url(&["apis", GROUP], &[]);
    let group: ApiGroup = client.get(url.clone()).await?;
    let served = std::iter::once(&group.preferred_version).chain(&group.versions);
    let known = served.into_iter().find_map(|served| match served.version.as_str() {
        v1beta1::VERSION => Some(Version::V1beta1),
        v1beta2::VERSION => Some(Version::V1beta2),
        _ => None,
    });
    let version = known.ok_or_else(|| Fault::Version { url: url.to_string() })?;
    Ok(*api.insert(version))
}

async fn values(
    client: &Client,
    version: Version,
    path: &[String],
    query: &[(&'static str, String)],
) -> Result<Vec<Value>, RequestError> {
    let name = if version == Version::V1beta2 { v1beta2::VERSION } else { v1beta1::VERSION };
    let mut segments = vec!["apis", GROUP, name];
    segments.extend(path.iter().map(String::as_str));
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = client.url(&segments, &query);
    let seconds = |window: Option<i64>| window.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    Ok(match version {
        Version::V1beta1 => {
            let list: v1beta1::MetricValueList = client.get(url).await?;
            let value = |item: v1beta1::MetricValue| Value {
                object: item.described_object.name,
                milli: item.value.milli_value(),
                timestamp: item.timestamp.0,
                window: seconds(item.window_seconds),
            };
            list.items.into_iter().map(value).collect()
        }
        Version::V1beta2 => {
            let list: v1beta2::MetricValueList = client.get(url).await?;
            let value = |item: v1beta2::MetricValue| Value {
                object: item.described_object.name,
                milli: item.value.milli_value(),
                timestamp: item.timestamp.0,
                window: seconds(item.window_seconds),
            };
            list.items.into_iter().map(value).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objects_metric_has_a_path() {
        let check = |kind: &str, api_version: &str, expected: &str| {
            let object = ObjectReference { api_version: api_version.to_owned(), kind: kind.to_owned(), name: "o".to_owned() };
            assert_eq!(object_path("ns", &object, "m").join("/"), expected);
        };
        check("Service", "v1", "namespaces/ns/services/o/m");
        check("Service", "", "namespaces/ns/services/o/m");
        check("Ingress", "networking.k8s.io/v1", "namespaces/ns/ingresses.networking.k8s.io/o/m");
        check("Namespace", "v1", "namespaces/o/metrics/m");
    }
}
