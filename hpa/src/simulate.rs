//! `hpa simulate`: an autoscaler walked through recorded load, one sync a tick, at the default settings. The total load is given
//! and shared over the ready pods; what the pods could not have served is not modelled.

mod tick;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::tick::Walk;
use crate::settings::{Defects, Settings};
use crate::spec::{Behavior, MetricSpec};
use crate::trace::Trace;

/// More pods than any autoscaler has; each is held in memory.
const MAX_PODS: i32 = 100_000;

/// A file of recorded load.
#[derive(Clone, Debug, Deserialize)]
pub struct Traces {
    /// Each is walked on its own.
    pub traces: Vec<LoadTrace>,
}

/// Load over time, and the autoscaler and the pods that meet it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadTrace {
    /// Its name.
    pub name: String,
    /// Time between two syncs.
    pub tick_seconds: f64,
    /// Replicas at the beginning.
    pub initial_replicas: i32,
    /// The fewest replicas; 1 when unset.
    #[serde(default)]
    pub min_replicas: Option<i32>,
    /// The most replicas.
    pub max_replicas: i32,
    /// What is measured.
    pub metrics: Vec<MetricSpec>,
    /// How fast replicas may change, with the API server's defaults.
    #[serde(default)]
    pub behavior: Option<Behavior>,
    /// At this age a pod becomes ready.
    pub ready_after_seconds: f64,
    /// At this age a pod has samples.
    pub metric_after_seconds: f64,
    /// What a pod uses that is not ready.
    pub startup_usage_milli: i64,
    /// What a pod requests.
    pub cpu_request_milli: i64,
    /// The whole load at each tick.
    pub load_milli: Vec<i64>,
    /// Ticks at which every metric fails.
    #[serde(default)]
    pub metric_error_ticks: BTreeSet<usize>,
}

/// One line of `hpa simulate`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The trace's name.
    pub trace: String,
    /// The tick, from 0 on.
    pub tick: usize,
    /// The replicas before the sync.
    pub replicas: i32,
    /// The replicas that it wanted.
    pub desired: i32,
    /// The reason of AbleToScale.
    pub able: Option<String>,
    /// The reason of ScalingLimited.
    pub limited: Option<String>,
    /// The reason of ScalingActive.
    pub active: Option<String>,
    /// How the decision came about, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Trace>,
}

/// Why a file cannot be walked.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}: name a file of traces", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("{}: not a file of traces: {source}: correct it", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// It asks for more pods than can be walked.
    #[error("{}: {trace}: {replicas} replicas are too many or too few: write 0 to {MAX_PODS}", path.display())]
    Replicas {
        /// The file.
        path: PathBuf,
        /// The trace's name.
        trace: String,
        /// What it asks for.
        replicas: i32,
    },
    /// Nobody takes the lines.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
}

/// Walks every trace of the file and writes a line for each tick.
///
/// # Errors
/// The file holds no traces, or nobody takes the lines.
pub fn simulate(file: &Path, mut lines: impl Write, show_trace: bool, defects: Defects) -> Result<(), SimulateError> {
    let bytes = std::fs::read(file).map_err(|source| SimulateError::Read { path: file.to_owned(), source })?;
    let traces: Traces =
        serde_json::from_slice(&bytes).map_err(|source| SimulateError::Shape { path: file.to_owned(), source })?;
    let settings = Settings { defects, ..Settings::default() };
    for trace in &traces.traces {
        let counts = [trace.initial_replicas, trace.min_replicas.unwrap_or(1), trace.max_replicas];
        if let Some(replicas) = counts.into_iter().find(|count| !(0..=MAX_PODS).contains(count)) {
            return Err(SimulateError::Replicas { path: file.to_owned(), trace: trace.name.clone(), replicas });
        }
        for line in Walk::new(trace, &settings, show_trace) {
            serde_json::to_writer(&mut lines, &line).map_err(std::io::Error::from)?;
            lines.write_all(b"\n")?;
        }
    }
    lines.flush()?;
    Ok(())
}
