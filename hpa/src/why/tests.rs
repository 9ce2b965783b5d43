//! Scenarios and the sentences that people read under them.

use serde_json::{Value, json};

use super::why;
use crate::scenario::{Scenario, moment};
use crate::settings::Defects;

/// A Service's metric of 501.484 with the target 100, 2 to 10 replicas, `current` of them ready; fields of the input replaced by `change`.
fn said(current: i32, change: Value) -> String {
    let pod = |number: i32| {
        json!({"name": format!("p{number}"), "labels": {"app": "a"}, "phase": "Running", "ready": "True", "startTimeAgoSeconds": 9000,
               "readyTransitionAgoSeconds": 9000, "containers": [{"name": "c", "requests": {"cpu": 100}}]})
    };
    let target = json!({"type": "Value", "value": "100"});
    let object = json!({"describedObject": {"kind": "Service", "name": "s"}, "metric": {"name": "m"}, "target": target});
    let mut input = json!({
        "hpa": {"name": "h", "namespace": "ns", "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}},
        "minReplicas": 2, "maxReplicas": 10, "metrics": [{"type": "Object", "object": object}],
        "scale": {"specReplicas": current, "statusReplicas": current, "selector": "app=a"},
        "samples": [{"objectMetric": 501_484}], "pods": (0..current).map(pod).collect::<Vec<_>>(), "recommendations": [],
    });
    for (field, value) in change.as_object().unwrap() {
        input[field] = value.clone();
    }
    let scenario: Scenario = serde_json::from_value(json!({"input": input})).unwrap();
    why(&scenario.decision(Defects::default()), "Deployment/ns/d", None, moment())
}

fn check(current: i32, change: Value, expected: &str) {
    assert_eq!(said(current, change), expected);
}

#[test]
fn growth_and_its_limits() {
    let five = "m of Service s is 501.484, 5.01 times the target of 100 and above the tolerance of 1.1:";
    check(
        2,
        json!({}),
        &format!("{five} with 2 ready pods it asks for 11 replicas. From 2 it may grow to 4 in one step. Scaled from 2 to 4."),
    );
    check(
        6,
        json!({}),
        &format!("{five} with 6 ready pods it asks for 31 replicas. maxReplicas allows no more than 10. Scaled from 6 to 10."),
    );
    let rules = |select: &str| json!({"scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": select, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}});
    check(
        2,
        json!({"behavior": rules("Max"), "scaleUpEvents": [{"replicaChange": 1, "ageSeconds": 20}]}),
        &format!(
            "{five} with 2 ready pods it asks for 11 replicas. The policy of 1 pod in 60 s allows it to grow to 2, counted from 1; \
             the next change leaves its period at 00:00:40 UTC (in 40 s). 2 replicas stay."
        ),
    );
    check(
        2,
        json!({"behavior": rules("Disabled")}),
        &format!("{five} with 2 ready pods it asks for 11 replicas. Growth is disabled by its policy. 2 replicas stay."),
    );
    check(
        2,
        json!({"scale": {"specReplicas": 2, "statusReplicas": 2, "selector": "app=a", "updateErrors": ["refused"]}}),
        &format!(
            "{five} with 2 ready pods it asks for 11 replicas. From 2 it may grow to 4 in one step. The change from 2 to 4 failed: refused."
        ),
    );
    check(
        2,
        json!({"pods": [{"name": "p", "labels": {"app": "a"}}]}),
        &format!(
            "{five} no pod is ready, and by that rule it asks for 0 replicas. minReplicas asks for no fewer than 2. 2 replicas stay."
        ),
    );
}

#[test]
fn shrinking_and_what_holds_it_back() {
    let low = "m of Service s is 20, 0.2 times the target of 100 and below the tolerance of 0.9: with 6 ready pods it asks for 2 replicas.";
    let sample = json!([{"objectMetric": 20_000}]);
    check(6, json!({"samples": sample}), &format!("{low} Scaled from 6 to 2."));
    check(
        6,
        json!({"samples": sample, "recommendations": [{"recommendation": 6, "ageSeconds": 45}]}),
        &format!(
            "{low} Shrinking below 6 is held back until 00:04:15 UTC (in 255 s), because 6 replicas were asked for 45 s ago and the window is 300 s. \
             6 replicas stay."
        ),
    );
    check(
        6,
        json!({"samples": [{"objectMetric": 105_000}]}),
        "m of Service s is 105, 1.05 times the target of 100 and within the tolerance of 0.9 to 1.1. 6 replicas stay.",
    );
    check(
        6,
        json!({"samples": [{"error": "gone"}]}),
        "m of Service s asks for nothing: unable to get metric m on Service ns/s: gone. Nothing is changed: 6 replicas stay.",
    );
}

#[test]
fn bounds_and_pauses() {
    check(12, json!({}), "12 replicas are more than maxReplicas 10, whatever the metrics say. Scaled from 12 to 10.");
    check(1, json!({}), "1 replica is fewer than minReplicas 2, whatever the metrics say. Scaled from 1 to 2.");
    check(
        0,
        json!({}),
        "Deployment/ns/d has 0 replicas, and not by this autoscaler: that pauses it until somebody asks for 1 or more.",
    );
    check(
        2,
        json!({"scale": {"specReplicas": 2}}),
        "The pods of Deployment/ns/d cannot be told, so nothing is changed: failed to compute desired \
        number of replicas based on listed metrics for Deployment/ns/d: selector is required.",
    );
    check(
        2,
        json!({"scale": {"getError": "gone"}}),
        "The scale of Deployment/ns/d cannot be read, so nothing is changed: failed to query scale \
        subresource for Deployment/ns/d: gone.",
    );
}

#[test]
fn metrics_of_pods_and_what_is_filled_in() {
    let cpu =
        json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]);
    let one = |milli: i64| json!({"valueMilli": milli, "ageSeconds": 5, "windowSeconds": 30});
    check(
        2,
        json!({"metrics": cpu, "samples": [{"podMetrics": {"p0": one(90), "p1": one(90)}}]}),
        "cpu is 90 % of what pods request, 1.8 times the target of 50 % and above the tolerance of 1.1: with 2 ready pods it asks for \
         4 replicas. Scaled from 2 to 4.",
    );
    check(
        3,
        json!({"metrics": cpu, "samples": [{"podMetrics": {"p0": one(10), "p1": one(10)}}]}),
        "cpu is 10 % of what pods request, 0.2 times the target of 50 %; with 1 without a sample taken for busy that is 0.8 times the \
         target for 3 pods, which asks for 3 replicas. 3 replicas stay.",
    );
    let two = json!([cpu[0], {"type": "Cheese"}]);
    check(
        2,
        json!({"metrics": two, "samples": [{"podMetrics": {"p0": one(90), "p1": one(90)}}, null]}),
        "cpu is 90 % of what pods request, 1.8 times the target of 50 % and above the tolerance of 1.1: with 2 ready pods it asks for \
         4 replicas. 1 of 2 metrics failed, first: unknown metric source type \"Cheese\". Scaled from 2 to 4.",
    );
}
