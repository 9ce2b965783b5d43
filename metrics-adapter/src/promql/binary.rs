//! Operators between numbers and vectors: arithmetic, comparison, and sets; vectors are matched one to one.

use std::collections::{BTreeSet, HashMap};

use super::evaluate::EvaluateError;
use super::value::{Evidence, Sample, Value};
use crate::labels::{Labels, METRIC_NAME};

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    AtLeast,
    AtMost,
    And,
    Or,
    Unless,
}

/// Which labels two samples must have in common.
#[derive(Debug)]
pub enum Matching {
    On(BTreeSet<String>),
    Ignoring(BTreeSet<String>),
}

impl Default for Matching {
    /// All but the metric's name.
    fn default() -> Self {
        Self::Ignoring(BTreeSet::new())
    }
}

impl Matching {
    fn counts(&self, label: &str) -> bool {
        match self {
            Self::On(names) => names.contains(label),
            Self::Ignoring(names) => label != METRIC_NAME && !names.contains(label),
        }
    }

    /// Whether a label stays in the result of two matched samples.
    fn stays(&self, label: &str) -> bool {
        match self {
            Self::On(names) => names.contains(label),
            Self::Ignoring(names) => !names.contains(label),
        }
    }
}

impl Operator {
    /// The operator that is written so.
    pub fn named(text: &str) -> Option<Self> {
        Some(match text {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Modulo,
            "^" => Self::Power,
            "atan2" => Self::Atan2,
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            ">" => Self::Greater,
            "<" => Self::Less,
            ">=" => Self::AtLeast,
            "<=" => Self::AtMost,
            "and" => Self::And,
            "or" => Self::Or,
            "unless" => Self::Unless,
            _ => return None,
        })
    }

    /// Whether a comparison holds; none if this is no comparison.
    fn holds(self, left: f64, right: f64) -> Option<bool> {
        Some(match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => left > right,
            Self::Less => left < right,
            Self::AtLeast => left >= right,
            Self::AtMost => left <= right,
            _ => return None,
        })
    }

    fn calculate(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Modulo => left % right,
            Self::Power => left.powf(right),
            Self::Atan2 => left.atan2(right),
            _ => f64::NAN,
        }
    }

    /// The operator between two values.
    pub fn apply(self, left: Value, right: Value, returns_bool: bool, matching: &Matching) -> Result<Value, EvaluateError> {
        Ok(match (left, right) {
            (Value::Scalar(left, one), Value::Scalar(right, other)) => {
                let value = self.holds(left, right).map_or_else(|| self.calculate(left, right), truth);
                Value::Scalar(value, Evidence::merge(one, other))
            }
            (Value::Vector(samples), Value::Scalar(number, evidence)) => {
                Value::Vector(self.with_number(samples, evidence, returns_bool, |value| (value, number)))
            }
            (Value::Scalar(number, evidence), Value::Vector(samples)) => {
                Value::Vector(self.with_number(samples, evidence, returns_bool, |value| (number, value)))
            }
            (Value::Vector(left), Value::Vector(right)) => Value::Vector(match self {
                Self::And | Self::Or | Self::Unless => self.sets(left, right, matching),
                _ => self.one_to_one(left, &right, returns_bool, matching)?,
            }),
        })
    }

    fn with_number(
        self,
        samples: Vec<Sample>,
        evidence: Option<Evidence>,
        returns_bool: bool,
        sides: impl Fn(f64) -> (f64, f64),
    ) -> Vec<Sample> {
        let each = |sample: Sample| {
            let (left, right) = sides(sample.value);
            let sample = sample.with_evidence(evidence);
            match self.holds(left, right) {
                None => Some(sample.unnamed().with_value(self.calculate(left, right))),
                Some(holds) if returns_bool => Some(sample.unnamed().with_value(truth(holds))),
                Some(holds) => holds.then_some(sample),
            }
        };
        samples.into_iter().filter_map(each).collect()
    }

    fn one_to_one(
        self,
        left: Vec<Sample>,
        right: &[Sample],
        returns_bool: bool,
        matching: &Matching,
    ) -> Result<Vec<Sample>, EvaluateError> {
        let signature = |sample: &Sample| sample.kept(|label| matching.counts(label));
        let mut partners: HashMap<Labels, &Sample> = HashMap::with_capacity(right.len());
        for sample in right {
            if partners.insert(signature(sample), sample).is_some() {
                return Err(EvaluateError::Ambiguous { side: "right", labels: signature(sample).to_string() });
            }
        }
        let mut results = Vec::new();
        let mut matched = BTreeSet::new();
        for sample in left {
            let signature = signature(&sample);
            let Some(partner) = partners.get(&signature) else { continue };
            let holds = self.holds(sample.value, partner.value);
            let value = match holds {
                None => self.calculate(sample.value, partner.value),
                Some(holds) if returns_bool => truth(holds),
                Some(true) => sample.value,
                Some(false) => continue,
            };
            if !matched.insert(signature) {
                let labels = sample.kept(|label| matching.counts(label)).to_string();
                return Err(EvaluateError::Ambiguous { side: "left", labels });
            }
            let keeps_name = holds.is_some() && !returns_bool;
            let labels = sample.kept(|label| matching.stays(label) && (keeps_name || label != METRIC_NAME));
            results.push(Sample::new(labels, value, Evidence::merge(sample.evidence, partner.evidence)));
        }
        Ok(results)
    }

    fn sets(self, left: Vec<Sample>, right: Vec<Sample>, matching: &Matching) -> Vec<Sample> {
        let signatures = |samples: &[Sample]| -> BTreeSet<Labels> {
            samples.iter().map(|sample| sample.kept(|label| matching.counts(label))).collect()
        };
        let is_in = |set: &BTreeSet<Labels>, sample: &Sample| set.contains(&sample.kept(|label| matching.counts(label)));
        match self {
            Self::And => {
                let other = signatures(&right);
                left.into_iter().filter(|sample| is_in(&other, sample)).collect()
            }
            Self::Unless => {
                let other = signatures(&right);
                left.into_iter().filter(|sample| !is_in(&other, sample)).collect()
            }
            _ => {
                let own = signatures(&left);
                left.into_iter().chain(right.into_iter().filter(|sample| !is_in(&own, sample))).collect()
            }
        }
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}
