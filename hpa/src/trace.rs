//! How a decision came about: every number and every rule between what was observed and the replicas that are wanted. It is
//! filled by `decide` as it goes, so that it is complete up to the fault when one ends the sync. Words are `why`'s business.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::history::Direction;
use crate::spec::{PolicyKind, SelectPolicy};
use crate::tolerance::Tolerance;

/// One sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trace {
    /// Which way it went.
    pub course: Course,
    /// The bounds.
    pub min: i32,
    /// The bounds.
    pub max: i32,
    /// The replicas that the scale asks for.
    pub current: Option<i32>,
    /// Each metric in the order of the spec.
    pub metrics: Vec<MetricTrace>,
    /// Which of them won.
    pub winner: Option<usize>,
    /// What the winner asked for.
    pub proposal: Option<i32>,
    /// What past recommendations made of it.
    pub stabilization: Option<Stabilization>,
    /// What policies and bounds made of that.
    pub limit: Option<Limit>,
    /// The replicas that are wanted in the end.
    pub desired: Option<i32>,
}

/// Which way a sync went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Course {
    /// The scale could not be read.
    #[default]
    ScaleUnknown,
    /// Replicas were set to none by hand: that pauses autoscaling.
    Paused,
    /// More replicas than the most: brought there at once.
    AboveMax,
    /// Fewer replicas than the fewest: brought there at once.
    BelowMin,
    /// The scale's selector cannot be used.
    SelectorUnusable,
    /// Too many metrics failed to change anything.
    MetricsFailed,
    /// The metrics decided.
    Metrics,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricTrace {
    /// The type, as the spec has it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The metric's or resource's name.
    pub name: String,
    /// What upstream's reasons call it.
    pub what: String,
    /// Of what object or container it is, in words.
    pub of: Option<String>,
    /// What it should be.
    pub target: Option<Target>,
    /// What it is, in the target's unit: thousandths or percent.
    pub value: Option<i64>,
    /// When the newest sample behind it was taken.
    #[serde(serialize_with = "maybe_written")]
    pub timestamp: Option<Timestamp>,
    /// How long a time the samples behind it cover.
    pub window_seconds: Option<i64>,
    /// How far from 1 the ratio may be.
    pub tolerance: Tolerance,
    /// Value by target.
    pub ratio: Option<f64>,
    /// The groups of the pods, for metrics of pods.
    pub pods: Option<PodsTrace>,
    /// Replicas among which the value was shared, or pods that were ready.
    pub shared_among: Option<i64>,
    /// Which rule gave the proposal.
    pub rule: Option<Rule>,
    /// The replicas that it asks for.
    pub proposal: Option<i32>,
    /// Why it asks for none.
    pub error: Option<String>,
}

/// What a metric should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// Percent of what the pods request.
    Utilization(i32),
    /// Thousandths for each pod or replica.
    AverageValueMilli(i64),
    /// Thousandths in all.
    ValueMilli(i64),
}

/// The pods behind a metric by group, and what was filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PodsTrace {
    /// How many have samples that count.
    pub ready: usize,
    /// Whose samples do not count.
    pub unready: Vec<String>,
    /// Who has no sample.
    pub missing: Vec<String>,
    /// Who is left out altogether.
    pub ignored: Vec<String>,
    /// Samples of pods that the selector does not find.
    pub strangers: usize,
    /// What was filled in for those without a sample that counts.
    pub filled: Option<Filled>,
}

/// The second look, with cautious values where samples lack.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Filled {
    /// What each missing pod was taken for: percent of its request, or thousandths; none if they were left out.
    pub missing_as: Option<i64>,
    /// Whether unready pods were taken for idle.
    pub unready_idle: bool,
    /// How many pods counted then.
    pub counted: usize,
    /// The ratio then.
    pub ratio: f64,
}

/// The rule that gave a metric's proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// The ratio is within the tolerance: as it is.
    WithinTolerance,
    /// Ratio times ready pods, rounded up.
    RatioTimesReady,
    /// From no replicas: the ratio, rounded up.
    RatioFromZero,
    /// Value by target, rounded up.
    ValueByTarget,
    /// No pod is ready: as it is (a setting; upstream would propose none).
    NoneReady,
    /// With values filled in the ratio is within the tolerance: as it is.
    FilledWithinTolerance,
    /// With values filled in the ratio is on the other side of 1: as it is.
    FilledOtherSide,
    /// With values filled in the replicas would change against the ratio: as it is.
    FilledAgainstRatio,
    /// Second ratio times counted pods, rounded up.
    FilledRatioTimesCounted,
}

/// What past recommendations made of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stabilization {
    /// The proposal.
    pub proposal: i32,
    /// For how long a low recommendation holds growth back, in seconds.
    pub up_window_seconds: i64,
    /// For how long a high recommendation holds shrinking back, in seconds.
    pub down_window_seconds: i64,
    /// The recommendation that held, if one did.
    pub held_by: Option<HeldBy>,
    /// What came out.
    pub result: i32,
}

/// A past recommendation that holds replicas where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HeldBy {
    /// The replicas recommended then.
    pub replicas: i32,
    /// How many seconds ago the last such recommendation was made.
    pub age_seconds: i64,
    /// When it is forgotten.
    #[serde(serialize_with = "written")]
    pub until: Timestamp,
}

/// What policies and bounds made of the stabilized replicas.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// The stabilized replicas.
    pub stabilized: i32,
    /// Which way replicas would change; none if they would not.
    pub direction: Option<Direction>,
    /// Which policy counts; none without a behavior.
    pub select: Option<SelectPolicy>,
    /// Each policy of that direction.
    pub policies: Vec<PolicyTrace>,
    /// How far the policies, or without a behavior the built-in limit of growth, allow to go.
    pub rate_limit: Option<i32>,
    /// The reason of the condition ScalingLimited.
    pub reason: &'static str,
    /// What came out.
    pub result: i32,
}

/// One policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTrace {
    /// What its value counts.
    #[serde(rename = "type")]
    pub kind: PolicyKind,
    /// Pods or percent.
    pub value: i32,
    /// Its period.
    pub period_seconds: i32,
    /// The replicas at the period's start.
    pub start: i32,
    /// How far it allows to go.
    pub allows: i32,
    /// How many replicas of its budget are left.
    pub left: i32,
    /// When the oldest change that counts against it leaves the period.
    #[serde(serialize_with = "maybe_written")]
    pub frees_at: Option<Timestamp>,
}

fn written<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn maybe_written<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => written(time, serializer),
        None => serializer.serialize_none(),
    }
}
