//! What expressions evaluate to: samples with their labels, their value, and the evidence behind it.

use crate::labels::{Labels, METRIC_NAME};

/// The samples behind a value: how new, how old, and whether they were a stretch or single points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Time of the oldest sample, in milliseconds since 1970.
    pub oldest: i64,
    /// Time of the newest.
    pub newest: i64,
    /// Whether a range of samples was used.
    pub ranged: bool,
}

impl Evidence {
    /// A single sample.
    #[must_use]
    pub const fn at(time: i64) -> Self {
        Self { oldest: time, newest: time, ranged: false }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { oldest: self.oldest.min(other.oldest), newest: self.newest.max(other.newest), ranged: self.ranged || other.ranged }
    }

    /// Both, where constants have none.
    #[must_use]
    pub fn merge(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        }
    }

    /// Whole seconds that a range of samples covers; none for single points.
    #[must_use]
    pub fn window_seconds(self) -> Option<i64> {
        // To the nearest second: scrapes come a millisecond early or late.
        self.ranged.then(|| (self.newest - self.oldest + 500).div_euclid(1000))
    }
}

/// One element of a vector.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its labels; the metric's name may be among them and not count.
    labels: Labels,
    /// Whether the metric's name counts. Functions take it away, and copying all labels for that would be dear.
    named: bool,
    /// The value.
    pub value: f64,
    /// The samples behind it; none behind a constant.
    pub evidence: Option<Evidence>,
}

impl Sample {
    pub(super) const fn new(labels: Labels, value: f64, evidence: Option<Evidence>) -> Self {
        Self { labels, named: true, value, evidence }
    }

    /// The value of one label; empty if there is none of this name.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        if !self.named && name == METRIC_NAME { "" } else { self.labels.get(name) }
    }

    /// Names and values, sorted by name.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().filter(|label| self.named || label.0 != METRIC_NAME)
    }

    /// The same without the metric's name.
    pub(super) fn unnamed(self) -> Self {
        Self { named: false, ..self }
    }

    /// The same with another value.
    pub(super) fn with_value(self, value: f64) -> Self {
        Self { value, ..self }
    }

    /// The same with more samples behind it.
    pub(super) fn with_evidence(self, evidence: Option<Evidence>) -> Self {
        Self { evidence: Evidence::merge(self.evidence, evidence), ..self }
    }

    /// Those of its labels that `keep` names.
    pub(super) fn kept(&self, keep: impl Fn(&str) -> bool) -> Labels {
        Labels::new(self.labels().filter(|label| keep(label.0)))
    }
}

/// A number, or a vector of samples.
#[derive(Clone, Debug)]
pub enum Value {
    /// A number with the samples behind it.
    Scalar(f64, Option<Evidence>),
    /// A vector.
    Vector(Vec<Sample>),
}

/// Adds up as Prometheus does: with the rounding error carried along (Neumaier's variant of Kahan's sum).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    total: f64,
    carried: f64,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64) {
        let total = self.total + value;
        if total.is_infinite() {
            self.carried = 0.0;
        } else if self.total.abs() >= value.abs() {
            self.carried += (self.total - total) + value;
        } else {
            self.carried += (value - total) + self.total;
        }
        self.total = total;
    }

    pub(super) fn get(self) -> f64 {
        self.total + self.carried
    }
}
