//! Answers of the custom metrics API: which query a question becomes, and which sample is which object's value. Knows neither
//! HTTP nor JSON. A value keeps the time of its newest sample.

mod value;

use std::collections::{BTreeMap, BTreeSet};

use crate::promql::Sample;
use crate::registry::Metric;
use crate::relist::Current;
use crate::rule::kind::{self, Kind};
use crate::rule::query::Condition;
use crate::source::{Source, SourceError};

pub use self::value::{ValueError, milli};

/// Longest name of an object or namespace: what Kubernetes allows.
const MAX_NAME: usize = 253;

/// A question about one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The resource as the path spells it.
    pub resource: String,
    /// The namespace; none for objects that live in none.
    pub namespace: Option<String>,
    /// Which objects.
    pub objects: Objects,
    /// The metric.
    pub metric: String,
    /// Conditions on the metric's own labels.
    pub selector: Vec<Condition>,
}

/// Which objects a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objects {
    /// This one.
    One(String),
    /// All that have the metric.
    All,
}

/// The value of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectValue {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The value in thousandths.
    pub milli: i64,
    /// When its newest sample was taken, in milliseconds since 1970.
    pub time: i64,
    /// Seconds that its samples cover.
    pub window_seconds: Option<i64>,
}

/// A question that has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No such metric.
    #[error("the server could not find the metric {metric} for {resource}")]
    NoMetric {
        /// The metric.
        metric: String,
        /// The resource.
        resource: String,
    },
    /// The metric has no sample about this object.
    #[error("the server could not find the metric {metric} for {resource} {name}")]
    NoSample {
        /// The metric.
        metric: String,
        /// The resource.
        resource: String,
        /// The object.
        name: String,
    },
    /// The value cannot be told.
    #[error("the server could not find the metric {metric} for {resource} {name}: {source}")]
    Value {
        /// The metric.
        metric: String,
        /// The resource.
        resource: String,
        /// The object.
        name: String,
        /// What it is instead.
        source: ValueError,
    },
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Answers questions from a source.
#[derive(Clone, Debug)]
pub struct Provider {
    source: Source,
    current: Current,
}

impl Provider {
    /// A provider of what is in the registry of now.
    #[must_use]
    pub const fn new(source: Source, current: Current) -> Self {
        Self { source, current }
    }

    /// The values at `now`, sorted by name: one for one object, any number for all.
    ///
    /// # Errors
    /// There is no such metric, or no value of the one object.
    pub async fn values(&self, question: &Question, now: i64) -> Result<Vec<ObjectValue>, ProviderError> {
        let no_metric = |resource: String| ProviderError::NoMetric { metric: question.metric.clone(), resource };
        let kind = kind::of_path(&question.resource).ok_or_else(|| no_metric(question.resource.clone()))?;
        let found = self.current.get().get(kind, &question.metric);
        let metric =
            found.filter(|_| kind.namespaced == question.namespace.is_some()).ok_or_else(|| no_metric(kind.resource()))?;
        // The rule was checked: it has a label for every kind that it describes, and for namespaces if those live in one.
        let label = metric.rule.resource.label(kind).unwrap_or_default();
        let (names, single) = match &question.objects {
            Objects::One(name) => (vec![name.clone()], Some(name.clone())),
            Objects::All => (self.names(&metric, label, question.namespace.as_deref()).await?, None),
        };
        if names.is_empty() {
            return Err(no_metric(kind.resource()));
        }
        let about = |name: String| (question.metric.clone(), kind.resource(), name);
        let is_possible = names.iter().chain(&question.namespace).all(|name| is_name(name));
        let samples = if is_possible { self.samples(question, &metric, label, names, now).await? } else { Vec::new() };
        let mut values = BTreeMap::new();
        for sample in &samples {
            let name = sample.label(label);
            if name.is_empty() || single.as_ref().is_some_and(|single| single != name) {
                continue;
            }
            // Of two samples about one object the later by labels counts.
            values.insert(name.to_owned(), object_value(kind, question.namespace.clone(), name, sample, now));
        }
        let Some(name) = single else {
            // Of many objects one without a number is left out, like one without a sample.
            return Ok(values.into_values().filter_map(Result::ok).collect());
        };
        let (metric, resource, name) = about(name);
        match values.remove(&name) {
            None => Err(ProviderError::NoSample { metric, resource, name }),
            Some(Ok(value)) => Ok(vec![value]),
            Some(Err(source)) => Err(ProviderError::Value { metric, resource, name, source }),
        }
    }

    async fn samples(
        &self,
        question: &Question,
        metric: &Metric,
        label: &str,
        names: Vec<String>,
        now: i64,
    ) -> Result<Vec<Sample>, ProviderError> {
        let mut conditions = question.selector.clone();
        if let Some(namespace) = &question.namespace {
            let namespace_label = metric.rule.resource.label(&kind::NAMESPACES).unwrap_or_default();
            conditions.push(Condition::one_of(namespace_label, vec![namespace.clone()]));
        }
        conditions.push(Condition::one_of(label, names));
        let query = metric.rule.query.render(&metric.series, &conditions, label);
        Ok(self.source.query(&query, now).await?)
    }

    /// The objects in a namespace that the metric's series are about. Without a cluster to ask these are all there are.
    async fn names(&self, metric: &Metric, label: &str, namespace: Option<&str>) -> Result<Vec<String>, ProviderError> {
        let namespace_label = metric.rule.resource.label(&kind::NAMESPACES).unwrap_or_default();
        let series = self.source.series(&metric.rule.series).await?;
        let ours = series.iter().filter(|labels| labels.metric() == metric.series);
        let ours = ours.filter(|labels| namespace.is_none_or(|namespace| labels.get(namespace_label) == namespace));
        let names: BTreeSet<&str> = ours.map(|labels| labels.get(label)).filter(|name| is_name(name)).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }
}

fn object_value(
    kind: &'static Kind,
    namespace: Option<String>,
    name: &str,
    sample: &Sample,
    now: i64,
) -> Result<ObjectValue, ValueError> {
    Ok(ObjectValue {
        kind,
        namespace,
        name: name.to_owned(),
        milli: milli(sample.value)?,
        // A constant has no sample and no other time than that of the question.
        time: sample.evidence.map_or(now, |evidence| evidence.newest),
        window_seconds: sample.evidence.and_then(|evidence| evidence.window_seconds()),
    })
}

/// Whether an object can have this name. It goes into templates that may quote it themselves, so nothing else may pass.
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(is_letter)
}
