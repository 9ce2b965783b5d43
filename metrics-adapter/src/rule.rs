//! A rule of the configuration, compiled: which series it is about, what they are called, which objects they describe, and
//! the PromQL that answers. Its rooms are pure; nothing here asks a source.

pub mod kind;
pub mod name;
pub mod query;
pub mod resource;
pub mod series;
pub mod template;

use regex::Regex;

use self::name::NameStage;
use self::query::{Comparison, Condition, QueryStage};
use self::resource::ResourceStage;
use self::series::SeriesStage;
use self::template::TemplateError;
use crate::config;
use crate::matcher::regex_problem;
use crate::promql::{ParseError, Query};

/// Stands for the series' name when a rule is checked before there is any series.
pub const SAMPLE_SERIES: &str = "series_of_the_rule";

/// A rule that can be answered.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which series.
    pub series: SeriesStage,
    /// What they are called.
    pub name: NameStage,
    /// Which objects they describe.
    pub resource: ResourceStage,
    /// The PromQL that answers.
    pub query: QueryStage,
}

/// What is wrong with a rule.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A field without which there is no rule.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field that is not PromQL, or not PromQL that can be answered.
    #[error("{field} `{text}`: {source}")]
    Query {
        /// The field.
        field: &'static str,
        /// What it says.
        text: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// A field that is no regular expression.
    #[error("{field}: `{text}` is no regular expression: {problem}")]
    Regex {
        /// The field.
        field: &'static str,
        /// What it says.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A filter with none or two conditions.
    #[error("seriesFilters: a filter has exactly one of `is` and `isNot`")]
    Filter,
    /// A name expression with several groups.
    #[error("name.as is missing: name.matches has several groups, so say which to use, such as as: \"${{1}}\"")]
    Groups,
    /// A template that cannot be used.
    #[error("{field}: {source}")]
    Template {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: TemplateError,
    },
    /// A template that gives no label names.
    #[error("resources.template `{0}` must hold <<.Resource>> and give names of labels, such as kube_<<.Resource>>")]
    LabelTemplate(String),
    /// A kind that is not known.
    #[error("resources.overrides.{label}: there is no resource \"{resource}\" in group \"{group}\" among the built-in ones")]
    Kind {
        /// The label.
        label: String,
        /// The resource it should stand for.
        resource: String,
        /// Its group.
        group: String,
    },
    /// Objects in namespaces without a namespace.
    #[error(
        "resources: label {label} names objects of kind {kind}, but there is no label for the namespace: add namespace: {{resource: namespace}} to overrides"
    )]
    NoNamespace {
        /// The label.
        label: String,
        /// The kind.
        kind: &'static str,
    },
}

/// A regular expression of a rule; it is not anchored.
fn regex(field: &'static str, text: &str) -> Result<Regex, RuleError> {
    Regex::new(text).map_err(|error| RuleError::Regex { field, text: text.to_owned(), problem: regex_problem(&error) })
}

impl Rule {
    /// Compiles a rule, and checks that its query can be answered.
    ///
    /// # Errors
    /// The first fault, with the field it is in.
    pub fn new(rule: &config::Rule) -> Result<Self, RuleError> {
        let config::Rule { series_query, series_filters, resources, name, metrics_query } = rule;
        let rule = Self {
            series: SeriesStage::new(series_query, series_filters)?,
            name: NameStage::new(&name.matches, &name.template)?,
            resource: ResourceStage::new(resources)?,
            query: QueryStage::new(metrics_query)?,
        };
        rule.sample_query().map(|_| rule).map_err(|source| RuleError::Query {
            field: "metricsQuery",
            text: metrics_query.clone(),
            source,
        })
    }

    /// The rule's query about a series that stands for any.
    ///
    /// # Errors
    /// It is not PromQL that can be answered.
    pub fn sample_query(&self) -> Result<Query, ParseError> {
        let condition = Condition { label: "namespace".to_owned(), operator: Comparison::Present, values: Vec::new() };
        Query::parse(&self.query.render(SAMPLE_SERIES, &[condition], "namespace"))
    }
}
