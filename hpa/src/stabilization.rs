//! Past recommendations against flapping: how one that is still remembered holds replicas up, or with a behavior also down.
//! Pure; it reads the history and remembers the new proposal in it.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::history::{History, Recommendation, cutoff};
use crate::settings::Settings;
use crate::spec::ScalingRules;
use crate::trace::{HeldBy, Stabilization};

/// How long recommendations are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Low ones, which hold growth back; none without a behavior.
    pub up: Option<Duration>,
    /// High ones, which hold shrinking back.
    pub down: Duration,
}

impl Windows {
    /// The windows of an autoscaler without a behavior.
    #[must_use]
    pub fn built_in(settings: &Settings) -> Self {
        Self { up: None, down: settings.downscale_stabilization }
    }

    /// The windows of a behavior's two directions.
    #[must_use]
    pub fn of(up: &ScalingRules, down: &ScalingRules, settings: &Settings) -> Self {
        let window = |rules: &ScalingRules| rules.stabilization_window_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        Self {
            up: Some(Duration::from_secs(window(up).unwrap_or(0))),
            down: window(down).map_or(settings.downscale_stabilization, Duration::from_secs),
        }
    }
}

/// What is left of `proposal` after past recommendations were heard; it is remembered itself.
pub fn stabilize(history: &mut History, windows: Windows, current: i32, proposal: i32, now: Timestamp) -> Stabilization {
    let down_cutoff = cutoff(now, windows.down);
    let up_cutoff = windows.up.map(|window| cutoff(now, window));
    let known = history.recommendations.as_deref().unwrap_or_default();
    // Without a behavior a recommendation as old as the window still counts; with one it does not.
    let holds_up = |old: &Recommendation| old.time > down_cutoff || (windows.up.is_none() && old.time == down_cutoff);
    let holds_down = |old: &Recommendation| up_cutoff.is_some_and(|cutoff| old.time > cutoff);
    let high = known.iter().filter(|old| holds_up(old)).fold(proposal, |high, old| high.max(old.replicas));
    let low = known.iter().filter(|old| holds_down(old)).fold(proposal, |low, old| low.min(old.replicas));
    let result = if windows.up.is_some() { current.max(low).min(high) } else { high };
    let (holder, window) = match result.cmp(&proposal) {
        Ordering::Greater => (latest(known, |old| holds_up(old) && old.replicas >= result), windows.down),
        Ordering::Less => (latest(known, |old| holds_down(old) && old.replicas <= result), windows.up.unwrap_or_default()),
        Ordering::Equal => (None, Duration::ZERO),
    };
    let held_by = holder.map(|old| HeldBy {
        replicas: old.replicas,
        age_seconds: now.duration_since(old.time).as_secs(),
        until: SignedDuration::try_from(window)
            .ok()
            .and_then(|window| old.time.checked_add(window).ok())
            .unwrap_or(Timestamp::MAX),
    });
    history.recommend(proposal, now, up_cutoff.map_or(down_cutoff, |up| up.min(down_cutoff)));
    let seconds = |window: Duration| i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
    Stabilization {
        proposal,
        up_window_seconds: seconds(windows.up.unwrap_or_default()),
        down_window_seconds: seconds(windows.down),
        held_by,
        result,
    }
}

/// The last of those that hold: until it is forgotten, the result stays.
fn latest(known: &[Recommendation], holds: impl Fn(&Recommendation) -> bool) -> Option<Recommendation> {
    known.iter().filter(|old| holds(old)).max_by_key(|old| old.time).copied()
}
