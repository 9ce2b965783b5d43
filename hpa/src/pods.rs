//! Pods as the algorithm sees them, and the four groups into which it sorts them before it looks at their samples. Pure: the
//! time is an argument. Where pods come from is `observe`'s business.

pub mod requests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::sample::{PodSample, PodSamples};
use crate::settings::Settings;

/// One pod that the target's selector finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How far it is.
    pub phase: Phase,
    /// Whether it has a deletion timestamp.
    pub deleting: bool,
    /// Its Ready condition.
    pub ready: Option<Readiness>,
    /// When the kubelet took it.
    pub start: Option<Timestamp>,
    /// What it requests.
    pub requests: requests::Requests,
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
    /// Anything else.
    #[default]
    Unknown,
}

impl Phase {
    /// The phase as the API writes it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// A pod's Ready condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// True, False, or None for Unknown.
    pub status: Option<bool>,
    /// When it last changed.
    pub since: Timestamp,
}

impl Pod {
    /// Running and Ready: counted when an object's or an external value is shared out.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Running && self.ready.is_some_and(|ready| ready.status == Some(true))
    }
}

/// The group of one pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Its sample counts.
    Ready,
    /// Its sample does not count; if replicas are to grow it counts as idle.
    Unready,
    /// It has no sample; a cautious one is filled in.
    Missing,
    /// As if it were not there.
    Ignored,
}

/// The group of `pod` with its `sample` of `resource` (none for pod metrics, where CPU's rules of readiness do not apply).
#[must_use]
pub fn group(pod: &Pod, sample: Option<&PodSample>, resource: Option<&str>, now: Timestamp, settings: &Settings) -> Group {
    if pod.deleting || pod.phase == Phase::Failed {
        return Group::Ignored;
    }
    if pod.phase == Phase::Pending {
        return Group::Unready;
    }
    let Some(sample) = sample else { return Group::Missing };
    if resource == Some("cpu") && cpu_does_not_count(pod, sample, now, settings) { Group::Unready } else { Group::Ready }
}

fn cpu_does_not_count(pod: &Pod, sample: &PodSample, now: Timestamp, settings: &Settings) -> bool {
    let (Some(ready), Some(start)) = (pod.ready, pod.start) else { return true };
    let unready = ready.status == Some(false);
    let longer = |limit| SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    if now.duration_since(start) < longer(settings.cpu_initialization_period) {
        // A sample that reaches back behind the change of readiness still holds the work of starting up.
        return unready || sample.timestamp.duration_since(ready.since) < longer(sample.window);
    }
    // A pod that was ready once and no longer is may be overloaded: its sample counts.
    unready && ready.since.duration_since(start) < longer(settings.initial_readiness_delay)
}

/// The groups of `pods`, in their order.
#[must_use]
pub fn groups(pods: &[&Pod], samples: &PodSamples, resource: Option<&str>, now: Timestamp, settings: &Settings) -> Vec<Group> {
    pods.iter().map(|pod| group(pod, samples.get(&pod.name), resource, now, settings)).collect()
}
