//! From one metric's samples to the replicas that it asks for: pure, time is an argument. Which metric wins, what past
//! recommendations and policies make of it, is decided later.

pub mod per_pod;
pub mod ratio;
pub mod shared;

use crate::pods::requests::RequestError;

/// Replicas, and the value that the status shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calculation {
    /// What the metric asks for.
    pub replicas: i32,
    /// The value, or its average, in thousandths.
    pub milli: i64,
    /// Percent of what the pods request, for a utilization.
    pub utilization: Option<i32>,
}

/// Why a metric asks for nothing; the messages are upstream's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum CalculationError {
    #[error("no pods returned by selector while calculating replica count")]
    NoPods,
    #[error("unable to calculate ready pods: no pods returned by selector while calculating replica count")]
    NoPodsToCount,
    #[error("did not receive metrics for targeted pods (pods might be unready)")]
    NoSamples,
    #[error("no metrics returned matched known pods")]
    NoMatch,
    #[error(transparent)]
    Request(#[from] RequestError),
}
