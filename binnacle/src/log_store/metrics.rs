//! The store's own metrics. Labels are closed sets; nothing that a sender or a searcher writes becomes one.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::bulk::{Outcome, Verdict};
use super::failure::Failure;

/// From a commit on a fast disk to one that waits for a slow one.
const SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    result: &'static str,
}

/// Counts of what was done; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    items: Family<Labels, Counter>,
    bulks: Family<Labels, Counter>,
    searches: Family<Labels, Counter>,
    commit_seconds: Histogram,
    search_seconds: Histogram,
    documents: Gauge,
    dropped: Counter,
}

impl Metrics {
    /// All at zero, and the registry that shows them.
    pub fn new() -> (Self, Arc<Registry>) {
        let metrics = Self {
            items: Family::default(),
            bulks: Family::default(),
            searches: Family::default(),
            commit_seconds: Histogram::new(SECONDS),
            search_seconds: Histogram::new(SECONDS),
            documents: Gauge::default(),
            dropped: Counter::default(),
        };
        let mut registry = Registry::with_prefix("log_store");
        registry.register("bulk_items", "Items of bulk requests by what became of them", metrics.items.clone());
        registry.register("bulk_requests", "Bulk requests by what became of them", metrics.bulks.clone());
        registry.register("search_requests", "Searches and counts by what became of them", metrics.searches.clone());
        registry.register("commit_seconds", "Time from the end of a group to its answer", metrics.commit_seconds.clone());
        registry.register("search_seconds", "Time of searches and counts", metrics.search_seconds.clone());
        registry.register("documents", "Documents that can be searched", metrics.documents.clone());
        registry.register("dropped_documents", "Oldest documents dropped for --max-documents", metrics.dropped.clone());
        (metrics, Arc::new(registry))
    }

    /// A bulk request was answered.
    pub fn answered(&self, answer: &Result<Vec<Verdict>, Failure>) {
        self.bulks.get_or_create(&Labels { result: result(answer.as_ref().err()) }).inc();
        for verdict in answer.iter().flatten() {
            let result = match &verdict.outcome {
                Outcome::Created => "created",
                Outcome::Updated => "updated",
                Outcome::Conflict => "conflict",
                Outcome::Failed(_) => "failed",
            };
            self.items.get_or_create(&Labels { result }).inc();
        }
    }

    /// A bulk request was refused before it reached the writer.
    pub fn refused(&self, failure: &Failure) {
        self.bulks.get_or_create(&Labels { result: result(Some(failure)) }).inc();
    }

    /// A group was written and committed in this time.
    pub fn committed(&self, time: Duration) {
        self.commit_seconds.observe(time.as_secs_f64());
    }

    /// A search or a count ended after this time.
    pub fn searched(&self, time: Duration, failure: Option<&Failure>) {
        self.searches.get_or_create(&Labels { result: result(failure) }).inc();
        self.search_seconds.observe(time.as_secs_f64());
    }

    /// So many documents can be searched.
    pub fn holds(&self, documents: u64) {
        self.documents.set(documents.cast_signed());
    }

    /// So many of the oldest are gone.
    pub fn dropped(&self, documents: u64) {
        self.dropped.inc_by(documents);
    }
}

fn result(failure: Option<&Failure>) -> &'static str {
    match failure.map(|failure| failure.status.as_u16()) {
        None => "ok",
        Some(429) => "busy",
        Some(500..) => "unavailable",
        Some(_) => "refused",
    }
}
