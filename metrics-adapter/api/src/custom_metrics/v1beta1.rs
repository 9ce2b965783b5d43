//! `custom.metrics.k8s.io/v1beta1`: the metric is a bare name beside its selector, the window is `window`.

use serde::{Deserialize, Serialize};

use super::ObjectReference;
use crate::{LabelSelector, ListMeta, Quantity, Time};

/// The version's name.
pub const VERSION: &str = "v1beta1";

/// The answer to every question of this version, even for one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricValueList {
    /// Always `MetricValueList`.
    pub kind: String,
    /// `GROUP/v1beta1`.
    pub api_version: String,
    /// Empty.
    #[serde(default)]
    pub metadata: ListMeta,
    /// One value an object.
    pub items: Vec<MetricValue>,
}

/// One metric of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricValue {
    /// The object.
    pub described_object: ObjectReference,
    /// The metric's name.
    pub metric_name: String,
    /// When the newest sample behind the value was taken.
    pub timestamp: Time,
    /// Seconds that the samples behind the value cover; none for an instantaneous value.
    #[serde(default, rename = "window", skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<i64>,
    /// The value.
    pub value: Quantity,
    /// The selector on the metric's own labels with which it was asked for.
    #[serde(default)]
    pub selector: Option<LabelSelector>,
}

impl MetricValueList {
    /// The list of these values in `group`.
    #[must_use]
    pub fn new(group: &str, items: Vec<MetricValue>) -> Self {
        Self { kind: "MetricValueList".to_owned(), api_version: format!("{group}/{VERSION}"), metadata: ListMeta {}, items }
    }
}
