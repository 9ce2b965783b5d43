//! How fast replicas may change: the policies of a behavior, or without one the built-in limit of growth; and the bounds.
//! Pure. What is asked for at all was decided before.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::history::{Direction, History, ScaleEvent, cutoff};
use crate::settings::{Defects, Settings};
use crate::spec::{PolicyKind, ScalingPolicy, ScalingRules, SelectPolicy};
use crate::trace::{Limit, PolicyTrace};

/// The reason of ScalingLimited when nothing was cut.
pub const WITHIN_RANGE: &str = "DesiredWithinRange";
/// Growth was cut by policies.
pub const SCALE_UP_LIMIT: &str = "ScaleUpLimit";
/// Shrinking was cut by policies.
pub const SCALE_DOWN_LIMIT: &str = "ScaleDownLimit";
/// Growth was cut by the most replicas.
pub const TOO_MANY: &str = "TooManyReplicas";
/// Shrinking was cut by the fewest replicas.
pub const TOO_FEW: &str = "TooFewReplicas";

/// The sentence that goes with a reason of ScalingLimited.
#[must_use]
pub fn message(reason: &str) -> &'static str {
    match reason {
        SCALE_UP_LIMIT => "the desired replica count is increasing faster than the maximum scale rate",
        SCALE_DOWN_LIMIT => "the desired replica count is decreasing faster than the maximum scale rate",
        TOO_MANY => "the desired replica count is more than the maximum replica count",
        TOO_FEW => "the desired replica count is less than the minimum replica count",
        _ => "the desired count is within the acceptable range",
    }
}

/// The replicas between which a change must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The replicas that the scale asks for.
    pub current: i32,
    /// The fewest.
    pub min: i32,
    /// The most.
    pub max: i32,
}

/// The built-in limit of growth and the bounds.
#[must_use]
pub fn limit(bounds: Bounds, stabilized: i32, settings: &Settings) -> Limit {
    let Bounds { current, min, max } = bounds;
    let rate = (settings.scale_up_limit_factor * f64::from(current)).max(f64::from(settings.scale_up_limit_minimum)) as i32;
    let (most, above) = if max > rate { (rate, SCALE_UP_LIMIT) } else { (max, TOO_MANY) };
    let (result, reason) = if stabilized < min {
        (min, TOO_FEW)
    } else if stabilized > most {
        (most, above)
    } else {
        (stabilized, WITHIN_RANGE)
    };
    let direction = direction(current, stabilized);
    Limit { stabilized, direction, select: None, policies: Vec::new(), rate_limit: Some(rate), reason, result }
}

/// The policies of the direction in which `stabilized` goes, and the bounds.
#[must_use]
pub fn limit_with_policies(
    bounds: Bounds,
    stabilized: i32,
    rules: (&ScalingRules, &ScalingRules),
    history: &History,
    now: Timestamp,
    defects: Defects,
) -> Limit {
    let Bounds { current, min, max } = bounds;
    let none = Limit {
        stabilized,
        direction: None,
        select: None,
        policies: Vec::new(),
        rate_limit: None,
        reason: WITHIN_RANGE,
        result: stabilized,
    };
    let Some(direction) = direction(current, stabilized) else { return none };
    let rules = if direction == Direction::Up { rules.0 } else { rules.1 };
    let select = rules.select_policy.unwrap_or_default();
    let policies = policies(direction, rules, current, history, now, defects);
    let rate = rate_limit(direction, select, current, &policies);
    let (result, reason) = match direction {
        // Never past the current replicas the wrong way: changes that were made in the period may have used up everything.
        Direction::Up => {
            let rate = rate.max(current);
            let (most, above) = if max > rate { (rate, SCALE_UP_LIMIT) } else { (max, TOO_MANY) };
            if stabilized > most { (most, above) } else { (stabilized, WITHIN_RANGE) }
        }
        Direction::Down => {
            let rate = rate.min(current);
            let (fewest, below) = if min < rate { (rate, SCALE_DOWN_LIMIT) } else { (min, TOO_FEW) };
            if stabilized < fewest { (fewest, below) } else { (stabilized, WITHIN_RANGE) }
        }
    };
    Limit { direction: Some(direction), select: Some(select), policies, rate_limit: Some(rate), reason, result, ..none }
}

fn direction(current: i32, wanted: i32) -> Option<Direction> {
    match wanted.cmp(&current) {
        std::cmp::Ordering::Greater => Some(Direction::Up),
        std::cmp::Ordering::Less => Some(Direction::Down),
        std::cmp::Ordering::Equal => None,
    }
}

/// What each policy of one direction allows.
#[must_use]
pub fn policies(
    direction: Direction,
    rules: &ScalingRules,
    current: i32,
    history: &History,
    now: Timestamp,
    defects: Defects,
) -> Vec<PolicyTrace> {
    rules.policies().iter().map(|policy| one_policy(direction, *policy, current, history, now, defects)).collect()
}

fn one_policy(
    direction: Direction,
    policy: ScalingPolicy,
    current: i32,
    history: &History,
    now: Timestamp,
    defects: Defects,
) -> PolicyTrace {
    let ScalingPolicy { kind, value, period_seconds } = policy;
    let period = Duration::from_secs(u64::try_from(period_seconds).unwrap_or(0));
    let (added, deleted) = history.changed_within(period, now);
    let start = current.saturating_sub(added).saturating_add(deleted);
    // The order of these operations is part of the algorithm: 100 × 1.1 is a little more than 110, and rounds up to 111.
    let allows = match (direction, kind) {
        (Direction::Up, PolicyKind::Pods) => start.saturating_add(value),
        (Direction::Down, PolicyKind::Pods) => start.saturating_sub(value),
        (Direction::Up, PolicyKind::Percent) => defects.replicas((f64::from(start) * (1.0 + f64::from(value) / 100.0)).ceil()),
        (Direction::Down, PolicyKind::Percent) => defects.replicas((f64::from(start) * (1.0 - f64::from(value) / 100.0)).trunc()),
    };
    let (events, left) = match direction {
        Direction::Up => (&history.scale_ups, allows.saturating_sub(current)),
        Direction::Down => (&history.scale_downs, current.saturating_sub(allows)),
    };
    PolicyTrace { kind, value, period_seconds, start, allows, left: left.max(0), frees_at: frees_at(events, period, now) }
}

/// When the oldest change within the period leaves it.
fn frees_at(events: &[ScaleEvent], period: Duration, now: Timestamp) -> Option<Timestamp> {
    let cutoff = cutoff(now, period);
    let oldest = events.iter().filter(|event| event.time > cutoff).map(|event| event.time).min()?;
    oldest.checked_add(SignedDuration::try_from(period).ok()?).ok()
}

/// How far the selected policy allows to go.
#[must_use]
pub fn rate_limit(direction: Direction, select: SelectPolicy, current: i32, policies: &[PolicyTrace]) -> i32 {
    let allowed = policies.iter().map(|policy| policy.allows);
    let selected = match (direction, select) {
        (_, SelectPolicy::Disabled) => Some(current),
        (Direction::Up, SelectPolicy::Max) | (Direction::Down, SelectPolicy::Min) => allowed.max(),
        (Direction::Up, SelectPolicy::Min) | (Direction::Down, SelectPolicy::Max) => allowed.min(),
    };
    // Rules without a policy, which no API server lets through, allow nothing.
    selected.unwrap_or(current)
}
