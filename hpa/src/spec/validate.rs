//! The API server's validation of an autoscaler, so that a file is refused for what a cluster would refuse it for. Shapes and
//! spellings are checked by reading; what is allowed and still unwise is no fault.

use metrics_api::Quantity;

use super::{AutoscalerSpec, Behavior, MetricIdentifier, MetricSpec, MetricTarget, ObjectReference, ScalingRules, TargetKind};
use crate::settings::Gates;

/// The longest stabilization window, in seconds.
const MAX_WINDOW_SECONDS: i32 = 3600;
/// The longest period of a policy, in seconds.
const MAX_PERIOD_SECONDS: i32 = 1800;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, such as `spec.metrics[0].object.target.value`.
    pub field: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// Everything that is wrong with a spec whose defaults are filled in, in the order of its fields.
#[must_use]
pub fn faults(spec: &AutoscalerSpec, gates: Gates) -> Vec<Fault> {
    let mut found = Faults(Vec::new());
    replicas(&mut found, spec, gates);
    reference(&mut found, "spec.scaleTargetRef", &spec.scale_target_ref, true);
    for (number, metric) in spec.metrics.iter().enumerate() {
        metric_source(&mut found, &format!("spec.metrics[{number}]"), metric);
    }
    if let Some(Behavior { scale_up, scale_down }) = &spec.behavior {
        for (name, rules) in [("scaleUp", scale_up), ("scaleDown", scale_down)] {
            if let Some(rules) = rules {
                scaling_rules(&mut found, &format!("spec.behavior.{name}"), rules);
            }
        }
    }
    found.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Fault { field: field.into(), problem: problem.into() });
    }

    fn unless(&mut self, holds: bool, field: impl Into<String>, problem: impl Into<String>) {
        if !holds {
            self.add(field, problem);
        }
    }
}

fn replicas(found: &mut Faults, spec: &AutoscalerSpec, gates: Gates) {
    let (min, max) = (spec.min(), spec.max_replicas);
    let least = if gates.scale_to_zero { 0 } else { 1 };
    found.unless(min >= least, "spec.minReplicas", format!("{min} is too few: write {least} or more"));
    if min == 0 && gates.scale_to_zero {
        let problem = "0 needs an Object or External metric, which has a value while no pod runs: add one, or write 1 or more";
        found.unless(spec.measures_without_pods(), "spec.minReplicas", problem);
    }
    if max < 1 {
        found.add("spec.maxReplicas", format!("{max} is too few: write 1 or more"));
    } else if max < min {
        found.add("spec.maxReplicas", format!("{max} is less than minReplicas {min}: raise one or lower the other"));
    }
}

fn reference(found: &mut Faults, field: &str, object: &ObjectReference, is_target: bool) {
    for (part, text, example) in [("kind", &object.kind, "Deployment"), ("name", &object.name, "my-app")] {
        if text.is_empty() {
            found.add(format!("{field}.{part}"), format!("it is not set: write it, such as {example}"));
        } else if text.contains(['/', '%']) || text == "." || text == ".." {
            found.add(format!("{field}.{part}"), format!("{text:?} cannot stand in a path: write the {part} of an object"));
        }
    }
    let core = !object.api_version.contains('/');
    if is_target && core && !matches!(object.kind.as_str(), "ReplicationController" | "") {
        let problem =
            format!("{:?} has no group: write one such as apps/v1 (only ReplicationController has none)", object.api_version);
        found.add(format!("{field}.apiVersion"), problem);
    }
}

fn metric_source(found: &mut Faults, field: &str, metric: &MetricSpec) {
    let sources = [
        ("Resource", "resource", metric.resource.is_some()),
        ("ContainerResource", "containerResource", metric.container_resource.is_some()),
        ("Pods", "pods", metric.pods.is_some()),
        ("Object", "object", metric.object.is_some()),
        ("External", "external", metric.external.is_some()),
    ];
    let Some((kind, wanted, _)) = sources.iter().find(|(kind, ..)| *kind == metric.kind) else {
        let kinds = sources.map(|(kind, ..)| kind).join(", ");
        return found.add(format!("{field}.type"), format!("{:?} is no type of metric: write one of {kinds}", metric.kind));
    };
    for (_, source, set) in sources {
        if source == *wanted && !set {
            found
                .add(format!("{field}.{source}"), format!("it is not set, and the type is {kind}: write it, or change the type"));
        } else if source != *wanted && set {
            found.add(format!("{field}.{source}"), format!("it is set, and the type is {kind}: remove it, or change the type"));
        }
    }
    if let Some(source) = &metric.resource {
        resource(found, &format!("{field}.resource"), &source.name, &source.target);
    }
    if let Some(source) = &metric.container_resource {
        let field = format!("{field}.containerResource");
        found.unless(!source.container.is_empty(), format!("{field}.container"), "it is empty: write the container's name");
        resource(found, &field, &source.name, &source.target);
    }
    if let Some(source) = &metric.pods {
        let field = format!("{field}.pods");
        identifier(found, &field, &source.metric);
        target(found, &field, &source.target);
        let set = source.target.average_value.is_some();
        found.unless(set, format!("{field}.target.averageValue"), "it is not set: a metric of pods needs it");
    }
    if let Some(source) = &metric.object {
        let field = format!("{field}.object");
        reference(found, &format!("{field}.describedObject"), &source.described_object, false);
        identifier(found, &field, &source.metric);
        target(found, &field, &source.target);
        either(found, &field, ("value", source.target.value.is_some()), ("averageValue", source.target.average_value.is_some()));
    }
    if let Some(source) = &metric.external {
        let field = format!("{field}.external");
        identifier(found, &field, &source.metric);
        target(found, &field, &source.target);
        let (value, average) = (source.target.value.is_some(), source.target.average_value.is_some());
        either(found, &field, ("value", value), ("averageValue", average));
        not_both(found, &field, ("value", value), ("averageValue", average));
    }
}

