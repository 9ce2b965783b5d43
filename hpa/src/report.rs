//! The document of `GET /decisions`: what the loop did at each sync and why, for people and pages. Numbers of metrics are
//! thousandths, times are milliseconds since 1970. It says what was decided; it decides nothing.

use serde::{Deserialize, Serialize};

/// The answer to `GET /decisions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whose decisions these are.
    pub autoscaler: Subject,
    /// Oldest first.
    pub decisions: Vec<Entry>,
}

/// The autoscaler and its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Where it lives.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it scales: `Kind/namespace/name`.
    pub target: String,
    /// The fewest replicas.
    pub min: i32,
    /// The most replicas.
    pub max: i32,
}

/// One sync.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds since 1970; unique and increasing.
    pub time: i64,
    /// The replicas asked for before; none if the scale could not be read.
    pub current: Option<i32>,
    /// The replicas wanted now; none if nothing could be decided.
    pub desired: Option<i32>,
    /// Whether the scale was changed.
    pub scaled: bool,
    /// The reason of a change in upstream's words; empty without one.
    pub reason: String,
    /// One or two plain sentences with the numbers.
    pub why: String,
    /// What went wrong, if anything did.
    pub error: Option<String>,
    /// The conditions after the sync.
    pub conditions: Vec<Condition>,
    /// Each metric in the order of the spec; empty if none was looked at.
    pub metrics: Vec<Metric>,
}

/// A condition as the autoscaler's status has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Such as `AbleToScale`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True` or `False`.
    pub status: String,
    /// One word.
    pub reason: String,
    /// One sentence.
    pub message: String,
}

/// One metric and what it asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The metric's or resource's name.
    pub name: String,
    /// What reasons call it.
    pub what: String,
    /// What it was, in the unit of the target: thousandths, or percent times a thousand for a utilization.
    pub value_milli: Option<i64>,
    /// What it should be.
    pub target_milli: Option<i64>,
    /// How far above 1 the ratio may be before anything is done.
    pub tolerance: f64,
    /// How far below 1 it may be.
    pub tolerance_down: f64,
    /// Value by target.
    pub ratio: Option<f64>,
    /// The replicas it asked for.
    pub proposal: Option<i32>,
    /// When the newest sample behind the value was taken.
    pub timestamp: Option<i64>,
    /// How long a time the samples behind it cover.
    pub window_seconds: Option<i64>,
    /// Why there is no value.
    pub error: Option<String>,
}

impl Metric {
    /// What it was, in ones, for charts and tables.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.value_milli.map(ones)
    }

    /// What it should be, in ones.
    #[must_use]
    pub fn target(&self) -> Option<f64> {
        self.target_milli.map(ones)
    }
}

fn ones(milli: i64) -> f64 {
    milli as f64 / 1000.0
}
