//! The shape of a scenario's config and input, and how it becomes what `decide` observes. Unknown fields are passed over, so
//! that recorded cases may say more than decides.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::conditions::{Condition, ConditionType, Conditions};
use crate::decide::{Neighbour, Scale, ScaleError};
use crate::history::{History, Recommendation, ScaleEvent};
use crate::pods::requests::{Amounts, Container, Requests, Role};
use crate::pods::{Phase, Pod, Readiness};
use crate::sample::{PodSample, Sample};
use crate::settings::{Gates, Settings};
use crate::spec::{Autoscaler, AutoscalerSpec, Behavior, MetricSpec, ObjectReference};
use crate::status::Status;

/// Settings; what is absent has its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    tolerance_default: Option<f64>,
    downscale_stabilization_seconds: Option<f64>,
    cpu_initialization_period_seconds: Option<f64>,
    initial_readiness_delay_seconds: Option<f64>,
    scale_up_limit_factor: Option<f64>,
    scale_up_limit_minimum: Option<f64>,
    gates: GatesInput,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GatesInput {
    #[serde(rename = "HPAScaleToZero")]
    scale_to_zero: Option<bool>,
    #[serde(rename = "HPAConfigurableTolerance")]
    configurable_tolerance: Option<bool>,
    #[serde(rename = "HPAGeneration")]
    generation: Option<bool>,
    pod_level_resources: Option<bool>,
}

impl Config {
    /// The settings of the scenario.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let defaults = Settings::default();
        let seconds = |given: Option<f64>, default: Duration| {
            given.map_or(default, |given| Duration::try_from_secs_f64(given).unwrap_or(default))
        };
        let gates = Gates {
            scale_to_zero: self.gates.scale_to_zero.unwrap_or(defaults.gates.scale_to_zero),
            configurable_tolerance: self.gates.configurable_tolerance.unwrap_or(defaults.gates.configurable_tolerance),
            generation: self.gates.generation.unwrap_or(defaults.gates.generation),
            pod_level_resources: self.gates.pod_level_resources.unwrap_or(defaults.gates.pod_level_resources),
        };
        Settings {
            tolerance: self.tolerance_default.unwrap_or(defaults.tolerance),
            downscale_stabilization: seconds(self.downscale_stabilization_seconds, defaults.downscale_stabilization),
            cpu_initialization_period: seconds(self.cpu_initialization_period_seconds, defaults.cpu_initialization_period),
            initial_readiness_delay: seconds(self.initial_readiness_delay_seconds, defaults.initial_readiness_delay),
            scale_up_limit_factor: self.scale_up_limit_factor.unwrap_or(defaults.scale_up_limit_factor),
            scale_up_limit_minimum: self.scale_up_limit_minimum.map_or(defaults.scale_up_limit_minimum, |given| given as i32),
            gates,
            defects: defaults.defects,
        }
    }
}

/// What is observed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    hpa: Head,
    #[serde(default)]
    min_replicas: Option<i32>,
    max_replicas: i32,
    #[serde(default)]
    metrics: Vec<MetricSpec>,
    #[serde(default)]
    behavior: Option<Behavior>,
    pub(super) scale: ScaleInput,
    #[serde(default)]
    samples: Vec<Option<SampleInput>>,
    #[serde(default)]
    pods: Vec<PodInput>,
    #[serde(flatten)]
    history: Behaved,
    #[serde(default)]
    other_hpas: Vec<Other>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    name: String,
    namespace: String,
    #[serde(default)]
    generation: i64,
    scale_target_ref: ObjectReference,
    #[serde(default)]
    status: StatusInput,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatusInput {
    current_replicas: i32,
    desired_replicas: i32,
    conditions: Vec<ConditionInput>,
}

#[derive(Clone, Debug, Deserialize)]
struct ConditionInput {
    #[serde(rename = "type")]
    kind: ConditionType,
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScaleInput {
    spec_replicas: i32,
    status_replicas: i32,
    selector: String,
    get_error: Option<String>,
    pub(super) update_errors: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Other {
    name: String,
    selector: String,
}

/// The answer of a metrics API.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SampleInput {
    /// A value for each pod.
    PodMetrics(HashMap<String, PodSampleInput>),
    /// One value of an object.
    ObjectMetric(i64),
    /// The values of every series.
    ExternalMetric(Vec<i64>),
    /// No answer.
    Error(String),
}

/// One pod's value.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSampleInput {
    value_milli: i64,
    #[serde(default)]
    age_seconds: f64,
    #[serde(default)]
    window_seconds: f64,
}

/// One pod.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodInput {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    phase: String,
    #[serde(default)]
    ready: Option<String>,
    #[serde(default)]
    start_time_ago_seconds: Option<f64>,
    #[serde(default)]
    ready_transition_ago_seconds: Option<f64>,
    #[serde(default)]
    deleting: bool,
    #[serde(default)]
    containers: Vec<ContainerInput>,
    #[serde(default)]
    pod_requests: Amounts,
    #[serde(default)]
    pod_overhead: Amounts,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerInput {
    name: String,
    #[serde(default)]
    requests: Amounts,
    #[serde(default)]
    init: bool,
    #[serde(default)]
    restart_policy: Option<String>,
}

