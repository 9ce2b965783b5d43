//! The rules file, in prometheus-adapter's format. Reading says what is written there and where; what it means is the rules'
//! business. Unknown keys are refused, because a misspelt one would be a metric that is silently missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use crate::rule::{self, RuleError};

/// Largest rules file; real ones have some dozens of kilobytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A rules file that cannot be used: one sentence that says where and why.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No file that can be read.
    #[error("--config: cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Far too large.
    #[error("--config: {} is larger than {MAX_BYTES} bytes: is it the rules file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not YAML, or not this format.
    #[error("{}:{line}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The line; 0 if the fault is nowhere in particular.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// Something that prometheus-adapter serves and this version does not.
    #[error("{}:{line}: {section} are not served yet: take them out, this version serves `rules`", path.display())]
    NotServed {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The section.
        section: &'static str,
    },
    /// A rule that cannot be answered.
    #[error("{}:{line}: rule {number}: {source}", path.display())]
    Rule {
        /// The file.
        path: PathBuf,
        /// The line where the rule begins.
        line: u64,
        /// Which rule, from 1 on.
        number: usize,
        /// What is wrong with it.
        source: RuleError,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct File {
    rules: Option<Vec<Spanned<Rule>>>,
    external_rules: Option<Spanned<Option<Vec<IgnoredAny>>>>,
    resource_rules: Option<Spanned<Option<IgnoredAny>>>,
}

/// One rule as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Rule {
    /// A selector of series.
    pub series_query: String,
    /// Filters on their names.
    pub series_filters: Vec<Filter>,
    /// Which labels stand for which objects.
    pub resources: Resources,
    /// What the metric is called.
    pub name: Name,
    /// A template of PromQL.
    pub metrics_query: String,
}

/// A filter on names of series: one of its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Filter {
    /// Only names that match.
    pub is: Option<String>,
    /// Only names that do not.
    pub is_not: Option<String>,
}

/// Which labels stand for which objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Resources {
    /// A template of label names.
    pub template: String,
    /// Labels and what they stand for.
    pub overrides: BTreeMap<String, GroupResource>,
    /// Means something in external rules only.
    pub namespaced: Option<bool>,
}

/// A kind of object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct GroupResource {
    /// Its group; empty for the core group, or for any.
    pub group: String,
    /// Its plural or singular name.
    pub resource: String,
}

/// What a metric is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Name {
    /// A regular expression on the series' name.
    pub matches: String,
    /// The name, with the groups of the expression.
    #[serde(rename = "as")]
    pub template: String,
}

/// Reads a rules file and compiles its rules.
///
/// # Errors
/// One sentence with file and line.
pub fn read(path: &Path) -> Result<Vec<rule::Rule>, ReadError> {
    let unreadable = |source| ReadError::Unreadable { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(ReadError::TooLarge { path: path.to_owned() });
    }
    parse(&std::fs::read_to_string(path).map_err(unreadable)?, path)
}

/// Compiles the rules of a text that stands in `path`.
///
/// # Errors
/// One sentence with file and line.
pub fn parse(text: &str, path: &Path) -> Result<Vec<rule::Rule>, ReadError> {
    let file: Option<File> = serde_saphyr::from_str(text).map_err(|error| ReadError::Format {
        path: path.to_owned(),
        line: error.location().map_or(0, |location| location.line()),
        problem: problem(&error),
    })?;
    let File { rules, external_rules, resource_rules } = file.unwrap_or_default();
    let not_served = |line, section| Err(ReadError::NotServed { path: path.to_owned(), line, section });
    if let Some(Spanned { value: Some(rules), referenced, .. }) = external_rules
        && !rules.is_empty()
    {
        return not_served(referenced.line(), "externalRules");
    }
    if let Some(Spanned { value: Some(_), referenced, .. }) = resource_rules {
        return not_served(referenced.line(), "resourceRules");
    }
    let compile = |(number, rule): (usize, Spanned<Rule>)| {
        let line = rule.referenced.line();
        rule::Rule::new(&rule.value).map_err(|source| ReadError::Rule { path: path.to_owned(), line, number, source })
    };
    (1..).zip(rules.unwrap_or_default()).map(compile).collect()
}

/// What is wrong, without the place, which stands before it already.
fn problem(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = r#"rules:
- seriesQuery: 'http_requests_total{namespace!="",service!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, service: {resource: service}, pod: {resource: pod}}}
  name: {matches: "^(.*)_total$", as: "${1}"}
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)'
"#;

    fn fault(text: &str) -> String {
        parse(text, Path::new("rules.yaml")).unwrap_err().to_string()
    }

    #[test]
    fn rules_are_read_and_empty_files_have_none() {
        for (text, expected) in [(RULE, 1), ("", 0), ("rules: []", 0), ("rules:", 0), ("externalRules: []\nresourceRules:", 0)] {
            assert_eq!(parse(text, Path::new("rules.yaml")).unwrap().len(), expected, "{text}");
        }
    }

    #[test]
    fn faults_name_the_line() {
        let check = |from: &str, to: &str, expected: &[&str]| {
            let error = fault(&RULE.replace(from, to));
            assert!(
                !error.contains('\n') && !error.contains(" at line ") && expected.iter().all(|part| error.contains(part)),
                "{error}"
            );
        };
        check("metricsQuery", "metricQuery", &["rules.yaml:5", "metricQuery"]);
        check("rules:", "rule:", &["rules.yaml:1", "rule"]);
        check("{matches:", "{matches: 3, matches:", &["rules.yaml:4"]);
        check("^(.*)", "^(.*", &["rules.yaml:2: rule 1: name.matches"]);
        check("rate(", "holt_winters(", &["rules.yaml:2: rule 1: metricsQuery"]);
        check("sum(rate(", "topk(1, rate(", &["metricsQuery", "topk is not supported"]);
        check("<<.GroupBy>>", "<<if .GroupBy>>", &["<<if .GroupBy>> is not supported"]);
        check("rules:", "externalRules:", &["rules.yaml:2: externalRules are not served yet"]);
        check("rules:", "resourceRules: {cpu: {}}\nrules:", &["rules.yaml:1: resourceRules are not served yet"]);
        check("rules:", "rules: [", &["rules.yaml:"]);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("nowhere/rules.yaml")).unwrap_err().to_string();
        assert!(error.starts_with("--config: cannot read nowhere/rules.yaml"), "{error}");
    }
}
