//! One fault a case: a good spec with one field changed, and the field that is blamed.

use super::*;
use crate::spec::defaults::filled;

const GOOD: &str = r#"{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"a"},"minReplicas":2,"maxReplicas":10,
    "metrics":[{"type":"Object","object":{"describedObject":{"kind":"Service","name":"s"},"metric":{"name":"m"},
                "target":{"type":"Value","value":"100"}}},
               {"type":"External","external":{"metric":{"name":"e"},"target":{"type":"AverageValue","averageValue":"1"}}},
               {"type":"Pods","pods":{"metric":{"name":"p"},"target":{"type":"AverageValue","averageValue":"1"}}},
               {"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}},
               {"type":"ContainerResource","containerResource":{"name":"cpu","container":"c",
                "target":{"type":"Utilization","averageUtilization":50}}}],
    "behavior":{"scaleUp":{"stabilizationWindowSeconds":0,"policies":[{"type":"Pods","value":4,"periodSeconds":15}]},
                "scaleDown":{"stabilizationWindowSeconds":300}}}"#;

/// Changes the value at a JSON pointer of the good spec (null removes it) and names the fields at fault.
fn check(pointer: &str, value: serde_json::Value, expected: &[&str]) {
    let mut spec: serde_json::Value = serde_json::from_str(GOOD).unwrap();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() { &mut spec } else { spec.pointer_mut(parent).unwrap() };
    if value.is_null() {
        parent.as_object_mut().unwrap().remove(last);
    } else {
        parent[last] = value;
    }
    let spec = filled(serde_json::from_value(spec).unwrap());
    let found = faults(&spec, Gates::default());
    assert_eq!(found.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), expected, "{pointer}: {found:?}");
}

#[test]
fn what_the_api_server_refuses_is_refused_by_field() {
    use serde_json::json;
    check("/maxReplicas", json!(10), &[]);
    check("/maxReplicas", json!(0), &["spec.maxReplicas"]);
    check("/maxReplicas", json!(1), &["spec.maxReplicas"]);
    check("/minReplicas", json!(-1), &["spec.minReplicas"]);
    check("/minReplicas", json!(0), &[]);
    check("/minReplicas", serde_json::Value::Null, &[]);
    check("/scaleTargetRef/name", json!(""), &["spec.scaleTargetRef.name"]);
    check("/scaleTargetRef/name", json!("../pods"), &["spec.scaleTargetRef.name"]);
    check("/scaleTargetRef/apiVersion", json!("v1"), &["spec.scaleTargetRef.apiVersion"]);
    check("/metrics/0/type", json!("Objekt"), &["spec.metrics[0].type"]);
    check("/metrics/0/type", json!("Pods"), &["spec.metrics[0].pods", "spec.metrics[0].object"]);
    check("/metrics/0/object/metric/name", json!(""), &["spec.metrics[0].object.metric.name"]);
    check("/metrics/0/object/target/value", json!("0"), &["spec.metrics[0].object.target.value"]);
    check("/metrics/0/object/target/value", serde_json::Value::Null, &["spec.metrics[0].object.target"]);
    check("/metrics/0/object/target/type", serde_json::Value::Null, &["spec.metrics[0].object.target.type"]);
    check("/metrics/1/external/target/value", json!("1"), &["spec.metrics[1].external.target"]);
    check("/metrics/2/pods/target/averageValue", serde_json::Value::Null, &["spec.metrics[2].pods.target.averageValue"]);
    check("/metrics/3/resource/target/averageUtilization", json!(0), &["spec.metrics[3].resource.target.averageUtilization"]);
    check("/metrics/3/resource/target/averageValue", json!("1"), &["spec.metrics[3].resource.target"]);
    check("/metrics/4/containerResource/container", json!(""), &["spec.metrics[4].containerResource.container"]);
    check("/behavior/scaleDown/stabilizationWindowSeconds", json!(3601), &["spec.behavior.scaleDown.stabilizationWindowSeconds"]);
    check("/behavior/scaleDown/policies", json!([]), &["spec.behavior.scaleDown.policies"]);
    check("/behavior/scaleDown/tolerance", json!("-0.1"), &["spec.behavior.scaleDown.tolerance"]);
    check("/behavior/scaleUp/policies/0/value", json!(0), &["spec.behavior.scaleUp.policies[0].value"]);
    check("/behavior/scaleUp/policies/0/periodSeconds", json!(1801), &["spec.behavior.scaleUp.policies[0].periodSeconds"]);
}

#[test]
fn zero_replicas_need_a_metric_without_pods() {
    let text = r#"{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"a"},"minReplicas":0,"maxReplicas":10}"#;
    let spec = filled(serde_json::from_str(text).unwrap());
    assert_eq!(faults(&spec, Gates::default())[0].field, "spec.minReplicas");
    let closed = Gates { scale_to_zero: false, ..Gates::default() };
    assert!(faults(&spec, closed)[0].problem.contains("1 or more"));
}
