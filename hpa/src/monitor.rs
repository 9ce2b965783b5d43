//! The controller's own metrics, under upstream's names. Labels come from closed sets; nothing here decides.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::decide::ErrorKind;

/// Upstream's prefix.
const PREFIX: &str = "horizontal_pod_autoscaler_controller";

/// What was done to the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(missing_docs, reason = "the names say it")]
#[expect(non_camel_case_types, reason = "the label's values are upstream's")]
pub enum Action {
    scale_up,
    scale_down,
    none,
}

impl Action {
    /// What a change of replicas is.
    #[must_use]
    pub const fn of(from: i32, to: i32) -> Self {
        if to > from {
            Self::scale_up
        } else if to < from {
            Self::scale_down
        } else {
            Self::none
        }
    }
}

/// Whose fault a failure was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(missing_docs, reason = "the names say it")]
#[expect(non_camel_case_types, reason = "the label's values are upstream's")]
pub enum Failed {
    spec,
    internal,
    none,
}

impl Failed {
    /// As a sync or a metric failed.
    #[must_use]
    pub const fn of(kind: Option<ErrorKind>) -> Self {
        match kind {
            Some(ErrorKind::Spec) => Self::spec,
            Some(ErrorKind::Internal) => Self::internal,
            None => Self::none,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SyncLabels {
    action: Action,
    error: Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MetricLabels {
    action: Action,
    error: Failed,
    metric_type: MetricType,
}

/// The types of metrics; a type that the API does not have is `Unknown`, so that no label comes from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum MetricType {
    Resource,
    ContainerResource,
    Pods,
    Object,
    External,
    Unknown,
}

impl MetricType {
    fn of(kind: &str) -> Self {
        match kind {
            "Resource" => Self::Resource,
            "ContainerResource" => Self::ContainerResource,
            "Pods" => Self::Pods,
            "Object" => Self::Object,
            "External" => Self::External,
            _ => Self::Unknown,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AutoscalerLabels {
    namespace: String,
    hpa_name: String,
}

/// The metrics.
#[derive(Clone, Debug)]
pub struct Monitor {
    syncs: Family<SyncLabels, Counter>,
    sync_seconds: Family<SyncLabels, Histogram>,
    metrics: Family<MetricLabels, Counter>,
    metric_seconds: Family<MetricLabels, Histogram>,
    autoscalers: Gauge,
    desired: Family<AutoscalerLabels, Gauge>,
}

/// From 1 ms on, doubling, as upstream has them.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 15))
}

impl Monitor {
    /// The metrics, and the registry that shows them.
    #[must_use]
    pub fn new() -> (Self, Registry) {
        let monitor = Self {
            syncs: Family::default(),
            sync_seconds: Family::new_with_constructor(histogram),
            metrics: Family::default(),
            metric_seconds: Family::new_with_constructor(histogram),
            autoscalers: Gauge::default(),
            desired: Family::default(),
        };
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("reconciliations", "Syncs of autoscalers", monitor.syncs.clone());
        let help = "How long a sync takes";
        registry.register_with_unit("reconciliation_duration", help, Unit::Seconds, monitor.sync_seconds.clone());
        registry.register("metric_computation", "Metrics that were asked for replicas", monitor.metrics.clone());
        let help = "How long it takes to ask a metric for replicas";
        registry.register_with_unit("metric_computation_duration", help, Unit::Seconds, monitor.metric_seconds.clone());
        registry.register("num_horizontal_pod_autoscalers", "Autoscalers that are synced", monitor.autoscalers.clone());
        registry.register("desired_replicas", "Replicas that an autoscaler wants", monitor.desired.clone());
        (monitor, registry)
    }

    /// How many autoscalers there are.
    pub fn autoscalers(&self, count: i64) {
        self.autoscalers.set(count);
    }

    /// One sync is done.
    pub fn synced(&self, action: Action, error: Failed, took: Duration) {
        let labels = SyncLabels { action, error };
        self.syncs.get_or_create(&labels).inc();
        self.sync_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// One metric was asked.
    pub fn asked(&self, kind: &str, action: Action, error: Failed, took: Duration) {
        let labels = MetricLabels { action, error, metric_type: MetricType::of(kind) };
        self.metrics.get_or_create(&labels).inc();
        self.metric_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// What an autoscaler wants.
    pub fn desires(&self, namespace: &str, name: &str, replicas: i32) {
        let labels = AutoscalerLabels { namespace: namespace.to_owned(), hpa_name: name.to_owned() };
        self.desired.get_or_create(&labels).set(i64::from(replicas));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_upstreams_names() {
        let (monitor, registry) = Monitor::new();
        monitor.autoscalers(1);
        monitor.synced(Action::of(2, 4), Failed::of(None), Duration::from_millis(3));
        monitor.asked("Object", Action::of(2, 2), Failed::of(Some(ErrorKind::Internal)), Duration::from_millis(3));
        monitor.desires("ns", "a", 4);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "_reconciliations_total{action=\"scale_up\",error=\"none\"} 1",
            "_reconciliation_duration_seconds_bucket{le=\"0.004\",action=\"scale_up\",error=\"none\"} 1",
            "_metric_computation_total{action=\"none\",error=\"internal\",metric_type=\"Object\"} 1",
            "_metric_computation_duration_seconds_count{action=\"none\",error=\"internal\",metric_type=\"Object\"} 1",
            "_num_horizontal_pod_autoscalers 1",
            "_desired_replicas{namespace=\"ns\",hpa_name=\"a\"} 4",
        ] {
            assert!(text.contains(&format!("{PREFIX}{line}")), "{line} is not in\n{text}");
        }
    }
}
