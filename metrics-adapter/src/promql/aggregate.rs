//! Aggregations: many samples become one for each group of labels.

use std::collections::HashMap;

use super::plan::Grouping;
use super::range::{quantile, variance};
use super::value::{Evidence, Sample, Sum};
use crate::labels::Labels;

/// How the values of a group become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregator {
    Sum,
    Average,
    Minimum,
    Maximum,
    Count,
    Group,
    Quantile,
    StandardDeviation,
    StandardVariance,
}

impl Aggregator {
    /// The aggregation of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sum" => Self::Sum,
            "avg" => Self::Average,
            "min" => Self::Minimum,
            "max" => Self::Maximum,
            "count" => Self::Count,
            "group" => Self::Group,
            "quantile" => Self::Quantile,
            "stddev" => Self::StandardDeviation,
            "stdvar" => Self::StandardVariance,
            _ => return None,
        })
    }

    /// One sample for each group.
    pub fn apply(self, samples: &[Sample], by: &Grouping, parameter: f64) -> Vec<Sample> {
        let mut groups: HashMap<Labels, Group> = HashMap::new();
        for sample in samples {
            let group = groups.entry(sample.kept(|label| by.keeps(label))).or_default();
            group.evidence = Evidence::merge(group.evidence, sample.evidence);
            group.values.push(sample.value);
        }
        let one = |(labels, group): (Labels, Group)| Sample::new(labels, self.of(group.values, parameter), group.evidence);
        groups.into_iter().map(one).collect()
    }

    fn of(self, values: Vec<f64>, parameter: f64) -> f64 {
        let count = values.len() as f64;
        let sum = || {
            let mut sum = Sum::default();
            values.iter().for_each(|value| sum.add(*value));
            sum.get()
        };
        let pick = |better: fn(f64, f64) -> bool| {
            let better = |best: f64, value: f64| if better(value, best) || best.is_nan() { value } else { best };
            values.iter().copied().reduce(better).unwrap_or(f64::NAN)
        };
        match self {
            Self::Sum => sum(),
            Self::Average => sum() / count,
            Self::Minimum => pick(|value, best| value < best),
            Self::Maximum => pick(|value, best| value > best),
            Self::Count => count,
            Self::Group => 1.0,
            Self::Quantile => quantile(values, parameter),
            Self::StandardDeviation => variance(values.into_iter()).sqrt(),
            Self::StandardVariance => variance(values.into_iter()),
        }
    }
}

#[derive(Default)]
struct Group {
    values: Vec<f64>,
    evidence: Option<Evidence>,
}
