//! One metric by its type: which target counts, which calculation that means, and upstream's names and error texts. The
//! arithmetic itself stands in `replica_calculator`.

use metrics_api::Quantity;

use super::Failure;
use crate::decide::{ErrorKind, Observation, Scale};
use crate::pods::Pod;
use crate::replica_calculator::Calculation;
use crate::replica_calculator::per_pod::PerPod;
use crate::replica_calculator::ratio::Wanted;
use crate::replica_calculator::shared::Shared;
use crate::sample::{PodSamples, Sample};
use crate::selector;
use crate::spec::{ExternalSource, MetricSpec, MetricTarget, ObjectSource, PodsSource, TargetKind};
use crate::status::{CustomStatus, MetricStatus, MetricValueStatus, ResourceStatus};
use crate::tolerance::Tolerance;
use crate::trace::{MetricTrace, Target};

/// One metric of one sync.
pub(super) struct Question<'a> {
    pub observation: &'a Observation<'a>,
    pub scale: &'a Scale,
    pub pods: &'a [&'a Pod],
    pub tolerance: Tolerance,
    pub sample: &'a Sample,
}

/// How the status shows it, and the replicas it asks for.
type Answer = Result<(MetricStatus, i32), Failure>;

impl Question<'_> {
    pub(super) fn put(&self, spec: &MetricSpec) -> (MetricTrace, Answer) {
        let mut trace = self.trace(&spec.kind);
        let answer = match (spec.kind.as_str(), spec) {
            ("Resource", MetricSpec { resource: Some(source), .. }) => {
                self.resource(&source.name, None, &source.target, &mut trace)
            }
            ("ContainerResource", MetricSpec { container_resource: Some(source), .. }) => {
                self.resource(&source.name, Some(&source.container), &source.target, &mut trace)
            }
            ("Pods", MetricSpec { pods: Some(source), .. }) => self.pods(source, &mut trace),
            ("Object", MetricSpec { object: Some(source), .. }) => self.object(source, &mut trace),
            ("External", MetricSpec { external: Some(source), .. }) => self.external(source, &mut trace),
            (kind, _) => {
                let text = format!("unknown metric source type {kind:?}");
                let (reason, kind) = ("InvalidMetricSourceType", ErrorKind::Spec);
                Err(Failure { reason, cause: text.clone(), error: text, kind })
            }
        };
        (trace, answer)
    }

    fn trace(&self, kind: &str) -> MetricTrace {
        let (timestamp, window_seconds) = self.sample.taken();
        MetricTrace {
            kind: kind.to_owned(),
            name: String::new(),
            what: String::new(),
            of: None,
            target: None,
            value: None,
            timestamp,
            window_seconds,
            tolerance: self.tolerance,
            ratio: None,
            pods: None,
            shared_among: None,
            rule: None,
            proposal: None,
            error: None,
        }
    }

    fn per_pod<'b>(
        &'b self,
        samples: &'b PodSamples,
        resource: Option<&'b str>,
        container: Option<&'b str>,
        wanted: Wanted,
    ) -> PerPod<'b> {
        let Observation { now, settings, .. } = *self.observation;
        let (current, tolerance) = (self.scale.spec_replicas, self.tolerance);
        PerPod { pods: self.pods, samples, resource, container, wanted, current, tolerance, now, settings }
    }

    fn shared(&self, milli: i64, target: Quantity) -> Shared<'_> {
        Shared {
            milli,
            target: target.milli_value(),
            current: self.scale.spec_replicas,
            existing: self.scale.status_replicas,
            pods: self.pods,
            tolerance: self.tolerance,
            defects: self.observation.settings.defects,
        }
    }

    fn resource(&self, name: &str, container: Option<&str>, target: &MetricTarget, trace: &mut MetricTrace) -> Answer {
        name.clone_into(&mut trace.name);
        trace.of = container.map(|container| format!("container {container}"));
        let (reason, within) = match container {
            None => ("FailedGetResourceMetric", format!("failed to get {name} resource metric value")),
            Some(container) => ("FailedGetContainerResourceMetric", format!("failed to get {container} container metric value")),
        };
        let failure = |cause: String| Failure { reason, error: format!("{within}: {cause}"), cause, kind: ErrorKind::Internal };
        let (wanted, doing) = if let Some(average) = target.average_value {
            trace.target = Some(Target::AverageValueMilli(average.milli_value()));
            trace.what = format!("{name} resource");
            (Wanted::Average(average.milli_value()), format!("failed to get {name} usage"))
        } else if let Some(percent) = target.average_utilization {
            trace.target = Some(Target::Utilization(percent));
            let container = if container.is_some() { "container " } else { "" };
            trace.what = format!("{name} {container}resource utilization (percentage of request)");
            (Wanted::Utilization(percent), format!("failed to get {name} utilization"))
        } else {
            let text = "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set";
            return Err(failure(text.to_owned()));
        };
        let calculated = match self.sample {
            Sample::Pods(samples) => {
                self.per_pod(samples, Some(name), container, wanted).replicas(trace).map_err(|error| error.to_string())
            }
            other => Err(format!("unable to get metrics for resource {name}: {}", other.fault())),
        };
        let Calculation { replicas, milli, utilization } = calculated.map_err(|error| failure(format!("{doing}: {error}")))?;
        let average_value = Some(if name == "memory" { bytes(milli) } else { Quantity::from_milli(milli) });
        let current = MetricValueStatus { value: None, average_value, average_utilization: utilization };
        let status = Some(ResourceStatus { name: name.to_owned(), container: container.map(str::to_owned), current });
        let status = match container {
            None => MetricStatus { kind: "Resource", resource: status, ..MetricStatus::default() },
            Some(_) => MetricStatus { kind: "ContainerResource", container_resource: status, ..MetricStatus::default() },
        };
        Ok((status, replicas))
    }

    fn pods(&self, source: &PodsSource, trace: &mut MetricTrace) -> Answer {
        let name = &source.metric.name;
        name.clone_into(&mut trace.name);
        trace.what = format!("pods metric {name}");
        let target = source.target.average_value.unwrap_or_default().milli_value();
        trace.target = Some(Target::AverageValueMilli(target));
        let calculated = match self.sample {
            Sample::Pods(samples) => {
                self.per_pod(samples, None, None, Wanted::Average(target)).replicas(trace).map_err(|error| error.to_string())
            }
            other => Err(format!("unable to get metric {name}: {}", other.fault())),
        };
        let Calculation { replicas, milli, .. } = calculated.map_err(|cause| Failure {
            reason: "FailedGetPodsMetric",
            error: format!("failed to get pods metric value: {cause}"),
            cause,
            kind: ErrorKind::Internal,
        })?;
        let current = MetricValueStatus::average(milli);
        let pods = Some(CustomStatus { metric: source.metric.clone(), described_object: None, current });
        Ok((MetricStatus { kind: "Pods", pods, ..MetricStatus::default() }, replicas))
    }

    fn object(&self, source: &ObjectSource, trace: &mut MetricTrace) -> Answer {
        let (name, object) = (&source.metric.name, &source.described_object);
        name.clone_into(&mut trace.name);
        trace.of = Some(format!("{} {}", object.kind, object.name));
        let namespace = &self.observation.autoscaler.namespace;
        let failure = |cause: String, error: String| Failure {
            reason: "FailedGetObjectMetric",
            error: format!("failed to get object metric value: {error}"),
            cause,
            kind: ErrorKind::Internal,
        };
        let unable =
            |fault: String| format!("unable to get metric {name} on {} {namespace}/{}: {fault}", object.kind, object.name);
        let (current, replicas) = match source.target {
            MetricTarget { kind: TargetKind::Value, value: Some(target), .. } => {
                trace.what = format!("{} metric {name}", object.kind);
                trace.target = Some(Target::ValueMilli(target.milli_value()));
                let milli = self.sample.object().map_err(unable).map_err(|cause| failure(cause.clone(), cause))?;
                let calculated = self.shared(milli, target).whole(trace).map_err(|error| error.to_string());
                let calculated = calculated.map_err(|cause| failure(cause.clone(), cause))?;
                (MetricValueStatus::value(calculated.milli), calculated.replicas)
            }
            MetricTarget { kind: TargetKind::AverageValue, average_value: Some(target), .. } => {
                trace.what = format!("external metric {name}({})", selector::printed(source.metric.selector.as_ref()));
                trace.target = Some(Target::AverageValueMilli(target.milli_value()));
                let failed = |cause: String| failure(cause.clone(), format!("failed to get {name} object metric: {cause}"));
                let milli = self.sample.object().map_err(unable).map_err(failed)?;
                let calculated = self.shared(milli, target).average(false, trace);
                (MetricValueStatus::average(calculated.milli), calculated.replicas)
            }
            _ => {
                let text = "invalid object metric source: neither a value target nor an average value target was set";
                return Err(failure(text.to_owned(), text.to_owned()));
            }
        };
        let object = Some(CustomStatus { metric: source.metric.clone(), described_object: Some(object.clone()), current });
        Ok((MetricStatus { kind: "Object", object, ..MetricStatus::default() }, replicas))
    }

    fn external(&self, source: &ExternalSource, trace: &mut MetricTrace) -> Answer {
        let (name, selector) = (&source.metric.name, selector::printed(source.metric.selector.as_ref()));
        name.clone_into(&mut trace.name);
        trace.what = format!("external metric {name}({selector})");
        let namespace = &self.observation.autoscaler.namespace;
        let failure = |cause: String, error: String| Failure {
            reason: "FailedGetExternalMetric",
            error: format!("failed to get {name} external metric value: {error}"),
            cause,
            kind: ErrorKind::Internal,
        };
        let unable = |fault: String| format!("unable to get external metric {namespace}/{name}/{selector}: {fault}");
        let (current, replicas) = if let Some(target) = source.target.average_value {
            trace.target = Some(Target::AverageValueMilli(target.milli_value()));
            let failed = |cause: String| failure(cause.clone(), format!("failed to get {name} external metric: {cause}"));
            let milli = self.sample.external().map_err(unable).map_err(failed)?;
            let calculated = self.shared(milli, target).average(true, trace);
            (MetricValueStatus::average(calculated.milli), calculated.replicas)
        } else if let Some(target) = source.target.value {
            trace.target = Some(Target::ValueMilli(target.milli_value()));
            let failed = |cause: String| failure(cause.clone(), format!("failed to get external metric {name}: {cause}"));
            let milli = self.sample.external().map_err(unable).map_err(failed)?;
            let calculated = self.shared(milli, target).whole(trace).map_err(|error| failed(error.to_string()))?;
            (MetricValueStatus::value(calculated.milli), calculated.replicas)
        } else {
            let text = "invalid external metric source: neither a value target nor an average value target was set";
            return Err(failure(text.to_owned(), text.to_owned()));
        };
        let external = Some(CustomStatus { metric: source.metric.clone(), described_object: None, current });
        Ok((MetricStatus { kind: "External", external, ..MetricStatus::default() }, replicas))
    }
}

/// Memory as upstream shows it: whole bytes with binary suffixes, anything finer in thousandths.
fn bytes(milli: i64) -> Quantity {
    if milli % 1000 != 0 {
        return Quantity::from_milli(milli);
    }
    // 1/1024 has ten decimals, so that any number of bytes is an exact number of Ki.
    let bytes = i128::from(milli / 1000) * 9_765_625;
    let (whole, part) = (bytes / 10_000_000_000, (bytes % 10_000_000_000).abs());
    let sign = if bytes < 0 && whole == 0 { "-" } else { "" };
    Quantity::parse(&format!("{sign}{whole}.{part:010}Ki")).unwrap_or_else(|_| Quantity::from_milli(milli))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_shown_in_binary_if_it_is_whole() {
        for (milli, shown) in
            [(1_048_576_000, "1Mi"), (1_000_000, "1k"), (5_000_000, "5000"), (1_536_000, "1536"), (1500, "1500m"), (0, "0")]
        {
            assert_eq!(bytes(milli).to_string(), shown);
        }
    }
}
