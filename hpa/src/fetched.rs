//! From what a metrics API answered to the sample that a decision takes: which values count, when a pod counts as missing, and
//! upstream's words for an answer without any. It sends nothing; documents come in as plain values.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::sample::{PodSample, PodSamples, Sample};

/// The window of a custom metric that names none.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(60);

/// One pod of the resource metrics API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodUsage {
    /// The pod's name.
    pub pod: String,
    /// When it was taken.
    pub timestamp: Timestamp,
    /// How long a time it covers.
    pub window: Duration,
    /// Name and usage of each container, in thousandths by resource.
    pub containers: Vec<(String, BTreeMap<String, i64>)>,
}

/// One value of the custom or external metrics API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The object that it describes; empty for external metrics.
    pub object: String,
    /// Thousandths.
    pub milli: i64,
    /// When it was taken.
    pub timestamp: Timestamp,
    /// How long a time it covers, if the API says so.
    pub window: Option<Duration>,
}

/// The usage of a resource: the sum over a pod's containers, or of the one that is named. A pod of which one container lacks
/// it has none.
#[must_use]
pub fn resource(pods: &[PodUsage], resource: &str, container: Option<&str>) -> Sample {
    if pods.is_empty() {
        return Sample::Failed("no metrics returned from resource metrics API".to_owned());
    }
    let usage = |pod: &PodUsage| -> Option<i64> {
        let counts = |name: &str| container.is_none_or(|container| container == name);
        let mut usages = pod.containers.iter().filter(|(name, _)| counts(name)).map(|(_, usage)| usage.get(resource)).peekable();
        usages.peek()?;
        usages.try_fold(0_i64, |sum, usage| Some(sum.saturating_add(*usage?)))
    };
    let sample = |pod: &PodUsage| {
        let milli = usage(pod)?;
        Some((pod.pod.clone(), PodSample { milli, timestamp: pod.timestamp, window: pod.window }))
    };
    Sample::Pods(pods.iter().filter_map(sample).collect())
}

/// A custom metric of pods.
#[must_use]
pub fn pods(values: &[Value]) -> Sample {
    if values.is_empty() {
        return Sample::Failed("no metrics returned from custom metrics API".to_owned());
    }
    let sample = |value: &Value| {
        let window = value.window.unwrap_or(DEFAULT_WINDOW);
        (value.object.clone(), PodSample { milli: value.milli, timestamp: value.timestamp, window })
    };
    Sample::Pods(values.iter().map(sample).collect::<PodSamples>())
}

/// A custom metric of one object.
#[must_use]
pub fn object(values: &[Value]) -> Sample {
    match values {
        [value] => Sample::Object { milli: value.milli, timestamp: Some(value.timestamp), window: value.window },
        many => Sample::Failed(format!(
            "unable to fetch metrics from custom metrics API: the custom metrics API server returned {} results when we asked for exactly one",
            many.len()
        )),
    }
}

/// An external metric.
#[must_use]
pub fn external(values: &[Value]) -> Sample {
    if values.is_empty() {
        return Sample::Failed("no metrics returned from external metrics API".to_owned());
    }
    let timestamp = values.iter().map(|value| value.timestamp).max();
    Sample::External { milli: values.iter().map(|value| value.milli).collect(), timestamp }
}
