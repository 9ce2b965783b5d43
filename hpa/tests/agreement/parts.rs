//! The parts of a sync on their own: pods by group, requests, answers of metrics APIs, normalization, memory.

use std::collections::BTreeMap;
use std::time::Duration;

use hpa::behavior::{self, Bounds};
use hpa::fetched::{self, PodUsage};
use hpa::history::{Direction, History, ScaleEvent};
use hpa::normalize;
use hpa::pods::requests::requested;
use hpa::pods::{Group, Pod, groups};
use hpa::sample::{PodSamples, Sample};
use hpa::scenario::{Behaved, Config, PodInput, SampleInput, moment};
use hpa::settings::{Defects, Settings};
use hpa::spec::{Behavior, ScalingRules, defaults};
use hpa::stabilization::{Windows, stabilize};
use serde_json::{Value, json};

use crate::{agree, integer, read, same};

fn settings(case: &Value) -> Settings {
    let config = case.get("config").map(read::<Config>).unwrap_or_default();
    Settings { defects: Defects::UPSTREAM, ..config.settings() }
}

fn pods(input: &Value) -> Vec<Pod> {
    read::<Vec<PodInput>>(&input["pods"]).iter().map(|pod| pod.pod(moment())).collect()
}

#[test]
fn groups_agree() {
    agree("groups", 14, |case| {
        let (input, expected) = (&case["input"], &case["expected"]);
        let Sample::Pods(samples) = read::<SampleInput>(&input["samples"][0]).sample(moment()) else {
            return Err("samples".into());
        };
        let pods = pods(input);
        let selected: Vec<&Pod> = pods.iter().collect();
        let groups =
            groups(&selected, &samples, input["resource"].as_str().filter(|name| !name.is_empty()), moment(), &settings(case));
        let of = |group: Group| {
            let mut names: Vec<&str> =
                pods.iter().zip(&groups).filter(|(_, of)| **of == group).map(|(pod, _)| pod.name.as_str()).collect();
            names.sort_unstable();
            json!(names)
        };
        same("ready", json!(groups.iter().filter(|group| **group == Group::Ready).count()), expected["ready"].clone())?;
        same("unready", of(Group::Unready), expected["unready"].clone())?;
        same("missing", of(Group::Missing), expected["missing"].clone())?;
        same("ignored", of(Group::Ignored), expected["ignored"].clone())
    });
}

#[test]
fn requests_agree() {
    agree("requests", 9, |case| {
        let (input, expected) = (&case["input"], &case["expected"]);
        let container = input["container"].as_str().filter(|name| !name.is_empty());
        let (resource, gates) = (input["resource"].as_str().unwrap(), settings(case).gates);
        let request = |pod: &Pod| {
            let amount = requested(&pod.requests, &pod.name, resource, container, gates);
            amount.map(|amount| (pod.name.clone(), amount)).map_err(|error| error.to_string())
        };
        let got: Result<BTreeMap<String, i64>, String> = pods(input).iter().map(request).collect();
        let expected = match expected["errorMessage"].as_str() {
            Some(message) => Err(message.to_owned()),
            None => Ok(read(&expected["requestsMilli"])),
        };
        same("requests", got, expected)
    });
}

#[test]
fn answers_of_metrics_apis_agree() {
    agree("fetch", 11, |case| {
        let (input, expected) = (&case["input"], &case["expected"]);
        let got = match input["api"].as_str().unwrap() {
            "resource" => {
                let container = input["container"].as_str().filter(|name| !name.is_empty());
                fetched::resource(&usages(&input["podMetricsList"]), input["resource"].as_str().unwrap(), container)
            }
            "custom" => fetched::pods(&values(&input["items"])),
            _ => fetched::external(&values(&input["items"])),
        };
        match got {
            Sample::Failed(message) => same("error", Some(message.as_str()), expected["errorMessage"].as_str()),
            Sample::External { milli, .. } => same("externalMetric", json!(milli), expected["externalMetric"].clone()),
            Sample::Pods(pods) => same("podMetrics", shown(&pods), read(&expected["podMetrics"])),
            other => Err(format!("{other:?}")),
        }
    });
}

fn usages(list: &Value) -> Vec<PodUsage> {
    let usage = |pod: &Value| PodUsage {
        pod: read(&pod["pod"]),
        timestamp: moment(),
        window: Duration::from_secs(pod["windowSeconds"].as_u64().unwrap()),
        containers: pod["containers"].as_array().unwrap().iter().map(|one| (read(&one["name"]), read(&one["usage"]))).collect(),
    };
    list.as_array().unwrap().iter().map(usage).collect()
}