/// What the autoscaler remembers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Behaved {
    recommendations: Option<Vec<RecommendationInput>>,
    scale_up_events: Vec<EventInput>,
    scale_down_events: Vec<EventInput>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecommendationInput {
    recommendation: i32,
    age_seconds: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventInput {
    replica_change: i32,
    age_seconds: f64,
    #[serde(default)]
    outdated: bool,
}

/// Everything that `decide` observes.
pub(super) struct Observed {
    pub(super) autoscaler: Autoscaler,
    pub(super) status: Status,
    pub(super) scale: Result<Scale, ScaleError>,
    pub(super) pods: Vec<Pod>,
    pub(super) samples: Vec<Sample>,
    pub(super) history: History,
    pub(super) neighbours: Vec<Neighbour>,
}

/// The moment `seconds` before `now`; what no clock can show becomes the nearest that one can.
fn ago(now: Timestamp, seconds: f64) -> Timestamp {
    let age = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO);
    now.checked_sub(age).unwrap_or(if seconds > 0.0 { Timestamp::MIN } else { Timestamp::MAX })
}

impl Input {
    pub(super) fn observed(&self, now: Timestamp) -> Observed {
        let scale = match &self.scale.get_error {
            Some(error) => Err(ScaleError::Query(error.clone())),
            None => Ok(Scale {
                spec_replicas: self.scale.spec_replicas,
                status_replicas: self.scale.status_replicas,
                selector: self.scale.selector.clone(),
            }),
        };
        let spec = AutoscalerSpec {
            scale_target_ref: self.hpa.scale_target_ref.clone(),
            min_replicas: self.min_replicas,
            max_replicas: self.max_replicas,
            metrics: self.metrics.clone(),
            behavior: self.behavior.clone(),
        };
        let Head { name, namespace, generation, .. } = self.hpa.clone();
        let neighbour = |other: &Other| Neighbour { name: other.name.clone(), selector: other.selector.clone() };
        Observed {
            autoscaler: Autoscaler { namespace, name, generation, spec },
            status: self.hpa.status.status(),
            scale,
            pods: self.pods.iter().map(|pod| pod.pod(now)).collect(),
            samples: self
                .samples
                .iter()
                .map(|sample| sample.as_ref().map_or(Sample::NotAsked, |sample| sample.sample(now)))
                .collect(),
            history: self.history.history(now),
            neighbours: self.other_hpas.iter().map(neighbour).collect(),
        }
    }
}

impl StatusInput {
    fn status(&self) -> Status {
        let condition = |given: &ConditionInput| Condition {
            kind: given.kind,
            status: given.status == "True",
            reason: given.reason.clone(),
            message: given.message.clone(),
            since: None,
        };
        Status {
            current_replicas: self.current_replicas,
            desired_replicas: self.desired_replicas,
            conditions: Conditions(self.conditions.iter().map(condition).collect()),
            ..Status::default()
        }
    }
}

impl SampleInput {
    /// The sample as `decide` takes it.
    #[must_use]
    pub fn sample(&self, now: Timestamp) -> Sample {
        let pod = |given: &PodSampleInput| PodSample {
            milli: given.value_milli,
            timestamp: ago(now, given.age_seconds),
            window: Duration::try_from_secs_f64(given.window_seconds).unwrap_or_default(),
        };
        match self {
            Self::PodMetrics(pods) => Sample::Pods(pods.iter().map(|(name, given)| (name.clone(), pod(given))).collect()),
            Self::ObjectMetric(milli) => Sample::Object { milli: *milli, timestamp: None, window: None },
            Self::ExternalMetric(milli) => Sample::External { milli: milli.clone(), timestamp: None },
            Self::Error(reason) => Sample::Failed(reason.clone()),
        }
    }
}

impl PodInput {
    /// The pod as `decide` takes it.
    #[must_use]
    pub fn pod(&self, now: Timestamp) -> Pod {
        let ready = self.ready.as_deref().map(|status| Readiness {
            status: match status {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            },
            since: ago(now, self.ready_transition_ago_seconds.unwrap_or(0.0)),
        });
        let container = |given: &ContainerInput| Container {
            name: given.name.clone(),
            role: match (given.init, given.restart_policy.as_deref()) {
                (false, _) => Role::Main,
                (true, Some("Always")) => Role::Sidecar,
                (true, _) => Role::Init,
            },
            requests: given.requests.clone(),
        };
        let containers = self.containers.iter().map(container).collect();
        Pod {
            name: self.name.clone(),
            labels: self.labels.clone(),
            phase: Phase::parse(&self.phase),
            deleting: self.deleting,
            ready,
            start: self.start_time_ago_seconds.map(|seconds| ago(now, seconds)),
            requests: Requests { containers, pod: self.pod_requests.clone(), overhead: self.pod_overhead.clone() },
        }
    }
}

impl Behaved {
    /// The history as `decide` takes it.
    #[must_use]
    pub fn history(&self, now: Timestamp) -> History {
        let recommendation =
            |given: &RecommendationInput| Recommendation { replicas: given.recommendation, time: ago(now, given.age_seconds) };
        let event = |given: &EventInput| ScaleEvent {
            change: given.replica_change,
            time: ago(now, given.age_seconds),
            outdated: given.outdated,
        };
        History {
            recommendations: self.recommendations.as_ref().map(|list| list.iter().map(recommendation).collect()),
            scale_ups: self.scale_up_events.iter().map(event).collect(),
            scale_downs: self.scale_down_events.iter().map(event).collect(),
        }
    }
}
