//! What holds of every decision, whatever is observed: bounds, disabled directions, policies, sameness, and that no input makes
//! it panic.
#![expect(clippy::unwrap_used, reason = "a case that cannot be made fails its test")]

use std::time::Duration;

use hpa::decide::{Decision, Neighbour, Observation, Scale, ScaleError, decide};
use hpa::history::{History, Recommendation, ScaleEvent};
use hpa::pods::{Phase, Pod, Readiness};
use hpa::sample::{PodSample, Sample};
use hpa::scenario::moment;
use hpa::settings::{Defects, Settings};
use hpa::spec::{
    Autoscaler, AutoscalerSpec, Behavior, MetricSpec, ObjectReference, PolicyKind, ScalingPolicy, ScalingRules, SelectPolicy,
};
use hpa::status::Status;
use hpa::trace::Course;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn ago(seconds: i64) -> Timestamp {
    moment() - SignedDuration::from_secs(seconds)
}

/// Values as they are, and as an API that lies would send them.
fn milli() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0_i64..2_000_000, 1 => any::<i64>()]
}

fn pod(number: usize) -> impl Strategy<Value = Pod> {
    let phase =
        prop_oneof![4 => Just(Phase::Running), 1 => Just(Phase::Pending), 1 => Just(Phase::Failed), 1 => Just(Phase::Succeeded)];
    let ready = option::weighted(
        0.9,
        (option::of(any::<bool>()), 0_i64..1000).prop_map(|(status, since)| Readiness { status, since: ago(since) }),
    );
    (phase, ready, option::weighted(0.9, 0_i64..1000), prop::bool::weighted(0.1), 0_i64..2000).prop_map(
        move |(phase, ready, start, deleting, request)| {
            let mut pod = Pod { name: format!("p{number}"), phase, ready, deleting, start: start.map(ago), ..Pod::default() };
            pod.labels.insert("app".to_owned(), "a".to_owned());
            let requests = [("cpu".to_owned(), request)].into();
            pod.requests.containers =
                vec![hpa::pods::requests::Container { name: "c".to_owned(), requests, ..Default::default() }];
            pod
        },
    )
}

fn pods() -> impl Strategy<Value = Vec<Pod>> {
    (0_usize..8).prop_flat_map(|count| (0..count).map(pod).collect::<Vec<_>>())
}

fn rules() -> impl Strategy<Value = ScalingRules> {
    let kind = prop_oneof![Just(PolicyKind::Pods), Just(PolicyKind::Percent)];
    let policy =
        (kind, 1_i32..200, 1_i32..600).prop_map(|(kind, value, period_seconds)| ScalingPolicy { kind, value, period_seconds });
    let select = prop_oneof![Just(SelectPolicy::Max), Just(SelectPolicy::Min), Just(SelectPolicy::Disabled)];
    (option::of(0_i32..600), select, vec(policy, 1..4)).prop_map(|(window, select, policies)| ScalingRules {
        stabilization_window_seconds: window,
        select_policy: Some(select),
        policies: Some(policies),
        tolerance: None,
    })
}

