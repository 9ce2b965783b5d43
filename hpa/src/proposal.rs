//! All metrics of an autoscaler asked in the order of its spec: what each proposes, how its status shows it, under which name
//! and reason upstream tells of it, and which proposal is the largest.

mod metric;

use crate::decide::{ErrorKind, Observation, Scale};
use crate::pods::Pod;
use crate::sample::Sample;
use crate::status::MetricStatus;
use crate::tolerance::Tolerance;
use crate::trace::MetricTrace;

/// What all metrics said.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The largest proposal; 0 if there is none.
    pub best: i32,
    /// Whose it is.
    pub winner: Option<usize>,
    /// What upstream calls that one.
    pub name: String,
    /// Each metric as the status shows it, with an empty entry where one failed.
    pub statuses: Vec<MetricStatus>,
    /// Each metric's way to its proposal.
    pub traces: Vec<MetricTrace>,
    /// Those that failed, in order.
    pub failures: Vec<Failure>,
}

/// A metric that proposes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The reason of the event and of the condition.
    pub reason: &'static str,
    /// The event's message.
    pub cause: String,
    /// The same with upstream's prefix for the sync's error.
    pub error: String,
    /// Whose fault it is.
    pub kind: ErrorKind,
}

/// Asks every metric about the target's `pods`.
#[must_use]
pub fn ask(observation: &Observation<'_>, scale: &Scale, pods: &[&Pod]) -> Asked {
    let spec = &observation.autoscaler.spec;
    let tolerance = Tolerance::of(spec.behavior.as_ref(), observation.settings);
    let room = spec.metrics.len();
    let mut asked = Asked {
        best: 0,
        winner: None,
        name: String::new(),
        statuses: Vec::with_capacity(room),
        traces: Vec::with_capacity(room),
        failures: Vec::new(),
    };
    for (number, metric) in spec.metrics.iter().enumerate() {
        let sample = observation.samples.get(number).unwrap_or(&Sample::NotAsked);
        let question = metric::Question { observation, scale, pods, tolerance, sample };
        let (mut trace, answer) = question.put(metric);
        match answer {
            Ok((status, replicas)) => {
                // At none the later metric gives the name; else the first of equals.
                if asked.best == 0 || replicas > asked.best {
                    (asked.best, asked.winner) = (replicas, Some(number));
                    asked.name.clone_from(&trace.what);
                }
                trace.proposal = Some(replicas);
                asked.statuses.push(status);
            }
            Err(failure) => {
                trace.error = Some(failure.cause.clone());
                asked.statuses.push(MetricStatus::default());
                asked.failures.push(failure);
            }
        }
        asked.traces.push(trace);
    }
    asked
}