fn resource(found: &mut Faults, field: &str, name: &str, wanted: &MetricTarget) {
    found.unless(!name.is_empty(), format!("{field}.name"), "it is empty: write cpu or memory");
    target(found, field, wanted);
    let utilization = ("averageUtilization", wanted.average_utilization.is_some());
    let average = ("averageValue", wanted.average_value.is_some());
    either(found, field, utilization, average);
    not_both(found, field, utilization, average);
    found.unless(wanted.value.is_none(), format!("{field}.target.value"), "a resource has no such target: remove it");
}

fn identifier(found: &mut Faults, field: &str, metric: &MetricIdentifier) {
    let field = format!("{field}.metric.name");
    found.unless(!metric.name.is_empty(), &field, "it is empty: write the metric's name");
    found.unless(!metric.name.contains(['/', '%']), field, "it cannot stand in a path: take out / and %");
}

fn target(found: &mut Faults, field: &str, target: &MetricTarget) {
    let set = target.kind != TargetKind::Unset;
    found.unless(set, format!("{field}.target.type"), "it is not set: write Utilization, Value or AverageValue");
    for (part, quantity) in [("value", target.value), ("averageValue", target.average_value)] {
        if let Some(quantity) = quantity.filter(|quantity| *quantity <= Quantity::ZERO) {
            found.add(
                format!("{field}.target.{part}"),
                format!("{quantity} is not positive: write a quantity above 0, such as 100"),
            );
        }
    }
    if let Some(percent) = target.average_utilization.filter(|percent| *percent < 1) {
        found.add(
            format!("{field}.target.averageUtilization"),
            format!("{percent} is not positive: write a percentage of 1 or more"),
        );
    }
}

fn either(found: &mut Faults, field: &str, one: (&str, bool), other: (&str, bool)) {
    found.unless(one.1 || other.1, format!("{field}.target"), format!("it has neither {} nor {}: write one", one.0, other.0));
}

fn not_both(found: &mut Faults, field: &str, one: (&str, bool), other: (&str, bool)) {
    found.unless(!(one.1 && other.1), format!("{field}.target"), format!("it has both {} and {}: remove one", one.0, other.0));
}

fn scaling_rules(found: &mut Faults, field: &str, rules: &ScalingRules) {
    if let Some(seconds) = rules.stabilization_window_seconds.filter(|seconds| !(0..=MAX_WINDOW_SECONDS).contains(seconds)) {
        let problem = format!("{seconds} is out of range: write 0 to {MAX_WINDOW_SECONDS} seconds");
        found.add(format!("{field}.stabilizationWindowSeconds"), problem);
    }
    if rules.policies().is_empty() {
        found.add(format!("{field}.policies"), "it is empty: write at least one policy, or leave the field out");
    }
    for (number, policy) in rules.policies().iter().enumerate() {
        let field = format!("{field}.policies[{number}]");
        let (value, period) = (policy.value, policy.period_seconds);
        found.unless(value > 0, format!("{field}.value"), format!("{value} is not positive: write 1 or more"));
        let within = (1..=MAX_PERIOD_SECONDS).contains(&period);
        let problem = format!("{period} is out of range: write 1 to {MAX_PERIOD_SECONDS} seconds");
        found.unless(within, format!("{field}.periodSeconds"), problem);
    }
    if let Some(tolerance) = rules.tolerance.filter(|tolerance| *tolerance < Quantity::ZERO) {
        found.add(format!("{field}.tolerance"), format!("{tolerance} is negative: write 0 or more, such as 0.05"));
    }
}

#[cfg(test)]
mod tests;
