//! Where series and answers come from. There is one kind of source, the adapter's own scraper; Prometheus' API and kubelets
//! become further variants here, and nothing behind this room sees which one it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::labels::Labels;
use crate::metrics::OwnMetrics;
use crate::promql::{EvaluateError, ParseError, Query, Sample};
use crate::rule::series::SeriesStage;
use crate::scraper::Scraper;

/// Queries that are kept parsed. Each metric of each rule is asked for in a few shapes, by a few autoscalers.
const MAX_PARSED: usize = 1024;

/// Where series and answers come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Nowhere: there are no rules.
    Nothing,
    /// The adapter's own scraper.
    Scraper(ScraperSource),
}

/// The scraper as a source.
#[derive(Clone, Debug)]
pub struct ScraperSource {
    scraper: Arc<Scraper>,
    parsed: Arc<Mutex<HashMap<String, Arc<Query>>>>,
    own: OwnMetrics,
}

/// A question that a source could not answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is no query.
    #[error("the query `{query}`: {source}")]
    Parse {
        /// The query.
        query: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// It has no value.
    #[error("the query `{query}`: {source}")]
    Evaluate {
        /// The query.
        query: String,
        /// Why not.
        source: EvaluateError,
    },
}

impl Source {
    /// The scraper as a source.
    #[must_use]
    pub fn scraper(scraper: Arc<Scraper>, own: OwnMetrics) -> Self {
        Self::Scraper(ScraperSource { scraper, parsed: Arc::default(), own })
    }

    /// The labels of every series that a rule is about.
    ///
    /// # Errors
    /// A source that must be asked over the network may fail; the scraper does not.
    pub async fn series(&self, stage: &SeriesStage) -> Result<Vec<Labels>, SourceError> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Scraper(source) => {
                let store = source.scraper.store();
                let selected = store.select(stage.matchers()).filter(|series| stage.selects(&series.labels));
                Ok(selected.map(|series| series.labels.clone()).collect())
            }
        }
    }

    /// The answer to a query at `time`, in milliseconds since 1970, sorted by labels.
    ///
    /// # Errors
    /// It is no query, or has no value.
    pub async fn query(&self, query: &str, time: i64) -> Result<Vec<Sample>, SourceError> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Scraper(source) => {
                let start = Instant::now();
                let answer = source.answer(query, time);
                source.own.queried(answer.is_ok(), start.elapsed());
                answer
            }
        }
    }

    /// Grows whenever series come or go; none for a source that cannot tell.
    #[must_use]
    pub fn changes(&self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Scraper(source) => Some(source.scraper.store().changes()),
        }
    }

    /// Whether the source works; none before it has worked once.
    #[must_use]
    pub fn health(&self) -> Option<Result<(), String>> {
        match self {
            Self::Nothing => Some(Ok(())),
            Self::Scraper(source) => source.scraper.health(),
        }
    }

    /// Waits until something may have changed.
    pub async fn changed(&self) {
        match self {
            Self::Nothing => std::future::pending().await,
            Self::Scraper(source) => source.scraper.changed().await,
        }
    }
}

impl ScraperSource {
    fn answer(&self, query: &str, time: i64) -> Result<Vec<Sample>, SourceError> {
        let parsed = self.parsed(query).map_err(|source| SourceError::Parse { query: query.to_owned(), source })?;
        let answer = parsed.evaluate(&self.scraper.store(), time);
        answer.map_err(|source| SourceError::Evaluate { query: query.to_owned(), source })
    }

    fn parsed(&self, query: &str) -> Result<Arc<Query>, ParseError> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(query) = parsed.get(query) {
            return Ok(query.clone());
        }
        let new = Arc::new(Query::parse(query)?);
        if parsed.len() >= MAX_PARSED {
            parsed.clear();
        }
        parsed.insert(query.to_owned(), new.clone());
        Ok(new)
    }
}
