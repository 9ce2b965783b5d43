//! One sync in upstream's order: scale, pause, bounds, metrics, normalization; and what a change of the scale leaves behind
//! once it was tried. The numbers come from the other rooms; here is what follows what.

use super::selection;
use super::{Decision, ErrorKind, Observation, Rescale, Scale, ScaleError, SyncError};
use crate::conditions::ConditionType::{AbleToScale, ScaledToZero, ScalingActive};
use crate::conditions::{ConditionType, Conditions};
use crate::events::Event;
use crate::history::History;
use crate::normalize;
use crate::proposal::{self, Asked};
use crate::status::{MetricStatus, Status};
use crate::trace::{Course, Trace};

const ABOVE_MAX: &str = "Current number of replicas above Spec.MaxReplicas";
const BELOW_MIN: &str = "Current number of replicas below Spec.MinReplicas";
const BELOW_TARGET: &str = "All metrics below target";

/// A sync under way.
pub(super) struct Sync<'a> {
    observation: &'a Observation<'a>,
    conditions: Conditions,
    events: Vec<Event>,
    history: History,
    trace: Trace,
    metrics: Option<Vec<MetricStatus>>,
    error: Option<SyncError>,
}

/// Where a sync ends.
enum End {
    /// With these replicas, for this reason.
    Wanted(i32, String),
    /// Before it could want any.
    Failed,
}

impl<'a> Sync<'a> {
    pub(super) fn new(observation: &'a Observation<'a>) -> Self {
        let spec = &observation.autoscaler.spec;
        let trace = Trace { min: spec.min(), max: spec.max_replicas, ..Trace::default() };
        Self {
            observation,
            conditions: observation.status.conditions.clone(),
            events: Vec::new(),
            history: observation.history.clone(),
            trace,
            metrics: None,
            error: None,
        }
    }

    pub(super) fn run(mut self) -> Decision {
        match self.observation.scale {
            Err(error) => {
                self.no_scale(error);
                let status = Status { conditions: self.conditions, ..self.observation.status.clone() };
                let (events, history, error, trace) = (self.events, self.history, self.error, self.trace);
                Decision { rescale: None, failed_rescale: None, status, events, history, error, trace }
            }
            Ok(scale) => {
                let message = "the HPA controller was able to get the target's current scale";
                self.set(AbleToScale, true, "SucceededGetScale", message);
                self.history.begin(scale.spec_replicas, self.observation.now);
                self.trace.current = Some(scale.spec_replicas);
                let end = self.wanted(scale);
                self.ended(scale, end)
            }
        }
    }

    fn set(&mut self, kind: ConditionType, status: bool, reason: &str, message: impl Into<String>) {
        self.conditions.set(kind, status, reason, message, self.observation.now);
    }

    fn no_scale(&mut self, error: &ScaleError) {
        self.events.push(Event::warning("FailedGetScale", error.to_string()));
        let message = format!("the HPA controller was unable to get the target's current scale: {error}");
        self.set(AbleToScale, false, "FailedGetScale", message);
        let (kind, message) = match error {
            ScaleError::ApiVersion(text) => (ErrorKind::Spec, format!("invalid API version in scale target reference: {text}")),
            ScaleError::Kind(text) => {
                (ErrorKind::Internal, format!("unable to determine resource for scale target reference: {text}"))
            }
            ScaleError::Query(text) => {
                let target = self.observation.autoscaler.target();
                (ErrorKind::Internal, format!("failed to query scale subresource for {target}: {text}"))
            }
        };
        self.error = Some(SyncError { kind, message });
    }

    /// The replicas that are wanted, and why.
    fn wanted(&mut self, scale: &Scale) -> End {
        let spec = &self.observation.autoscaler.spec;
        let (current, min, max) = (scale.spec_replicas, spec.min(), spec.max_replicas);
        if current == 0 && !self.woken_from_zero() {
            self.trace.course = Course::Paused;
            let message = "scaling is disabled since the replica count of the target is zero";
            self.set(ScalingActive, false, "ScalingDisabled", message);
            if !self.observation.settings.gates.scale_to_zero {
                self.conditions.remove(ScaledToZero);
            }
            return End::Wanted(0, String::new());
        }
        if current > max {
            self.trace.course = Course::AboveMax;
            return End::Wanted(max, ABOVE_MAX.to_owned());
        }
        if current != 0 && current < min {
            self.trace.course = Course::BelowMin;
            return End::Wanted(min, BELOW_MIN.to_owned());
        }
        let Some((proposal, name)) = self.proposal(scale) else { return End::Failed };
        let reason = match proposal.cmp(&current) {
            std::cmp::Ordering::Greater => format!("{name} above target"),
            std::cmp::Ordering::Less => BELOW_TARGET.to_owned(),
            std::cmp::Ordering::Equal => String::new(),
        };
        let normalized = normalize::normalized(self.observation, current, proposal, &mut self.history, &mut self.conditions);
        self.trace.stabilization = Some(normalized.stabilization);
        let desired = normalized.limit.result;
        self.trace.limit = Some(normalized.limit);
        if current == 0 && desired < min {
            // The fewest replicas were raised while there were none.
            return End::Wanted(min, if reason.is_empty() { BELOW_MIN.to_owned() } else { reason });
        }
        End::Wanted(desired, reason)
    }

