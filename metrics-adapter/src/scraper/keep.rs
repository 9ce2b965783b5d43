//! What the scraper keeps: metrics that some rule is about or asks for, and only as long as the rules look back. It goes by
//! name, because a query may take series that its rule's series query leaves out.

use crate::labels::METRIC_NAME;
use crate::matcher::{Matcher, Pattern, Test};
use crate::promql::ParseError;
use crate::rule::{Rule, SAMPLE_SERIES};

/// Which metrics are kept, and for how long.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    tests: Vec<NameTest>,
    /// The longest look back of any rule, in milliseconds.
    pub reach_ms: i64,
}

#[derive(Clone, Debug)]
enum NameTest {
    /// Metrics that a rule is about.
    Series(Rule),
    /// Metrics named after those: `<<.Series>>_count`.
    Around { rule: Rule, prefix: String, suffix: String },
    /// Metrics that a query names itself.
    Fixed(Vec<Matcher>),
}

impl Keep {
    /// What these rules need.
    ///
    /// # Errors
    /// A rule's query cannot be answered; compiled rules have none such.
    pub fn new(rules: &[Rule]) -> Result<Self, ParseError> {
        let mut keep = Self::default();
        for rule in rules {
            keep.tests.push(NameTest::Series(rule.clone()));
            for selected in rule.sample_query()?.selectors() {
                keep.reach_ms = keep.reach_ms.max(selected.reach_ms);
                let names: Vec<Matcher> = selected.matchers.into_iter().filter(|matcher| matcher.name == METRIC_NAME).collect();
                keep.tests.extend(name_tests(rule, names));
            }
        }
        Ok(keep)
    }

    /// Whether a metric of this name is kept.
    #[must_use]
    pub fn keeps(&self, metric: &str) -> bool {
        self.tests.iter().any(|test| match test {
            NameTest::Series(rule) => is_about(rule, metric),
            NameTest::Around { rule, prefix, suffix } => {
                let inner = metric.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_suffix(suffix.as_str()));
                inner.is_some_and(|inner| is_about(rule, inner))
            }
            NameTest::Fixed(matchers) => matchers.iter().all(|matcher| matcher.is_match(metric)),
        })
    }
}

fn is_about(rule: &Rule, metric: &str) -> bool {
    rule.series.may_select(metric) && rule.name.api_name(metric).is_some()
}

/// The tests of one selector, by its conditions on the name.
fn name_tests(rule: &Rule, names: Vec<Matcher>) -> Vec<NameTest> {
    let around = |word: &str| {
        let (prefix, suffix) = word.split_once(SAMPLE_SERIES)?;
        Some(NameTest::Around { rule: rule.clone(), prefix: prefix.to_owned(), suffix: suffix.to_owned() })
    };
    match names.as_slice() {
        [Matcher { test: Test::Equal(word), .. }] if word.contains(SAMPLE_SERIES) => around(word).into_iter().collect(),
        [Matcher { test: Test::Matches(Pattern::OneOf(words)), .. }] if words.iter().any(|word| word.contains(SAMPLE_SERIES)) => {
            let fixed = |word: &String| NameTest::Fixed(vec![Matcher::equal(METRIC_NAME, word)]);
            words.iter().map(|word| around(word).unwrap_or_else(|| fixed(word))).collect()
        }
        // An expression around the series' name could mean any name.
        matchers if matchers.iter().any(mentions_series) => vec![NameTest::Fixed(Vec::new())],
        _ => vec![NameTest::Fixed(names)],
    }
}

fn mentions_series(matcher: &Matcher) -> bool {
    match &matcher.test {
        Test::Equal(text) | Test::NotEqual(text) => text.contains(SAMPLE_SERIES),
        Test::Matches(Pattern::OneOf(words)) | Test::DiffersFrom(Pattern::OneOf(words)) => {
            words.iter().any(|word| word.contains(SAMPLE_SERIES))
        }
        Test::Matches(Pattern::Regex(regex)) | Test::DiffersFrom(Pattern::Regex(regex)) => regex.as_str().contains(SAMPLE_SERIES),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn keep(series_query: &str, metrics_query: &str) -> Keep {
        let text = format!(
            "rules:\n- seriesQuery: '{series_query}'\n  resources: {{template: <<.Resource>>}}\n  metricsQuery: '{metrics_query}'\n  \
             name: {{matches: _total$}}\n"
        );
        Keep::new(&crate::config::parse(&text, Path::new("rules.yaml")).unwrap()).unwrap()
    }

    #[test]
    fn metrics_are_kept_if_a_rule_is_about_them_or_asks_for_them() {
        let check = |series_query: &str, metrics_query: &str, kept: &[&str], dropped: &[&str]| {
            let keep = keep(series_query, metrics_query);
            kept.iter().for_each(|metric| assert!(keep.keeps(metric), "{metrics_query} needs {metric}"));
            dropped.iter().for_each(|metric| assert!(!keep.keeps(metric), "{metrics_query} does not need {metric}"));
        };
        check("x_total{pod!=\"\"}", "rate(<<.Series>>{<<.LabelMatchers>>}[2m])", &["x_total"], &["y_total", "x"]);
        check("{pod!=\"\"}", "<<.Series>>", &["x_total", "y_total"], &["x"]);
        check("x_total", "<<.Series>> / limit{<<.LabelMatchers>>}", &["x_total", "limit"], &["y_total"]);
        check("x_total", "<<.Series>>_sum / a_<<.Series>>", &["x_total", "x_total_sum", "a_x_total"], &["y_total_sum"]);
        check("x_total", "{__name__=~\"<<.Series>>|y\"}", &["x_total", "y"], &["z"]);
        check("x_total", "{__name__=~\"<<.Series>>.*\"}", &["x_total", "anything"], &[]);
        check("x_total", "{job=\"x\"}", &["x_total", "anything"], &[]);
        check("x_total", "{__name__=~\"a.*\"}", &["x_total", "ab"], &["b"]);
    }

    #[test]
    fn the_longest_look_back_counts() {
        assert_eq!(keep("x_total", "rate(<<.Series>>[2m])").reach_ms, 120_000);
        assert_eq!(keep("x_total", "rate(<<.Series>>[2m] offset 1m) + <<.Series>>").reach_ms, 300_000);
        assert_eq!(Keep::new(&[]).unwrap().reach_ms, 0);
    }
}
