//! Which series a rule is about: its series query, which selects by labels, and its filters, which go by name alone.

use regex::Regex;

use super::RuleError;
use crate::config::Filter;
use crate::labels::Labels;
use crate::matcher::{Matcher, all_match, name_matches};
use crate::promql;

/// The first stage of a rule.
#[derive(Clone, Debug)]
pub struct SeriesStage {
    matchers: Vec<Matcher>,
    filters: Vec<NameFilter>,
}

#[derive(Clone, Debug)]
struct NameFilter {
    regex: Regex,
    wanted: bool,
}

impl SeriesStage {
    /// Compiles `seriesQuery` and `seriesFilters`.
    ///
    /// # Errors
    /// The query is no selector, or a filter is not one regular expression.
    pub fn new(series_query: &str, filters: &[Filter]) -> Result<Self, RuleError> {
        if series_query.trim().is_empty() {
            return Err(RuleError::Missing("seriesQuery"));
        }
        let matchers = promql::selector(series_query).map_err(|source| RuleError::Query {
            field: "seriesQuery",
            text: series_query.to_owned(),
            source,
        })?;
        let filters = filters.iter().map(|filter| {
            let (text, wanted) = match (&filter.is, &filter.is_not) {
                (Some(text), None) => (text, true),
                (None, Some(text)) => (text, false),
                _ => return Err(RuleError::Filter),
            };
            Ok(NameFilter { regex: super::regex("seriesFilters", text)?, wanted })
        });
        Ok(Self { matchers, filters: filters.collect::<Result<_, _>>()? })
    }

    /// The matchers of the series query.
    #[must_use]
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }

    /// Whether this series is among the rule's.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        self.passes_filters(labels.metric()) && all_match(&self.matchers, labels)
    }

    /// Whether a series of this name can be among the rule's.
    #[must_use]
    pub fn may_select(&self, metric: &str) -> bool {
        name_matches(&self.matchers, metric) && self.passes_filters(metric)
    }

    /// Regular expressions of filters are not anchored.
    fn passes_filters(&self, metric: &str) -> bool {
        self.filters.iter().all(|filter| filter.regex.is_match(metric) == filter.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::METRIC_NAME;

    fn is(text: &str) -> Filter {
        Filter { is: Some(text.to_owned()), is_not: None }
    }

    fn is_not(text: &str) -> Filter {
        Filter { is: None, is_not: Some(text.to_owned()) }
    }

    #[test]
    fn series_pass_the_query_and_every_filter() {
        let check = |query: &str, filters: &[Filter], metric: &str, pod: &str, expected: bool| {
            let labels = Labels::new([(METRIC_NAME, metric), ("pod", pod)]);
            let stage = SeriesStage::new(query, filters).unwrap();
            assert_eq!(stage.selects(&labels), expected, "{query} {filters:?} {labels}");
            assert!(!expected || stage.may_select(metric));
        };
        check(r#"x_total{pod!=""}"#, &[], "x_total", "a", true);
        check(r#"x_total{pod!=""}"#, &[], "x_total", "", false);
        check(r#"{__name__=~"^container_.*",pod!=""}"#, &[], "container_cpu", "a", true);
        check(r#"{__name__=~"^container_.*",pod!=""}"#, &[], "my_container_cpu", "a", false);
        check(r#"{pod!=""}"#, &[is("_total$")], "x_total", "a", true);
        check(r#"{pod!=""}"#, &[is("_total$")], "x_total_y", "a", false);
        check(r#"{pod!=""}"#, &[is_not("_seconds"), is("x")], "x_seconds_total", "a", false);
    }

    #[test]
    fn faults_are_named() {
        let check = |query: &str, filters: &[Filter], expected: &str| {
            let error = SeriesStage::new(query, filters).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("", &[], "seriesQuery is missing");
        check("rate(x[1m])", &[], "is not a selector");
        check("x offset 1m", &[], "is not a selector");
        check("{", &[], "seriesQuery");
        check("x", &[Filter { is: None, is_not: None }], "exactly one of `is` and `isNot`");
        check("x", &[is("(")], "seriesFilters");
    }
}
