//! The status of an autoscaler as its API object shows it: replicas, conditions, and each metric's current value.

use jiff::Timestamp;
use metrics_api::Quantity;
use serde::Serialize;

use crate::conditions::Conditions;
use crate::spec::{MetricIdentifier, ObjectReference};

/// `HorizontalPodAutoscalerStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Which version of the spec was last acted on.
    pub observed_generation: Option<i64>,
    /// When replicas were last changed.
    pub last_scale_time: Option<Timestamp>,
    /// The replicas before the last sync acted.
    pub current_replicas: i32,
    /// The replicas that it wanted.
    pub desired_replicas: i32,
    /// The metrics as they were, in the spec's order with an empty entry for each that failed; none if none was looked at.
    pub current_metrics: Option<Vec<MetricStatus>>,
    /// What holds of it.
    pub conditions: Conditions,
}

/// `MetricStatus`: `type` says which of the sources is set; an empty type means that the metric failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct MetricStatus {
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_resource: Option<ResourceStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<CustomStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<CustomStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<CustomStatus>,
}

/// `ResourceMetricStatus`, and with a container `ContainerResourceMetricStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct ResourceStatus {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    pub current: MetricValueStatus,
}

/// `PodsMetricStatus`, `ExternalMetricStatus`, and with an object `ObjectMetricStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct CustomStatus {
    pub metric: MetricIdentifier,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub described_object: Option<ObjectReference>,
    pub current: MetricValueStatus,
}

/// `MetricValueStatus`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct MetricValueStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_value: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_utilization: Option<i32>,
}

impl MetricValueStatus {
    /// A whole value in thousandths.
    #[must_use]
    pub fn value(milli: i64) -> Self {
        Self { value: Some(Quantity::from_milli(milli)), ..Self::default() }
    }

    /// A value for each pod or replica in thousandths.
    #[must_use]
    pub fn average(milli: i64) -> Self {
        Self { average_value: Some(Quantity::from_milli(milli)), ..Self::default() }
    }
}
