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
        /// How long a time the samples behind it cover.
        window: Option<Duration>,
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

impl Sample {
    /// When the newest sample behind it was taken, and how many seconds it covers.
    #[must_use]
    pub fn taken(&self) -> (Option<Timestamp>, Option<i64>) {
        let seconds = |window: &Duration| i64::try_from(window.as_secs()).ok();
        match self {
            Self::Pods(samples) => {
                let newest = samples.values().max_by_key(|sample| sample.timestamp);
                (newest.map(|sample| sample.timestamp), newest.and_then(|sample| seconds(&sample.window)))
            }
            Self::Object { timestamp, window, .. } => (*timestamp, window.as_ref().and_then(seconds)),
            Self::External { timestamp, .. } => (*timestamp, None),
            Self::Failed(_) | Self::NotAsked => (None, None),
        }
    }

    /// The value of an object.
    ///
    /// # Errors
    /// It is something else, with the reason.
    pub fn object(&self) -> Result<i64, String> {
        if let Self::Object { milli, .. } = self { Ok(*milli) } else { Err(self.fault()) }
    }

    /// The sum of an external metric's series, at most the greatest number.
    ///
    /// # Errors
    /// It is something else, with the reason.
    pub fn external(&self) -> Result<i64, String> {
        match self {
            Self::External { milli, .. } => Ok(milli.iter().fold(0, |sum, one| sum.saturating_add(*one))),
            other => Err(other.fault()),
        }
    }

    /// Why it is not what was needed.
    #[must_use]
    pub fn fault(&self) -> String {
        match self {
            Self::Failed(reason) => reason.clone(),
            Self::NotAsked => "it was not asked for".to_owned(),
            _ => "the answer is for another type of metric".to_owned(),
        }
    }
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
