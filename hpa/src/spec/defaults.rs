//! What the API server fills in before a controller sees an autoscaler, so that a file read from disk decides like one read
//! from a cluster. It validates nothing.

use super::{
    AutoscalerSpec, MetricSpec, MetricTarget, PolicyKind, ResourceSource, ScalingPolicy, ScalingRules, SelectPolicy, TargetKind,
};

/// CPU utilization in percent when no metric is given.
const DEFAULT_CPU_UTILIZATION: i32 = 80;

/// Fills in what is unset: minReplicas 1, CPU at 80 % when there is no metric, and both directions of a behavior.
#[must_use]
pub fn filled(mut spec: AutoscalerSpec) -> AutoscalerSpec {
    spec.min_replicas = Some(spec.min());
    if spec.metrics.is_empty() {
        let target = MetricTarget {
            kind: TargetKind::Utilization,
            average_utilization: Some(DEFAULT_CPU_UTILIZATION),
            ..MetricTarget::default()
        };
        let resource = Some(ResourceSource { name: "cpu".to_owned(), target });
        spec.metrics.push(MetricSpec { kind: "Resource".to_owned(), resource, ..MetricSpec::default() });
    }
    if let Some(behavior) = &mut spec.behavior {
        behavior.scale_up = Some(over(behavior.scale_up.take(), scale_up()));
        behavior.scale_down = Some(over(behavior.scale_down.take(), scale_down()));
    }
    spec
}

/// Four pods or a doubling every 15 s, at once.
pub(crate) fn scale_up() -> ScalingRules {
    let pods = ScalingPolicy { kind: PolicyKind::Pods, value: 4, period_seconds: 15 };
    let percent = ScalingPolicy { kind: PolicyKind::Percent, value: 100, period_seconds: 15 };
    ScalingRules {
        stabilization_window_seconds: Some(0),
        select_policy: Some(SelectPolicy::Max),
        policies: Some(vec![pods, percent]),
        tolerance: None,
    }
}

/// Everything at once, after the window of the controller's own flag.
pub(crate) fn scale_down() -> ScalingRules {
    let all = ScalingPolicy { kind: PolicyKind::Percent, value: 100, period_seconds: 15 };
    ScalingRules {
        stabilization_window_seconds: None,
        select_policy: Some(SelectPolicy::Max),
        policies: Some(vec![all]),
        tolerance: None,
    }
}

fn over(given: Option<ScalingRules>, default: ScalingRules) -> ScalingRules {
    let Some(given) = given else { return default };
    ScalingRules {
        stabilization_window_seconds: given.stabilization_window_seconds.or(default.stabilization_window_seconds),
        select_policy: given.select_policy.or(default.select_policy),
        policies: given.policies.or(default.policies),
        tolerance: given.tolerance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_only_what_is_unset() {
        let text = r#"{"scaleTargetRef":{"kind":"Deployment","name":"a"},"maxReplicas":3,
                       "behavior":{"scaleDown":{"stabilizationWindowSeconds":60}}}"#;
        let spec = filled(serde_json::from_str(text).unwrap());
        assert_eq!(spec.min_replicas, Some(1));
        assert_eq!(spec.metrics[0].resource.as_ref().unwrap().target.average_utilization, Some(80));
        let behavior = spec.behavior.unwrap();
        assert_eq!(behavior.scale_up, Some(scale_up()));
        assert_eq!(behavior.scale_down, Some(ScalingRules { stabilization_window_seconds: Some(60), ..scale_down() }));
    }
}
