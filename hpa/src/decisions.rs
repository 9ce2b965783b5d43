//! The last decisions, kept for whoever asks what happened and why. Turns a decision into its entry of the report; it reads no
//! clock and serves nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::conditions::word;
use crate::decide::Decision;
use crate::report::{Condition, Entry, Metric, Report, Subject};
use crate::spec::Autoscaler;
use crate::trace::{MetricTrace, Target};
use crate::why::why;

/// Decisions kept: 50 minutes at the default sync period, at most about a megabyte.
const KEPT: usize = 200;

/// The last decisions of one autoscaler.
#[derive(Debug)]
pub struct Decisions {
    subject: Subject,
    kept: Mutex<VecDeque<Entry>>,
}

impl Decisions {
    /// None yet.
    #[must_use]
    pub fn new(autoscaler: &Autoscaler) -> Self {
        let subject = Subject {
            namespace: autoscaler.namespace.clone(),
            name: autoscaler.name.clone(),
            target: autoscaler.target(),
            min: autoscaler.spec.min(),
            max: autoscaler.spec.max_replicas,
        };
        Self { subject, kept: Mutex::default() }
    }

    /// Keeps a decision; the oldest goes when there are too many. A clock that steps back does not confuse the order.
    pub fn keep(&self, mut entry: Entry) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = kept.back() {
            entry.time = entry.time.max(last.time.saturating_add(1));
        }
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(entry);
    }

    /// Those after `since`, in milliseconds since 1970.
    #[must_use]
    pub fn report(&self, since: i64) -> Report {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let decisions = kept.iter().filter(|entry| entry.time > since).cloned().collect();
        Report { autoscaler: self.subject.clone(), decisions }
    }
}

/// The entry of a decision made at `now` for this target, after its change of the scale was tried.
#[must_use]
pub fn entry(decision: &Decision, target: &str, trouble: Option<&str>, now: Timestamp) -> Entry {
    let trace = &decision.trace;
    let condition = |given: &crate::conditions::Condition| Condition {
        kind: format!("{:?}", given.kind),
        status: word(given.status).to_owned(),
        reason: given.reason.clone(),
        message: given.message.clone(),
    };
    Entry {
        time: now.as_millisecond(),
        current: trace.current,
        desired: trace.desired,
        scaled: decision.rescale.is_some() && decision.failed_rescale.is_none(),
        reason: decision.rescale.as_ref().map(|change| change.reason.clone()).unwrap_or_default(),
        why: why(decision, target, trouble, now),
        error: decision.error.as_ref().map(|error| error.message.clone()),
        conditions: decision.status.conditions.0.iter().map(condition).collect(),
        metrics: trace.metrics.iter().map(metric).collect(),
    }
}

fn metric(trace: &MetricTrace) -> Metric {
    let percent = matches!(trace.target, Some(Target::Utilization(_)));
    Metric {
        name: trace.name.clone(),
        what: trace.what.clone(),
        value_milli: trace.value.map(|value| if percent { value.saturating_mul(1000) } else { value }),
        target_milli: trace.target.map(|target| match target {
            Target::Utilization(percent) => i64::from(percent) * 1000,
            Target::AverageValueMilli(milli) | Target::ValueMilli(milli) => milli,
        }),
        tolerance: trace.tolerance.up,
        tolerance_down: trace.tolerance.down,
        ratio: trace.ratio.filter(|ratio| ratio.is_finite()),
        proposal: trace.proposal,
        timestamp: trace.timestamp.map(Timestamp::as_millisecond),
        window_seconds: trace.window_seconds,
        error: trace.error.clone(),
    }
}
