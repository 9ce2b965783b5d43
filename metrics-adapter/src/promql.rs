//! PromQL over the store, with Prometheus' semantics: the part of the language that rules use, and every other part refused by
//! name. Evaluation is a pure function of (expression, store, time). It parses no syntax itself and serves nothing.

mod aggregate;
mod binary;
mod evaluate;
mod instant;
mod plan;
mod range;
mod value;

pub use self::evaluate::EvaluateError;
pub use self::plan::{ParseError, selector};
pub use self::value::{Evidence, Sample};

use self::plan::Plan;
use crate::matcher::Matcher;
use crate::store::Store;

/// How far back Prometheus looks for the newest sample of a series, by default.
pub const LOOKBACK_MS: i64 = 5 * 60 * 1000;

/// A query that can be evaluated.
#[derive(Debug)]
pub struct Query(Plan);

/// One selector of a query.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Which series.
    pub matchers: Vec<Matcher>,
    /// How far behind the time of the query its samples may lie, in milliseconds.
    pub reach_ms: i64,
}

impl Query {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is no PromQL, or uses what is not supported; the message names it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        plan::parse(text).map(Self)
    }

    /// Every selector in it.
    #[must_use]
    pub fn selectors(&self) -> Vec<Selected> {
        let mut found = Vec::new();
        self.0.visit(&mut |plan| match plan {
            Plan::Select(selector) => {
                found.push(Selected { matchers: selector.matchers.clone(), reach_ms: LOOKBACK_MS + selector.offset_ms.max(0) });
            }
            Plan::Range { selector, range_ms, .. } => {
                found.push(Selected { matchers: selector.matchers.clone(), reach_ms: range_ms + selector.offset_ms.max(0) });
            }
            _ => {}
        });
        found
    }

    /// The value at `time`, sorted by labels. A number is a vector of one sample without labels.
    ///
    /// # Errors
    /// Series that should match one to one do not.
    pub fn evaluate(&self, store: &Store, time: i64) -> Result<Vec<Sample>, EvaluateError> {
        evaluate::vector(&self.0, store, time)
    }
}

#[cfg(test)]
mod tests;