fn metric() -> impl Strategy<Value = (MetricSpec, Sample)> {
    let json = |text: String| serde_json::from_str::<MetricSpec>(&text).unwrap();
    let object = (1_i64..2000, milli()).prop_map(move |(target, milli)| {
        let text = format!(
            r#"{{"type":"Object","object":{{"describedObject":{{"kind":"Service","name":"s"}},"metric":{{"name":"m"}},"target":{{"type":"Value","value":"{target}"}}}}}}"#
        );
        (json(text), Sample::Object { milli, timestamp: None, window: None })
    });
    let external = (1_i64..2000, vec(milli(), 0..4)).prop_map(move |(target, milli)| {
        let text = format!(
            r#"{{"type":"External","external":{{"metric":{{"name":"m"}},"target":{{"type":"AverageValue","averageValue":"{target}"}}}}}}"#
        );
        (json(text), Sample::External { milli, timestamp: None })
    });
    let sample =
        (milli(), 0_i64..120).prop_map(|(milli, age)| PodSample { milli, timestamp: ago(age), window: Duration::from_secs(30) });
    let cpu = (1_i32..200, vec(option::weighted(0.8, sample), 10)).prop_map(move |(target, samples)| {
        let text = format!(
            r#"{{"type":"Resource","resource":{{"name":"cpu","target":{{"type":"Utilization","averageUtilization":{target}}}}}}}"#
        );
        let named = samples.into_iter().enumerate().filter_map(|(number, sample)| Some((format!("p{number}"), sample?)));
        (json(text), Sample::Pods(named.collect()))
    });
    let failed = Just((json(r#"{"type":"Cheese"}"#.to_owned()), Sample::NotAsked));
    prop_oneof![3 => object, 3 => external, 3 => cpu, 1 => failed]
}

/// Everything that a decision depends on, owned.
#[derive(Debug)]
struct World {
    autoscaler: Autoscaler,
    scale: Result<Scale, ScaleError>,
    pods: Vec<Pod>,
    samples: Vec<Sample>,
    history: History,
    settings: Settings,
}

impl World {
    fn observation<'a>(&'a self, status: &'a Status) -> Observation<'a> {
        const NONE: &[Neighbour] = &[];
        Observation {
            autoscaler: &self.autoscaler,
            status,
            scale: &self.scale,
            pods: &self.pods,
            samples: &self.samples,
            history: &self.history,
            neighbours: NONE,
            now: moment(),
            settings: &self.settings,
        }
    }

    fn decided(&self) -> Decision {
        let status = Status::default();
        let observation = self.observation(&status);
        let mut decision = decide(&observation);
        decision.rescaled(&observation, Ok(()));
        decision
    }
}

fn history() -> impl Strategy<Value = History> {
    let recommendation = (0_i32..50, -5_i64..1000).prop_map(|(replicas, age)| Recommendation { replicas, time: ago(age) });
    let events =
        || vec((1_i32..20, -5_i64..1000).prop_map(|(change, age)| ScaleEvent { change, time: ago(age), outdated: false }), 0..5);
    (option::of(vec(recommendation, 0..6)), events(), events()).prop_map(|(recommendations, scale_ups, scale_downs)| History {
        recommendations,
        scale_ups,
        scale_downs,
    })
}

fn world() -> impl Strategy<Value = World> {
    let behavior = option::of((rules(), rules()).prop_map(|(up, down)| Behavior { scale_up: Some(up), scale_down: Some(down) }));
    let bounds = (0_i32..10, 0_i32..30).prop_map(|(min, more)| (min, min.max(1) + more));
    let scale = (0_i32..50, 0_i32..50).prop_map(|(spec_replicas, status_replicas)| Scale {
        spec_replicas,
        status_replicas,
        selector: "app=a".to_owned(),
    });
    (bounds, behavior, scale, pods(), vec(metric(), 1..4), history(), any::<bool>()).prop_map(
        |((min, max), behavior, scale, pods, metrics, history, upstream)| {
            let (metrics, samples) = metrics.into_iter().unzip();
            let scale_target_ref =
                ObjectReference { kind: "Deployment".to_owned(), name: "d".to_owned(), ..ObjectReference::default() };
            let spec = AutoscalerSpec { scale_target_ref, min_replicas: Some(min), max_replicas: max, metrics, behavior };
            let autoscaler = Autoscaler { namespace: "ns".to_owned(), name: "a".to_owned(), generation: 1, spec };
            let defects = if upstream { Defects::UPSTREAM } else { Defects::default() };
            World { autoscaler, scale: Ok(scale), pods, samples, history, settings: Settings { defects, ..Settings::default() } }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_change_ends_between_the_fewest_and_the_most(world in world()) {
        let (decision, spec) = (world.decided(), &world.autoscaler.spec);
        if let Some(change) = &decision.rescale {
            prop_assert!(change.to <= spec.max_replicas, "{change:?}");
            // Growth that policies slow down may need more than one sync to reach the fewest from below, but metrics are
            // looked at only from the fewest on.
            prop_assert!(change.to >= spec.min(), "{change:?}");
        }
    }

    #[test]
    fn nothing_goes_against_a_disabled_direction(world in world()) {
        let decision = world.decided();
        let (Some(change), Course::Metrics, Some(behavior)) = (&decision.rescale, decision.trace.course, &world.autoscaler.spec.behavior) else { return Ok(()) };
        let rules = if change.to > change.from { &behavior.scale_up } else { &behavior.scale_down };
        let select = rules.as_ref().and_then(|rules| rules.select_policy);
        // From none to a raised minimum is not a matter of policies.
        prop_assert!(select != Some(SelectPolicy::Disabled) || change.from == 0, "{change:?}");
    }

    #[test]
    fn nothing_goes_faster_than_the_policies(world in world()) {
        let decision = world.decided();
        let (Some(change), Course::Metrics, Some(limit)) = (&decision.rescale, decision.trace.course, &decision.trace.limit) else { return Ok(()) };
        let Some(rate) = limit.rate_limit.filter(|_| change.from != 0) else { return Ok(()) };
        if change.to > change.from {
            prop_assert!(change.to <= rate, "{change:?} with {limit:?}");
        } else if limit.select.is_some() {
            prop_assert!(change.to >= rate, "{change:?} with {limit:?}");
        }
    }

    #[test]
    fn the_same_observation_gives_the_same_decision(world in world()) {
        let (one, other) = (world.decided(), world.decided());
        // Traces hold ratios, which may be no number.
        prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
        prop_assert!(!hpa::why::why(&one, "Deployment/ns/d", None, moment()).is_empty());
    }

    #[test]
    fn failed_metrics_never_shrink_anything(world in world()) {
        let decision = world.decided();
        let failed = decision.trace.metrics.iter().any(|metric| metric.error.is_some());
        if let (true, Some(change), None) = (failed, &decision.rescale, &world.autoscaler.spec.behavior) {
            // A past recommendation cannot lower anything without a behavior, and nothing else may.
            prop_assert!(change.to >= change.from || decision.trace.course != Course::Metrics, "{change:?}");
        }
    }
}
