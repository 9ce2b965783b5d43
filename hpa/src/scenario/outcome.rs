//! What came of a scenario, in the shape in which the real controller's answers are recorded, and the trace beside it.

use serde::Serialize;

use crate::conditions::Conditions;
use crate::decide::Decision;
use crate::events::Event;
use crate::history::ScaleEvent;
use crate::status::MetricStatus;
use crate::trace::Trace;

/// One line of `hpa decide`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The scenario's name.
    pub name: String,
    /// Whether the sync failed.
    pub error: bool,
    /// Why.
    pub error_message: Option<String>,
    /// As the status has it.
    pub desired_replicas: i32,
    /// As the status has it.
    pub current_replicas: i32,
    /// The replicas that were written to the scale, if any were.
    pub scale_updated_to: Option<i32>,
    /// In their order.
    pub conditions: Conditions,
    /// In their order.
    pub events: Vec<Event>,
    /// As the status has it.
    pub current_metrics: Option<Vec<MetricStatus>>,
    /// What is remembered, in list order.
    pub recommendations_after: Vec<i32>,
    /// What is remembered, in list order.
    pub scale_up_events_after: Vec<i32>,
    /// What is remembered, in list order.
    pub scale_down_events_after: Vec<i32>,
    /// How it came about.
    pub why: Trace,
}

impl Outcome {
    /// The outcome of a decision whose change of the scale was tried.
    #[must_use]
    pub fn of(name: &str, decision: &Decision) -> Self {
        let changed = decision.rescale.as_ref().filter(|_| decision.failed_rescale.is_none());
        let changes = |events: &[ScaleEvent]| events.iter().map(|event| event.change).collect();
        let recommendations = decision.history.recommendations.as_deref().unwrap_or_default();
        Self {
            name: name.to_owned(),
            error: decision.error.is_some(),
            error_message: decision.error.as_ref().map(|error| error.message.clone()),
            desired_replicas: decision.status.desired_replicas,
            current_replicas: decision.status.current_replicas,
            scale_updated_to: changed.map(|change| change.to),
            conditions: decision.status.conditions.clone(),
            events: decision.events.clone(),
            current_metrics: decision.status.current_metrics.clone(),
            recommendations_after: recommendations.iter().map(|old| old.replicas).collect(),
            scale_up_events_after: changes(&decision.history.scale_ups),
            scale_down_events_after: changes(&decision.history.scale_downs),
            why: decision.trace.clone(),
        }
    }
}
