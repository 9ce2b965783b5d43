//! From the metrics' proposal to replicas that are wanted: past recommendations first, then policies and bounds. It sets the
//! conditions that say which of them cut what.

use std::borrow::Cow;

use crate::behavior::{self, Bounds};
use crate::conditions::ConditionType::{AbleToScale, ScalingLimited};
use crate::conditions::Conditions;
use crate::decide::Observation;
use crate::history::History;
use crate::spec::defaults;
use crate::stabilization::{self, Windows};
use crate::trace::{Limit, Stabilization};

/// What came of a proposal, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalized {
    /// Past recommendations.
    pub stabilization: Stabilization,
    /// Policies and bounds.
    pub limit: Limit,
}

/// Normalizes `proposal`; the history remembers it as it was.
pub fn normalized(
    observation: &Observation<'_>,
    current: i32,
    proposal: i32,
    history: &mut History,
    conditions: &mut Conditions,
) -> Normalized {
    let Observation { autoscaler, settings, now, .. } = *observation;
    let spec = &autoscaler.spec;
    let bounds = Bounds { current, min: spec.min(), max: spec.max_replicas };
    let normalized = match &spec.behavior {
        None => {
            let stabilization = stabilization::stabilize(history, Windows::built_in(settings), current, proposal, now);
            Normalized { limit: behavior::limit(bounds, stabilization.result, settings), stabilization }
        }
        Some(rules) => {
            // An autoscaler that never saw an API server may lack a direction.
            let up = rules.scale_up.as_ref().map_or_else(|| Cow::Owned(defaults::scale_up()), Cow::Borrowed);
            let down = rules.scale_down.as_ref().map_or_else(|| Cow::Owned(defaults::scale_down()), Cow::Borrowed);
            let windows = Windows::of(&up, &down, settings);
            let stabilization = stabilization::stabilize(history, windows, current, proposal, now);
            let (stabilized, defects) = (stabilization.result, settings.defects);
            let limit = behavior::limit_with_policies(bounds, stabilized, (&up, &down), history, now, defects);
            Normalized { stabilization, limit }
        }
    };
    let stabilized = normalized.stabilization.result;
    let (reason, message) = if stabilized == proposal {
        ("ReadyForNewScale", "recommended size matches current size")
    } else {
        stabilized_reason(spec.behavior.is_some() && proposal >= current)
    };
    conditions.set(AbleToScale, true, reason, message, now);
    let Limit { reason, result, .. } = normalized.limit;
    conditions.set(ScalingLimited, result != stabilized, reason, behavior::message(reason), now);
    normalized
}

/// The reason that a past recommendation was applied: with a behavior it depends on the direction of the proposal.
#[must_use]
pub const fn stabilized_reason(up: bool) -> (&'static str, &'static str) {
    if up {
        let message = "recent recommendations were lower than current one, applying the lowest recent recommendation";
        ("ScaleUpStabilized", message)
    } else {
        let message = "recent recommendations were higher than current one, applying the highest recent recommendation";
        ("ScaleDownStabilized", message)
    }
}
