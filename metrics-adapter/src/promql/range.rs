//! Functions of a range of samples: rates with extrapolation and counter resets, and what happened over time. Each takes the
//! samples of one series, none of them the mark of an end, and gives a number or nothing.

use super::value::Sum;
use crate::store::Point;

/// A function of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeFunction {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Average,
    Minimum,
    Maximum,
    Total,
    Count,
    Last,
    Present,
    Quantile,
    StandardDeviation,
    StandardVariance,
    Changes,
    Resets,
}

/// The time that a range covers.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Where it starts, in milliseconds since 1970; a sample at this very time is not in it.
    pub start: i64,
    /// Where it ends; a sample at this time is in it.
    pub end: i64,
}

/// A range is extrapolated to its border if the border is nearer than this many times the usual distance of samples.
const NEAR: f64 = 1.1;

impl RangeFunction {
    /// The function of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "rate" => Self::Rate,
            "increase" => Self::Increase,
            "delta" => Self::Delta,
            "irate" => Self::Irate,
            "idelta" => Self::Idelta,
            "avg_over_time" => Self::Average,
            "min_over_time" => Self::Minimum,
            "max_over_time" => Self::Maximum,
            "sum_over_time" => Self::Total,
            "count_over_time" => Self::Count,
            "last_over_time" => Self::Last,
            "present_over_time" => Self::Present,
            "quantile_over_time" => Self::Quantile,
            "stddev_over_time" => Self::StandardDeviation,
            "stdvar_over_time" => Self::StandardVariance,
            "changes" => Self::Changes,
            "resets" => Self::Resets,
            _ => return None,
        })
    }

    /// Whether the result is still the same metric.
    pub const fn keeps_name(self) -> bool {
        matches!(self, Self::Last)
    }

    /// Those of the samples that the result comes from.
    pub fn used(self, points: &[Point]) -> &[Point] {
        let count = match self {
            Self::Last => 1,
            Self::Irate | Self::Idelta => 2,
            _ => points.len(),
        };
        &points[points.len().saturating_sub(count)..]
    }

    /// The function of these samples, oldest first.
    pub fn apply(self, points: &[Point], window: Window, parameter: f64) -> Option<f64> {
        let last = points.last()?.value;
        let values = || points.iter().map(|point| point.value);
        let pairs = || points.windows(2).map(|pair| (pair[0].value, pair[1].value));
        match self {
            Self::Rate | Self::Increase | Self::Delta => self.extrapolated(points, window),
            Self::Irate | Self::Idelta => self.instant(points),
            Self::Average => Some(sum(values()) / points.len() as f64),
            Self::Minimum => values().reduce(|least, value| if value < least || least.is_nan() { value } else { least }),
            Self::Maximum => values().reduce(|most, value| if value > most || most.is_nan() { value } else { most }),
            Self::Total => Some(sum(values())),
            Self::Count => Some(points.len() as f64),
            Self::Last => Some(last),
            Self::Present => Some(1.0),
            Self::Quantile => Some(quantile(values().collect(), parameter)),
            Self::StandardDeviation => Some(variance(values()).sqrt()),
            Self::StandardVariance => Some(variance(values())),
            Self::Changes => {
                let changed = |(before, after): &(f64, f64)| before != after && !(before.is_nan() && after.is_nan());
                Some(pairs().filter(changed).count() as f64)
            }
            Self::Resets => Some(pairs().filter(|(before, after)| after < before).count() as f64),
        }
    }

    /// The change over the whole window, of which the samples show only a part.
    fn extrapolated(self, points: &[Point], window: Window) -> Option<f64> {
        let (first, last) = (points.first()?, points.last()?);
        let steps = points.len() - 1;
        if steps == 0 {
            return None;
        }
        let is_counter = self != Self::Delta;
        let mut change = last.value - first.value;
        if is_counter {
            // A counter that falls has started again from zero: what it had counted before is added.
            for pair in points.windows(2).filter(|pair| pair[1].value < pair[0].value) {
                change += pair[0].value;
            }
        }
        let covered = seconds(last.time - first.time);
        let step = covered / steps as f64;
        let near = step * NEAR;
        // To a border that is near the series surely goes on; else it began, or ended, half a step away at a guess.
        let beyond = |border: f64| if border >= near { step / 2.0 } else { border };
        let mut before = beyond(seconds(first.time - window.start));
        if is_counter && change > 0.0 && first.value >= 0.0 {
            // No counter is below zero: it cannot have begun before the line through its samples crosses it. A limit only, as
            // since prometheus#14026; before that it could also lengthen the half step.
            before = before.min(covered * (first.value / change));
        }
        let mut factor = (covered + before + beyond(seconds(window.end - last.time))) / covered;
        if self == Self::Rate {
            factor /= seconds(window.end - window.start);
        }
        Some(change * factor)
    }

    /// The change between the last two samples.
    fn instant(self, points: &[Point]) -> Option<f64> {
        let [.., before, last] = points else { return None };
        if self == Self::Idelta {
            return Some(last.value - before.value);
        }
        let change = if last.value < before.value { last.value } else { last.value - before.value };
        Some(change / seconds(last.time - before.time))
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.for_each(|value| sum.add(value));
    sum.get()
}

/// The population variance, by Welford's method.
pub fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let before = value - mean;
        mean += before / count;
        squares += before * (value - mean);
    }
    squares / count
}

/// The value below which the share `of` of the values lies, between neighbours in proportion.
pub fn quantile(mut values: Vec<f64>, of: f64) -> f64 {
    if values.is_empty() || of.is_nan() {
        return f64::NAN;
    }
    if of < 0.0 {
        return f64::NEG_INFINITY;
    }
    if of > 1.0 {
        return f64::INFINITY;
    }
    // As Prometheus sorts: not-a-number before everything.
    values.sort_by(|one, other| other.is_nan().cmp(&one.is_nan()).then(one.total_cmp(other)));
    let rank = of * (values.len() - 1) as f64;
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}
