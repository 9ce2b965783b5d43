//! The parts of autoscaling/v2's HorizontalPodAutoscaler that decide, in its own shape and spelling. Reading a file, filling
//! in defaults and validating stand in the rooms below; nothing here computes.

pub mod defaults;
pub mod file;
pub mod position;
pub mod validate;

use metrics_api::{LabelSelector, Quantity};
use serde::{Deserialize, Serialize};

/// One autoscaler with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autoscaler {
    /// Where it and its target live.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which version of the spec this is: 1 when created, one more for each change of it.
    pub generation: i64,
    /// What it wants.
    pub spec: AutoscalerSpec,
}

/// `HorizontalPodAutoscalerSpec`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoscalerSpec {
    /// What is scaled.
    pub scale_target_ref: ObjectReference,
    /// The fewest replicas; 1 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<i32>,
    /// The most replicas.
    pub max_replicas: i32,
    /// What is measured, each against its target. The largest answer wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricSpec>,
    /// How fast replicas may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,
}

/// `CrossVersionObjectReference`: an object of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectReference {
    /// Group and version, such as `apps/v1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// One metric with its target: `type` says which of the sources is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricSpec {
    /// `Resource`, `ContainerResource`, `Pods`, `Object` or `External`.
    #[serde(rename = "type")]
    pub kind: String,
    /// CPU or memory of whole pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceSource>,
    /// CPU or memory of one container of each pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_resource: Option<ContainerResourceSource>,
    /// A custom metric of each pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodsSource>,
    /// A custom metric of one object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectSource>,
    /// A metric of nothing in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalSource>,
}

/// `ResourceMetricSource`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceSource {
    /// `cpu` or `memory`.
    pub name: String,
    /// Utilization or AverageValue.
    pub target: MetricTarget,
}

/// `ContainerResourceMetricSource`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerResourceSource {
    /// `cpu` or `memory`.
    pub name: String,
    /// The container's name.
    pub container: String,
    /// Utilization or AverageValue.
    pub target: MetricTarget,
}

/// `PodsMetricSource`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodsSource {
    /// Which metric.
    pub metric: MetricIdentifier,
    /// AverageValue.
    pub target: MetricTarget,
}

/// `ObjectMetricSource`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectSource {
    /// Whose metric.
    pub described_object: ObjectReference,
    /// Which metric.
    pub metric: MetricIdentifier,
    /// Value or AverageValue.
    pub target: MetricTarget,
}

/// `ExternalMetricSource`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalSource {
    /// Which metric.
    pub metric: MetricIdentifier,
    /// Value or AverageValue.
    pub target: MetricTarget,
}

/// `MetricIdentifier`: a metric by name and, perhaps, by its own labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricIdentifier {
    /// The name.
    pub name: String,
    /// Which series of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// `MetricTarget`: `type` says which of the three is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricTarget {
    /// What is compared.
    #[serde(rename = "type", default)]
    pub kind: TargetKind,
    /// The whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Quantity>,
    /// The value divided by the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_value: Option<Quantity>,
    /// Percent of what the pods request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_utilization: Option<i32>,
}

/// `MetricTargetType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum TargetKind {
    Utilization,
    Value,
    AverageValue,
    /// Left out; only objects that never went through validation have it.
    #[default]
    #[serde(rename = "")]
    Unset,
}

/// `HorizontalPodAutoscalerBehavior`. The API server fills in both directions when it is set at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Behavior {
    /// The way up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<ScalingRules>,
    /// The way down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<ScalingRules>,
}

/// `HPAScalingRules` of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalingRules {
    /// How long past recommendations are remembered, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stabilization_window_seconds: Option<i32>,
    /// Which policy counts when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select_policy: Option<SelectPolicy>,
    /// How much may change in how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<ScalingPolicy>>,
    /// How far from the target nothing is done yet; the controller's own setting when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Quantity>,
}

impl ScalingRules {
    /// The policies, none when unset.
    #[must_use]
    pub fn policies(&self) -> &[ScalingPolicy] {
        self.policies.as_deref().unwrap_or_default()
    }
}

/// `ScalingPolicySelect`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum SelectPolicy {
    #[default]
    Max,
    Min,
    Disabled,
}

/// `HPAScalingPolicy`: so many pods, or so many percent, in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalingPolicy {
    /// What the value counts.
    #[serde(rename = "type")]
    pub kind: PolicyKind,
    /// Pods, or percent of the replicas at the period's start.
    pub value: i32,
    /// The period in seconds.
    pub period_seconds: i32,
}

/// `HPAScalingPolicyType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum PolicyKind {
    Pods,
    Percent,
}

impl AutoscalerSpec {
    /// The fewest replicas, with the API server's default.
    #[must_use]
    pub fn min(&self) -> i32 {
        self.min_replicas.unwrap_or(1)
    }

    /// Whether any metric has a value while no pod runs: without one, nothing could ever end a pause at zero.
    #[must_use]
    pub fn measures_without_pods(&self) -> bool {
        self.metrics.iter().any(|metric| matches!(metric.kind.as_str(), "Object" | "External"))
    }
}

impl Autoscaler {
    /// The target as messages name it: `Kind/namespace/name`.
    #[must_use]
    pub fn target(&self) -> String {
        let target = &self.spec.scale_target_ref;
        format!("{}/{}/{}", target.kind, self.namespace, target.name)
    }
}
