//! One metric to its replicas, and the ratio behind it.

use std::collections::BTreeMap;

use hpa::decide::{Observation, Scale};
use hpa::history::History;
use hpa::pods::Pod;
use hpa::proposal;
use hpa::replica_calculator::ratio::{Sum, Wanted};
use hpa::sample::Sample;
use hpa::scenario::{Config, PodInput, SampleInput, moment};
use hpa::settings::{Defects, Settings};
use hpa::spec::{Autoscaler, AutoscalerSpec, Behavior, ObjectReference, ScalingRules};
use hpa::status::Status;
use metrics_api::Quantity;
use serde_json::Value;

use crate::{agree, integer, read, same};

fn autoscaler(input: &Value) -> Autoscaler {
    let tolerance = |way: &str| Some(input["tolerance"][way].to_string().parse().unwrap());
    let rules = |way: &str| Some(ScalingRules { tolerance: tolerance(way), ..ScalingRules::default() });
    let spec = AutoscalerSpec {
        scale_target_ref: ObjectReference::default(),
        min_replicas: None,
        max_replicas: i32::MAX,
        metrics: read(&input["metrics"]),
        behavior: Some(Behavior { scale_up: rules("scaleUp"), scale_down: rules("scaleDown") }),
    };
    Autoscaler { namespace: "ns".to_owned(), name: "a".to_owned(), generation: 1, spec }
}

#[test]
fn replicas_of_one_metric_agree() {
    agree("replicas", 76, |case| {
        let (input, expected, now) = (&case["input"], &case["expected"], moment());
        let config: Config = read(&case["config"]);
        let settings = Settings { defects: Defects::UPSTREAM, ..config.settings() };
        let pods: Vec<Pod> = read::<Vec<PodInput>>(&input["pods"]).iter().map(|pod| pod.pod(now)).collect();
        let samples: Vec<Sample> = read::<Vec<SampleInput>>(&input["samples"]).iter().map(|sample| sample.sample(now)).collect();
        let replicas = integer(&input["currentReplicas"]);
        let scale = Scale { spec_replicas: replicas, status_replicas: replicas, selector: String::new() };
        let observation = Observation {
            autoscaler: &autoscaler(input),
            status: &Status::default(),
            scale: &Ok(scale.clone()),
            pods: &[],
            samples: &samples,
            history: &History::default(),
            neighbours: &[],
            now,
            settings: &settings,
        };
        let asked = proposal::ask(&observation, &scale, &pods.iter().collect::<Vec<_>>());
        let failed = asked.failures.first();
        same("error", failed.is_some(), expected["error"] == true)?;
        if let Some(failure) = failed {
            let message = expected["errorMessage"].as_str().unwrap_or_default();
            return if failure.cause.ends_with(message) { Ok(()) } else { Err(format!("{} is not {message}", failure.cause)) };
        }
        same("desiredReplicas", asked.best, integer(&expected["desiredReplicas"]))?;
        let status = serde_json::to_value(&asked.statuses[0]).unwrap();
        let current = status.as_object().unwrap().values().find_map(|source| source.get("current")).unwrap();
        let milli = |field: &str| current[field].as_str().map(|text| Quantity::parse(text).unwrap().milli_value());
        same("valueMilli", milli("value"), expected["valueMilli"].as_i64())?;
        same("averageValueMilli", milli("averageValue"), expected["averageValueMilli"].as_i64())?;
        same("utilization", current["averageUtilization"].as_i64(), expected["utilization"].as_i64())
    });
}

#[test]
fn ratios_agree() {
    agree("ratio", 5, |case| {
        let (input, expected) = (&case["input"], &case["expected"]);
        let values: BTreeMap<String, i64> = read(&input["values"]);
        let requests: Option<BTreeMap<String, i64>> = input.get("requests").map(read);
        let target = input["target"].as_i64().unwrap();
        let wanted = match requests {
            Some(_) => Wanted::Utilization(i32::try_from(target).unwrap()),
            None => Wanted::Average(target),
        };
        let mut sum = Sum::default();
        for (pod, value) in &values {
            match requests.as_ref().map(|requests| requests.get(pod)) {
                Some(None) => sum.add_stranger(*value, wanted),
                request => sum.add(*value, request.flatten().copied()),
            }
        }
        let usage = match sum.usage(wanted) {
            Ok(usage) => usage,
            Err(error) => return same("error", Some(error.to_string().as_str()), expected["errorMessage"].as_str()),
        };
        same("ratio", Some(usage.ratio), expected["ratio"].as_f64())?;
        same("utilization", usage.utilization.map(i64::from), expected["utilization"].as_i64())?;
        let average = expected.get("averageValueMilli").or(expected.get("usageMilli")).and_then(Value::as_i64);
        same("average", Some(usage.milli), average)
    });
}
