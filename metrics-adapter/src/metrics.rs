//! The adapter's metrics about itself. Labels come from closed sets, never from error texts or requests.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// From a tenth of a millisecond to about three seconds.
const SECONDS: [f64; 11] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// What shows the metrics.
pub type Shown = Arc<Registry>;

/// What is counted; clones count together.
#[derive(Clone, Debug)]
pub struct OwnMetrics {
    scrapes: Family<ScrapeLabels, Counter>,
    scrape_seconds: Histogram,
    discoveries: Family<ScrapeLabels, Counter>,
    targets: Gauge,
    series: Gauge,
    samples: Gauge,
    relists: Counter,
    metrics: Gauge,
    queries: Family<QueryLabels, Counter>,
    query_seconds: Histogram,
    requests: Family<RequestLabels, Counter>,
    freshness_seconds: Gauge<f64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScrapeLabels {
    result: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueryLabels {
    result: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    code: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Outcome {
    #[expect(non_camel_case_types, reason = "it is the label's value")]
    success,
    #[expect(non_camel_case_types, reason = "it is the label's value")]
    failure,
}

const fn outcome(succeeded: bool) -> Outcome {
    if succeeded { Outcome::success } else { Outcome::failure }
}

impl OwnMetrics {
    /// The metrics, and the registry that shows them.
    #[must_use]
    pub fn new() -> (Self, Shown) {
        let own = Self {
            scrapes: Family::default(),
            scrape_seconds: Histogram::new(SECONDS),
            discoveries: Family::default(),
            targets: Gauge::default(),
            series: Gauge::default(),
            samples: Gauge::default(),
            relists: Counter::default(),
            metrics: Gauge::default(),
            queries: Family::default(),
            query_seconds: Histogram::new(SECONDS),
            requests: Family::default(),
            freshness_seconds: Gauge::default(),
        };
        let mut registry = Registry::with_prefix("metrics_adapter");
        let seconds = || Unit::Seconds;
        registry.register("scrapes", "Scrapes of targets by result", own.scrapes.clone());
        registry.register_with_unit("scrape_duration", "Time that scrapes took", seconds(), own.scrape_seconds.clone());
        registry.register("discoveries", "Requests for the list of targets by result", own.discoveries.clone());
        registry.register("targets", "Targets now", own.targets.clone());
        registry.register("series", "Series in the store", own.series.clone());
        registry.register("samples", "Samples in the store", own.samples.clone());
        registry.register("relists", "How often the list of metrics was made anew", own.relists.clone());
        registry.register("metrics", "Metrics that the API has now, by resource and name", own.metrics.clone());
        registry.register("queries", "Evaluated queries by result", own.queries.clone());
        registry.register_with_unit("query_duration", "Time that queries took", seconds(), own.query_seconds.clone());
        registry.register("http_requests", "Requests to the API by status code", own.requests.clone());
        let help = "Age of the newest sample behind the latest answer";
        registry.register_with_unit("freshness", help, seconds(), own.freshness_seconds.clone());
        (own, Arc::new(registry))
    }

    /// A target was scraped.
    pub fn scraped(&self, succeeded: bool, took: Duration) {
        self.scrapes.get_or_create(&ScrapeLabels { result: outcome(succeeded) }).inc();
        self.scrape_seconds.observe(took.as_secs_f64());
    }

    /// The list of targets was asked for.
    pub fn discovered(&self, succeeded: bool) {
        self.discoveries.get_or_create(&ScrapeLabels { result: outcome(succeeded) }).inc();
    }

    /// What the scraper holds.
    pub fn holds(&self, targets: usize, series: usize, samples: usize) {
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.targets.set(whole(targets));
        self.series.set(whole(series));
        self.samples.set(whole(samples));
    }

    /// The list of metrics was made anew and has this many.
    pub fn relisted(&self, metrics: usize) {
        self.relists.inc();
        self.metrics.set(i64::try_from(metrics).unwrap_or(i64::MAX));
    }

    /// A query was evaluated.
    pub fn queried(&self, succeeded: bool, took: Duration) {
        self.queries.get_or_create(&QueryLabels { result: outcome(succeeded) }).inc();
        self.query_seconds.observe(took.as_secs_f64());
    }

    /// A request was answered.
    pub fn answered(&self, code: u16) {
        self.requests.get_or_create(&RequestLabels { code }).inc();
    }

    /// The newest sample behind an answer was this old.
    pub fn fresh(&self, age_ms: i64) {
        self.freshness_seconds.set(age_ms as f64 / 1000.0);
    }
}
