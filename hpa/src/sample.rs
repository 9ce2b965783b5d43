//! What the metrics APIs answered for one metric of an autoscaler: integers in thousandths with the time at which they were
//! taken. No unit conversion and no client.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

/// The answer for one metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// A value for each pod: resources and pod metrics.
    Pods(PodSamples),
    /// One value of an object.
    Object {
        /// Thousandths.
        milli: i64,
        /// When the newest sample behind it was taken.
        timestamp: Option<Timestamp>,
    },
    /// The values of every series that matched.
    External {
        /// Thousandths.
        milli: Vec<i64>,
        /// When the newest sample behind them was taken.
        timestamp: Option<Timestamp>,
    },
    /// No answer; the text says why, as a person should read it.
    Failed(String),
    /// Nobody asked.
    NotAsked,
}

/// The values of pods, by name.
pub type PodSamples = HashMap<String, PodSample>;

/// One pod's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSample {
    /// Thousandths; memory in thousandths of bytes.
    pub milli: i64,
    /// When it was taken.
    pub timestamp: Timestamp,
    /// How long a time it covers.
    pub window: Duration,
}