    /// Whether an autoscaler at no replicas goes on: only if the last step there was its own, and something can end it.
    fn woken_from_zero(&self) -> bool {
        let spec = &self.observation.autoscaler.spec;
        let ours = self.conditions.get(ScaledToZero).is_some_and(|condition| condition.status);
        self.observation.settings.gates.scale_to_zero && ours && (spec.min() != 0 || spec.measures_without_pods())
    }

    /// What the metrics ask for, and the name of the one that won.
    fn proposal(&mut self, scale: &Scale) -> Option<(i32, String)> {
        let pods = match selection::selected(self.observation, &scale.selector) {
            Ok(pods) => pods,
            Err(fault) => {
                self.trace.course = Course::SelectorUnusable;
                self.events.push(Event::warning(fault.event, &fault.error));
                self.set(selection::CONDITION, false, fault.condition, fault.message);
                self.failed(SyncError { kind: ErrorKind::Internal, message: fault.error });
                return None;
            }
        };
        let asked = proposal::ask(self.observation, scale, &pods);
        let Asked { best, winner, name, statuses, traces, failures } = asked;
        self.metrics = Some(statuses);
        self.trace.metrics = traces;
        self.trace.course = Course::Metrics;
        self.events.extend(failures.iter().map(|failure| Event::warning(failure.reason, &failure.cause)));
        if let Some(first) = failures.first() {
            let (invalid, all) = (failures.len(), self.trace.metrics.len());
            let message = format!("invalid metrics ({invalid} invalid out of {all}), first error is: {}", first.error);
            let error = SyncError { kind: first.kind, message };
            if invalid == all || best < scale.spec_replicas {
                self.trace.course = Course::MetricsFailed;
                let message = format!("the HPA was unable to compute the replica count: {}", first.cause);
                self.set(ScalingActive, false, first.reason, message);
                self.failed(error);
                return None;
            }
            self.error = Some(error);
        }
        let message = format!("the HPA was able to successfully calculate a replica count from {name}");
        self.set(ScalingActive, true, "ValidMetricFound", message);
        // A proposal below none, which only overflow makes, counts as none and has no name.
        let (proposal, name) = if best > 0 { (best, name) } else { (0, String::new()) };
        (self.trace.winner, self.trace.proposal) = (winner, Some(proposal));
        Some((proposal, name))
    }

    /// The sync ends without replicas to want.
    fn failed(&mut self, error: SyncError) {
        self.events.push(Event::warning("FailedComputeMetricsReplicas", &error.message));
        let target = self.observation.autoscaler.target();
        let message =
            format!("failed to compute desired number of replicas based on listed metrics for {target}: {}", error.message);
        self.error = Some(SyncError { message, ..error });
    }

    fn ended(mut self, scale: &Scale, end: End) -> Decision {
        let before = self.observation.status;
        let (desired, rescale) = match end {
            End::Failed => (before.desired_replicas, None),
            End::Wanted(desired, reason) => {
                self.trace.desired = Some(desired);
                let change = Rescale { from: scale.spec_replicas, to: desired, reason };
                (desired, Some(change).filter(|change| change.from != change.to))
            }
        };
        let generation = self.observation.settings.gates.generation.then_some(self.observation.autoscaler.generation);
        let status = Status {
            observed_generation: generation.or(before.observed_generation),
            last_scale_time: before.last_scale_time,
            current_replicas: scale.spec_replicas,
            desired_replicas: desired,
            current_metrics: self.metrics,
            conditions: self.conditions,
        };
        let (events, history, error, trace) = (self.events, self.history, self.error, self.trace);
        Decision { rescale, failed_rescale: None, status, events, history, error, trace }
    }
}

/// What a change of the scale leaves behind once it was tried.
pub(super) fn rescaled(decision: &mut Decision, observation: &Observation<'_>, outcome: Result<(), String>) {
    let Some(Rescale { from, to, reason }) = &decision.rescale else { return };
    let (from, to, now) = (*from, *to, observation.now);
    let conditions = &mut decision.status.conditions;
    if let Err(error) = outcome {
        decision.events.push(Event::warning("FailedRescale", format!("New size: {to}; reason: {reason}; error: {error}")));
        let message = format!("the HPA controller was unable to update the target scale: {error}");
        conditions.set(AbleToScale, false, "FailedUpdateScale", message, now);
        decision.status.desired_replicas = observation.status.desired_replicas;
        let message = format!("failed to rescale {}: {error}", observation.autoscaler.target());
        decision.error = Some(SyncError { kind: ErrorKind::Internal, message });
        decision.failed_rescale = Some(error);
        return;
    }
    let message = format!("the HPA controller was able to update the target scale to {to}");
    conditions.set(AbleToScale, true, "SucceededRescale", message, now);
    decision.events.push(Event::normal("SuccessfulRescale", format!("New size: {to}; reason: {reason}")));
    let spec = &observation.autoscaler.spec;
    decision.history.scaled(from, to, spec.behavior.as_ref(), now);
    decision.status.last_scale_time = Some(now);
    if !observation.settings.gates.scale_to_zero {
        conditions.remove(ScaledToZero);
    } else if from > 0 && to == 0 && spec.min() == 0 && spec.measures_without_pods() {
        conditions.set(ScaledToZero, true, "ScaledToZero", "the HPA controller scaled the workload to zero", now);
    } else {
        conditions.set(ScaledToZero, false, "NotScaledToZero", "the HPA controller did not scale the workload to zero", now);
    }
}
