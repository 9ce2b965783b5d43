//! Walks a plan over the store at one point in time. Holds no clock.

use super::LOOKBACK_MS;
use super::plan::{Plan, Selector};
use super::range::{RangeFunction, Window};
use super::value::{Evidence, Sample, Value};
use crate::labels::Labels;
use crate::store::{Point, Store};

/// An expression that has no value on these series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// Two series of one side have the same matching labels.
    #[error("several series on the {side} side of an operator have the labels {labels}: match on more labels, or sum them first")]
    Ambiguous {
        /// `left` or `right`.
        side: &'static str,
        /// The labels.
        labels: String,
    },
    /// Two results would have the same labels.
    #[error("two results have the same labels {labels}: the query takes several metrics and drops their names")]
    Duplicate {
        /// The labels.
        labels: String,
    },
    /// A vector where a number must stand.
    #[error("a parameter is a vector: only numbers can be parameters")]
    Parameter,
}

/// The value of a plan as a vector, sorted by labels.
pub fn vector(plan: &Plan, store: &Store, time: i64) -> Result<Vec<Sample>, EvaluateError> {
    let mut samples = match (Evaluation { store, time }).value(plan)? {
        Value::Scalar(value, evidence) => vec![Sample::new(Labels::new([]), value, evidence)],
        Value::Vector(samples) => samples,
    };
    samples.sort_by(|one, other| one.labels().cmp(other.labels()));
    if let Some(pair) = samples.windows(2).find(|pair| pair[0].labels().eq(pair[1].labels())) {
        return Err(EvaluateError::Duplicate { labels: pair[0].kept(|_| true).to_string() });
    }
    Ok(samples)
}

struct Evaluation<'a> {
    store: &'a Store,
    time: i64,
}

impl Evaluation<'_> {
    fn value(&self, plan: &Plan) -> Result<Value, EvaluateError> {
        Ok(match plan {
            Plan::Number(number) => Value::Scalar(*number, None),
            Plan::Time => Value::Scalar(self.time as f64 / 1000.0, None),
            Plan::Select(selector) => Value::Vector(self.select(selector)),
            Plan::Range { function, selector, range_ms, parameter } => {
                let parameter = self.parameter(parameter.as_deref())?;
                Value::Vector(self.range(*function, selector, *range_ms, parameter))
            }
            Plan::Instant { function, argument, parameters } => {
                let parameters =
                    parameters.iter().map(|parameter| self.parameter(Some(parameter))).collect::<Result<Vec<_>, _>>()?;
                let each = |sample: Sample| {
                    let value = function.apply(sample.value, &parameters)?;
                    Some(sample.unnamed().with_value(value))
                };
                Value::Vector(self.samples(argument)?.into_iter().filter_map(each).collect())
            }
            Plan::Aggregate { operator, argument, parameter, by } => {
                let parameter = self.parameter(parameter.as_deref())?;
                Value::Vector(operator.apply(&self.samples(argument)?, by, parameter))
            }
            Plan::Binary { operator, returns_bool, matching, left, right } => {
                operator.apply(self.value(left)?, self.value(right)?, *returns_bool, matching)?
            }
            Plan::Negate(plan) => match self.value(plan)? {
                Value::Scalar(number, evidence) => Value::Scalar(-number, evidence),
                Value::Vector(samples) => {
                    let negated = |sample: Sample| {
                        let value = -sample.value;
                        sample.unnamed().with_value(value)
                    };
                    Value::Vector(samples.into_iter().map(negated).collect())
                }
            },
            Plan::Vector(plan) => Value::Vector(self.samples(plan)?),
            Plan::Scalar(plan) => match self.samples(plan)?.as_slice() {
                [only] => Value::Scalar(only.value, only.evidence),
                _ => Value::Scalar(f64::NAN, None),
            },
        })
    }

    fn samples(&self, plan: &Plan) -> Result<Vec<Sample>, EvaluateError> {
        Ok(match self.value(plan)? {
            Value::Vector(samples) => samples,
            Value::Scalar(value, evidence) => vec![Sample::new(Labels::new([]), value, evidence)],
        })
    }

    fn parameter(&self, plan: Option<&Plan>) -> Result<f64, EvaluateError> {
        match plan.map(|plan| self.value(plan)).transpose()? {
            None => Ok(f64::NAN),
            Some(Value::Scalar(number, _)) => Ok(number),
            Some(Value::Vector(_)) => Err(EvaluateError::Parameter),
        }
    }

    /// The newest sample of each series, if it is new enough and not the end of the series.
    fn select(&self, selector: &Selector) -> Vec<Sample> {
        let end = self.time - selector.offset_ms;
        let newest = |points: &std::collections::VecDeque<Point>| {
            let after = points.partition_point(|point| point.time <= end);
            let point = *points.get(after.checked_sub(1)?)?;
            (!point.is_stale() && point.time > end - LOOKBACK_MS).then_some(point)
        };
        let series = self.store.select(&selector.matchers);
        let sample = |labels: &Labels, point: Point| Sample::new(labels.clone(), point.value, Some(Evidence::at(point.time)));
        series.filter_map(|series| Some(sample(&series.labels, newest(&series.points)?))).collect()
    }

    /// A function of the samples of each series in the range, which is open at its start, as of Prometheus 3.
    fn range(&self, function: RangeFunction, selector: &Selector, range_ms: i64, parameter: f64) -> Vec<Sample> {
        let end = self.time - selector.offset_ms;
        let window = Window { start: end - range_ms, end };
        let mut points: Vec<Point> = Vec::new();
        let mut results = Vec::new();
        for series in self.store.select(&selector.matchers) {
            let from = series.points.partition_point(|point| point.time <= window.start);
            let to = series.points.partition_point(|point| point.time <= window.end);
            points.clear();
            points.extend(series.points.range(from.min(to)..to).filter(|point| !point.is_stale()));
            let used = function.used(&points);
            let (Some(first), Some(last)) = (used.first(), used.last()) else { continue };
            let evidence = Evidence { oldest: first.time, newest: last.time, ranged: used.len() > 1 };
            if let Some(value) = function.apply(&points, window, parameter) {
                let sample = Sample::new(series.labels.clone(), value, Some(evidence));
                results.push(if function.keeps_name() { sample } else { sample.unnamed() });
            }
        }
        results
    }
}
