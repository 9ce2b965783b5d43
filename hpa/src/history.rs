//! What one autoscaler remembers from sync to sync: recommendations for the stabilization windows and changes of replicas for
//! the policies. A value, not a store: whoever calls `decide` keeps it. Lists reuse stale places, so that they stay as long
//! as a window holds syncs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::spec::{Behavior, ScalingRules};

/// Everything that one autoscaler remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Proposals before stabilization; none before the first sync, which is not the same as an empty list.
    pub recommendations: Option<Vec<Recommendation>>,
    /// Growth.
    pub scale_ups: Vec<ScaleEvent>,
    /// Shrinking.
    pub scale_downs: Vec<ScaleEvent>,
}

/// What the metrics asked for at one sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// The replicas.
    pub replicas: i32,
    /// When.
    pub time: Timestamp,
}

/// One change of the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleEvent {
    /// By how many, without a sign.
    pub change: i32,
    /// When.
    pub time: Timestamp,
    /// Older than every policy's period when it was last looked at: its place may be reused.
    pub outdated: bool,
}

/// Which way replicas change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Direction {
    Up,
    Down,
}

/// The moment `seconds` before `now`.
#[must_use]
pub fn cutoff(now: Timestamp, length: Duration) -> Timestamp {
    let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
    now.checked_sub(length).unwrap_or(Timestamp::MIN)
}

impl History {
    /// At the first sync the replicas as they are count as recommended, so that a restart does not shrink anything at once.
    pub fn begin(&mut self, current: i32, now: Timestamp) {
        self.recommendations.get_or_insert_with(|| vec![Recommendation { replicas: current, time: now }]);
    }

    /// Remembers a proposal in the last place of those before `cutoff`, or in a new one.
    pub fn recommend(&mut self, replicas: i32, now: Timestamp, cutoff: Timestamp) {
        let list = self.recommendations.get_or_insert_default();
        let new = Recommendation { replicas, time: now };
        match list.iter_mut().rfind(|old| old.time < cutoff) {
            Some(stale) => *stale = new,
            None => list.push(new),
        }
    }

    /// Remembers that replicas were changed, if there is a behavior whose policies will ask for it.
    pub fn scaled(&mut self, from: i32, to: i32, behavior: Option<&Behavior>, now: Timestamp) {
        let Some(behavior) = behavior else { return };
        let (events, rules) =
            if to > from { (&mut self.scale_ups, &behavior.scale_up) } else { (&mut self.scale_downs, &behavior.scale_down) };
        let cutoff = cutoff(now, longest_period(rules.as_ref()));
        for event in events.iter_mut() {
            event.outdated |= event.time < cutoff;
        }
        let new = ScaleEvent { change: to.saturating_sub(from).saturating_abs(), time: now, outdated: false };
        match events.iter_mut().rfind(|event| event.outdated) {
            Some(stale) => *stale = new,
            None => events.push(new),
        }
    }

    /// By how many replicas grew and shrank in the `period` before `now`.
    #[must_use]
    pub fn changed_within(&self, period: Duration, now: Timestamp) -> (i32, i32) {
        let cutoff = cutoff(now, period);
        let sum = |events: &[ScaleEvent]| {
            events.iter().filter(|event| event.time > cutoff).fold(0_i32, |sum, event| sum.saturating_add(event.change))
        };
        (sum(&self.scale_ups), sum(&self.scale_downs))
    }
}

fn longest_period(rules: Option<&ScalingRules>) -> Duration {
    let longest = rules.into_iter().flat_map(ScalingRules::policies).map(|policy| policy.period_seconds).max();
    Duration::from_secs(u64::try_from(longest.unwrap_or(0)).unwrap_or(0))
}
