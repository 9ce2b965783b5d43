//! Whole syncs: replicas, conditions, events, messages, current metrics and history; and the stages in between.

use hpa::scenario::{Outcome, Scenario};
use hpa::settings::Defects;
use metrics_api::Quantity;
use serde_json::Value;

use crate::{agree, read, same};

#[test]
fn whole_syncs_agree() {
    agree("controller", 104, |case| {
        let scenario: Scenario = read(case);
        let outcome = scenario.decided(Defects::UPSTREAM);
        let expected = &case["expected"];
        stages(&outcome, expected)?;
        let got = serde_json::to_value(&outcome).unwrap();
        for (field, expected) in expected.as_object().unwrap() {
            match field.as_str() {
                "proposals" | "stages" => {}
                "currentMetrics" => equal_amounts(field, &got[field], expected)?,
                _ => same(field, &got[field], expected)?,
            }
        }
        same("errorMessage", &got["errorMessage"], expected.get("errorMessage").unwrap_or(&Value::Null))
    });
}

/// What the trace says of the metrics' proposals and of what was made of them.
fn stages(outcome: &Outcome, expected: &Value) -> Result<(), String> {
    let trace = &outcome.why;
    let stages = &expected["stages"];
    let stabilized = trace.stabilization.map(|stage| i64::from(stage.result));
    same("stages.stabilize", stabilized, stages["stabilize"].as_i64())?;
    same("stages.limit", trace.limit.as_ref().map(|stage| i64::from(stage.result)), stages["limit"].as_i64())?;
    // Metrics of an unknown type are never fetched, so that they have no recorded proposal.
    let fetched: Vec<_> = trace.metrics.iter().filter(|metric| !metric.name.is_empty()).collect();
    let proposals = expected["proposals"].as_array().unwrap();
    same("proposals", fetched.len(), proposals.len())?;
    for (got, expected) in fetched.iter().zip(proposals) {
        same("proposals.desiredReplicas", got.proposal.map(i64::from), expected["desiredReplicas"].as_i64())?;
        same("proposals.error", got.error.is_some(), expected["error"] == true)?;
        let shown = ["utilization", "valueMilli", "averageValueMilli"].into_iter().find_map(|field| expected[field].as_i64());
        same("proposals.value", got.value, shown)?;
    }
    Ok(())
}

/// Equal but for the way in which amounts are written.
fn equal_amounts(path: &str, got: &Value, expected: &Value) -> Result<(), String> {
    match (got, expected) {
        (Value::Object(one), Value::Object(other)) => {
            let names = |fields: &serde_json::Map<String, Value>| {
                let mut names: Vec<String> = fields.keys().cloned().collect();
                names.sort_unstable();
                names
            };
            same(path, names(one), names(other))?;
            one.iter().try_for_each(|(name, value)| equal_amounts(&format!("{path}.{name}"), value, &other[name]))
        }
        (Value::Array(one), Value::Array(other)) => {
            same(path, one.len(), other.len())?;
            one.iter().zip(other).try_for_each(|(one, other)| equal_amounts(path, one, other))
        }
        (Value::String(one), Value::String(other)) if path.to_lowercase().ends_with("value") => {
            same(path, Quantity::parse(one).unwrap(), Quantity::parse(other).unwrap())
        }
        _ => same(path, got, expected),
    }
}