fn values(items: &Value) -> Vec<fetched::Value> {
    let value = |item: &Value| fetched::Value {
        object: item["pod"].as_str().unwrap_or_default().to_owned(),
        milli: item["valueMilli"].as_i64().unwrap(),
        timestamp: moment(),
        window: item["windowSeconds"].as_u64().map(Duration::from_secs),
    };
    items.as_array().unwrap().iter().map(value).collect()
}

fn shown(pods: &PodSamples) -> BTreeMap<String, Value> {
    let one = |(name, sample): (&String, &hpa::sample::PodSample)| {
        (name.clone(), json!({"valueMilli": sample.milli, "windowSeconds": sample.window.as_secs()}))
    };
    pods.iter().map(one).collect()
}

#[test]
fn normalization_agrees() {
    agree("normalize", 63, |case| match case["input"]["stage"].as_str().unwrap() {
        "stabilize" => stabilized(case),
        "limit" => limited(case),
        _ => rate(case),
    });
}

/// Both directions, with the API server's defaults where a case leaves one out.
fn rules(input: &Value) -> Option<(ScalingRules, ScalingRules)> {
    let behavior = input.get("behavior").map(read::<Behavior>)?;
    let text = r#"{"scaleTargetRef":{"kind":"","name":""},"maxReplicas":1}"#;
    let filled = defaults::filled(hpa::spec::AutoscalerSpec { behavior: Some(behavior), ..serde_json::from_str(text).unwrap() });
    let behavior = filled.behavior.unwrap();
    Some((behavior.scale_up.unwrap(), behavior.scale_down.unwrap()))
}

fn stabilized(case: &Value) -> Result<(), String> {
    let (input, expected, settings) = (&case["input"], &case["expected"], settings(case));
    let mut history = read::<Behaved>(input).history(moment());
    let rules = rules(input);
    let windows = rules.as_ref().map_or(Windows::built_in(&settings), |(up, down)| Windows::of(up, down, &settings));
    let current = input.get("currentReplicas").map_or(0, integer);
    let proposal = integer(&input["desiredReplicas"]);
    let got = stabilize(&mut history, windows, current, proposal, moment());
    same("desiredReplicas", got.result, integer(&expected["desiredReplicas"]))?;
    let after: Vec<i32> = history.recommendations.unwrap_or_default().iter().map(|old| old.replicas).collect();
    same("recommendationsAfter", json!(after), expected["recommendationsAfter"].clone())?;
    let Some(reason) = expected["reasonIfChanged"].as_str() else { return Ok(()) };
    same("reasonIfChanged", normalize::stabilized_reason(rules.is_some() && proposal >= current).0, reason)
}

fn limited(case: &Value) -> Result<(), String> {
    let (input, expected, settings) = (&case["input"], &case["expected"], settings(case));
    let history = read::<Behaved>(input).history(moment());
    let number = |field: &str| integer(&input[field]);
    let bounds = Bounds { current: number("currentReplicas"), min: number("minReplicas"), max: number("maxReplicas") };
    let wanted = number("desiredReplicas");
    let got = match rules(input) {
        None => behavior::limit(bounds, wanted, &settings),
        Some((up, down)) => behavior::limit_with_policies(bounds, wanted, (&up, &down), &history, moment(), settings.defects),
    };
    same("desiredReplicas", got.result, integer(&expected["desiredReplicas"]))?;
    same("reason", Some(got.reason), expected["reason"].as_str())?;
    same("message", Some(behavior::message(got.reason)), expected["message"].as_str())
}

fn rate(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expected"]);
    let history = read::<Behaved>(input).history(moment());
    let direction = if input["direction"] == "up" { Direction::Up } else { Direction::Down };
    let (rules, current) = (read::<ScalingRules>(&input["rules"]), integer(&input["currentReplicas"]));
    let policies = behavior::policies(direction, &rules, current, &history, moment(), Defects::UPSTREAM);
    let got = behavior::rate_limit(direction, rules.select_policy.unwrap_or_default(), current, &policies);
    same("limit", got, integer(&expected["limit"]))
}

#[test]
fn memory_of_changes_agrees() {
    agree("history", 16, |case| {
        let (input, expected) = (&case["input"], &case["expected"]);
        let mut history: History = read::<Behaved>(input).history(moment());
        let behavior = input.get("behavior").map(read::<Behavior>);
        history.scaled(integer(&input["prevReplicas"]), integer(&input["newReplicas"]), behavior.as_ref(), moment());
        let shown = |events: &[ScaleEvent]| {
            let one = |event: &ScaleEvent| json!({"replicaChange": event.change, "outdated": event.outdated});
            Value::Array(events.iter().map(one).collect())
        };
        same("scaleUpEventsAfter", shown(&history.scale_ups), expected["scaleUpEventsAfter"].clone())?;
        same("scaleDownEventsAfter", shown(&history.scale_downs), expected["scaleDownEventsAfter"].clone())
    });
}
