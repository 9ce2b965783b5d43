//! One tick of a walk: the pods as they are at that moment, the samples that they give, and the sync over them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Line, LoadTrace};
use crate::conditions::ConditionType;
use crate::decide::{Observation, Scale, ScaleError, decide};
use crate::history::History;
use crate::pods::requests::{Amounts, Container, Requests, Role};
use crate::pods::{Phase, Pod, Readiness};
use crate::sample::{PodSample, PodSamples, Sample};
use crate::scenario::moment;
use crate::settings::Settings;
use crate::spec::{Autoscaler, AutoscalerSpec, MetricSpec, ObjectReference};
use crate::status::Status;

/// How old a new pod is at the tick after the scale grew, and how old the first ones are: never on a boundary of ticks.
const NEW_AGE_SECONDS: f64 = 0.25;
const OLD_AGE_SECONDS: f64 = 3600.25;
/// How old a sample is, and how long a time it covers.
const SAMPLE_AGE: SignedDuration = SignedDuration::from_millis(3500);
const SAMPLE_WINDOW: Duration = Duration::from_secs(30);
const SELECTOR: &str = "app=simulated";

/// A walk through one trace, tick by tick.
#[derive(Debug)]
pub struct Walk<'a> {
    trace: &'a LoadTrace,
    settings: &'a Settings,
    show_trace: bool,
    autoscaler: Autoscaler,
    status: Status,
    history: History,
    replicas: i32,
    /// When each pod started, in seconds after the first tick; the highest index goes first.
    starts: Vec<f64>,
    tick: usize,
}

impl<'a> Walk<'a> {
    /// A walk that begins at the first tick.
    #[must_use]
    pub fn new(trace: &'a LoadTrace, settings: &'a Settings, show_trace: bool) -> Self {
        let spec = AutoscalerSpec {
            scale_target_ref: ObjectReference {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                name: "simulated".to_owned(),
            },
            min_replicas: trace.min_replicas,
            max_replicas: trace.max_replicas,
            metrics: trace.metrics.clone(),
            behavior: trace.behavior.clone(),
        };
        let autoscaler = Autoscaler { namespace: "default".to_owned(), name: trace.name.clone(), generation: 1, spec };
        let starts = vec![-OLD_AGE_SECONDS; usize::try_from(trace.initial_replicas).unwrap_or(0)];
        let (history, replicas) = (History::default(), trace.initial_replicas);
        // As if a sync before the first had found everything as it should be.
        let status = Status { current_replicas: replicas, desired_replicas: replicas, ..Status::default() };
        Self { trace, settings, show_trace, autoscaler, status, history, replicas, starts, tick: 0 }
    }

    fn pod(&self, number: usize, age: f64, now: Timestamp) -> Pod {
        let start = before(now, age);
        let ready_after = self.trace.ready_after_seconds;
        let ready = if age >= ready_after {
            Readiness { status: Some(true), since: before(now, age - ready_after) }
        } else {
            Readiness { status: Some(false), since: start }
        };
        let requests = Amounts::from([("cpu".to_owned(), self.trace.cpu_request_milli)]);
        let containers = vec![Container { name: "app".to_owned(), role: Role::Main, requests }];
        Pod {
            name: format!("pod-{number}"),
            labels: [("app".to_owned(), "simulated".to_owned())].into(),
            phase: Phase::Running,
            deleting: false,
            ready: Some(ready),
            start: Some(start),
            requests: Requests { containers, ..Requests::default() },
        }
    }

    fn sample(&self, metric: &MetricSpec, pods: &[Pod], ages: &[f64], load: i64, now: Timestamp) -> Sample {
        if self.trace.metric_error_ticks.contains(&self.tick) {
            return Sample::Failed("no metrics returned from the recorded load".to_owned());
        }
        let shared = load / i64::from(self.replicas.max(1));
        match metric {
            MetricSpec { object: Some(source), .. } => {
                let milli = if source.target.value.is_some() { shared } else { load };
                Sample::Object { milli, timestamp: Some(now), window: None }
            }
            MetricSpec { external: Some(source), .. } => {
                let milli = if source.target.average_value.is_some() { load } else { shared };
                Sample::External { milli: vec![milli], timestamp: Some(now) }
            }
            _ => Sample::Pods(self.pod_samples(pods, ages, load, now)),
        }
    }

    fn pod_samples(&self, pods: &[Pod], ages: &[f64], load: i64, now: Timestamp) -> PodSamples {
        let ready = pods.iter().filter(|pod| pod.is_ready()).count() as i64;
        let timestamp = now.checked_sub(SAMPLE_AGE).unwrap_or(now);
        let with_samples = pods.iter().zip(ages).filter(|(_, age)| **age >= self.trace.metric_after_seconds);
        let sample = |pod: &Pod| {
            let milli = if pod.is_ready() { load / ready.max(1) } else { self.trace.startup_usage_milli };
            (pod.name.clone(), PodSample { milli, timestamp, window: SAMPLE_WINDOW })
        };
        with_samples.map(|(pod, _)| sample(pod)).collect()
    }

    /// Pods follow the replicas: new ones are a moment old at the next tick.
    fn follow(&mut self, elapsed: f64) {
        let wanted = usize::try_from(self.replicas).unwrap_or(0);
        self.starts.resize(wanted, elapsed - NEW_AGE_SECONDS);
    }
}

fn before(now: Timestamp, seconds: f64) -> Timestamp {
    let age = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO);
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

impl Iterator for Walk<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let load = *self.trace.load_milli.get(self.tick)?;
        let elapsed = self.tick as f64 * self.trace.tick_seconds;
        let now = before(moment(), -elapsed);
        self.follow(elapsed);
        let ages: Vec<f64> = self.starts.iter().map(|start| elapsed - start).collect();
        let pods: Vec<Pod> = ages.iter().enumerate().map(|(number, age)| self.pod(number, *age, now)).collect();
        let metrics = &self.trace.metrics;
        let samples: Vec<Sample> = metrics.iter().map(|metric| self.sample(metric, &pods, &ages, load, now)).collect();
        let scale: Result<Scale, ScaleError> =
            Ok(Scale { spec_replicas: self.replicas, status_replicas: self.replicas, selector: SELECTOR.to_owned() });
        let observation = Observation {
            autoscaler: &self.autoscaler,
            status: &self.status,
            scale: &scale,
            pods: &pods,
            samples: &samples,
            history: &self.history,
            neighbours: &[],
            now,
            settings: self.settings,
        };
        let mut decision = decide(&observation);
        decision.rescaled(&observation, Ok(()));
        let before = self.replicas;
        if let Some(change) = &decision.rescale {
            self.replicas = change.to;
        }
        let reason = |kind| decision.status.conditions.get(kind).map(|condition| condition.reason.clone());
        let line = Line {
            trace: self.trace.name.clone(),
            tick: self.tick,
            replicas: before,
            desired: decision.status.desired_replicas,
            able: reason(ConditionType::AbleToScale),
            limited: reason(ConditionType::ScalingLimited),
            active: reason(ConditionType::ScalingActive),
            why: self.show_trace.then(|| decision.trace.clone()),
        };
        (self.status, self.history) = (decision.status, decision.history);
        self.tick += 1;
        Some(line)
    }
}
