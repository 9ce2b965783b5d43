//! `run` against a scripted server of Kubernetes' shape: it scales, survives conflicts, leaves replicas alone while the metrics
//! API is down and says so, and recovers. Over HTTP, with the program's own `run`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a step that fails ends its test")]

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use clap::Parser as _;
use daemon::Shutdown;
use hpa::args::{Cli, Command};
use hpa::report::{Entry, Report};
use serde_json::{Value, json};

const AUTOSCALER: &str = "\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: sample-metrics-app}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: sample-metrics-app}
  minReplicas: 2
  maxReplicas: 10
  metrics:
  - type: Object
    object:
      describedObject: {apiVersion: v1, kind: Service, name: sample-metrics-app}
      metric: {name: http_requests}
      target: {type: Value, value: 100}
";

/// What the scripted server holds.
#[derive(Default)]
struct World {
    replicas: i64,
    version: u64,
    /// So many changes of the scale are refused as conflicts.
    conflicts: u32,
    /// So many changes were asked for.
    changes: u32,
    /// The metric as a quantity, or the status code of a metrics API that is down.
    metric: Option<&'static str>,
    no_scale: bool,
}

type Shared = Arc<Mutex<World>>;

fn scale(world: &World) -> Json<Value> {
    Json(json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": "sample-metrics-app", "namespace": "default", "resourceVersion": world.version.to_string(), "uid": "u"},
        "spec": {"replicas": world.replicas}, "status": {"replicas": world.replicas, "selector": "app=sample-metrics-app"}}))
}

fn refused(code: StatusCode, reason: &str, message: &str) -> Response {
    (code, Json(json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code.as_u16()})))
        .into_response()
}

async fn get_scale(State(world): State<Shared>) -> Response {
    let world = world.lock().unwrap();
    if world.no_scale { refused(StatusCode::NOT_FOUND, "NotFound", "no such deployment") } else { scale(&world).into_response() }
}

async fn put_scale(State(world): State<Shared>, Json(wanted): Json<Value>) -> Response {
    let mut world = world.lock().unwrap();
    world.changes += 1;
    let stale = wanted["metadata"]["resourceVersion"] != world.version.to_string().as_str();
    if world.conflicts > 0 || stale {
        world.conflicts = world.conflicts.saturating_sub(1);
        world.version += 1;
        return refused(StatusCode::CONFLICT, "Conflict", "the object has been modified");
    }
    assert_eq!(wanted["metadata"]["uid"], "u", "fields that are not ours go back as they came");
    world.replicas = wanted["spec"]["replicas"].as_i64().unwrap();
    world.version += 1;
    scale(&world).into_response()
}

async fn pods(State(world): State<Shared>, Query(query): Query<Vec<(String, String)>>) -> Json<Value> {
    assert_eq!(query, [("labelSelector".to_owned(), "app=sample-metrics-app".to_owned())]);
    let pod = |number: i64| {
        json!({"metadata": {"name": format!("p{number}"), "labels": {"app": "sample-metrics-app"}}, "spec": {"containers": [{"name": "app"}]},
            "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z",
                       "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"}]}})
    };
    let replicas = world.lock().unwrap().replicas;
    Json(json!({"kind": "PodList", "apiVersion": "v1", "items": (0..replicas).map(pod).collect::<Vec<_>>()}))
}

async fn metrics(State(world): State<Shared>, uri: Uri) -> Response {
    let Some(value) = world.lock().unwrap().metric else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "no scrape was completed yet");
    };
    let version = |version: &str| json!({"groupVersion": format!("custom.metrics.k8s.io/{version}"), "version": version});
    match uri.path().trim_start_matches("/apis/custom.metrics.k8s.io") {
        "" => Json(json!({"name": "custom.metrics.k8s.io", "versions": [version("v1beta1"), version("v1beta2")],
            "preferredVersion": version("v1beta2")}))
        .into_response(),
        "/v1beta2/namespaces/default/services/sample-metrics-app/http_requests" => {
            let object = json!({"kind": "Service", "namespace": "default", "name": "sample-metrics-app", "apiVersion": "/v1"});
            let item = json!({"describedObject": object, "metric": {"name": "http_requests", "selector": null},
                "timestamp": "2026-01-01T00:00:00Z", "windowSeconds": 115, "value": value});
            Json(json!({"kind": "MetricValueList", "apiVersion": "custom.metrics.k8s.io/v1beta2", "metadata": {}, "items": [item]})).into_response()
        }
        other => panic!("asked for {other}"),
    }
}

/// The program and the scripted world, both running.
struct Stage {
    world: Shared,
    address: String,
    client: reqwest::Client,
    shutdown: Shutdown,
    ended: tokio::task::JoinHandle<Result<(), hpa::Error>>,
}

async fn stage(world: World) -> Stage {
    let world = Arc::new(Mutex::new(world));
    let scale = "/apis/apps/v1/namespaces/default/deployments/sample-metrics-app/scale";
    let router = Router::new()
        .route(scale, get(get_scale).put(put_scale))
        .route("/api/v1/namespaces/default/pods", get(pods))
        .fallback(metrics)
        .with_state(world.clone());
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(server, router).await });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(AUTOSCALER.as_bytes()).unwrap();
    let file = file.path().to_string_lossy().into_owned();
    let period = "--horizontal-pod-autoscaler-sync-period=20ms";
    let window = "--horizontal-pod-autoscaler-downscale-stabilization=200ms";
    let cli = Cli::try_parse_from(["hpa", "run", "--hpa-file", &file, "--server", &url, period, window]).unwrap();
    let Command::Run(args) = cli.command else { panic!("not run") };
    // The file is read here and gone afterwards.
    let (config, _) = args.config().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = Shutdown::new();
    let ended = tokio::spawn(hpa::run(config, listener, shutdown.clone()));
    Stage { world, address, client: reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap(), shutdown, ended }
}

impl Stage {
    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn decisions(&self) -> Vec<Entry> {
        let (_, text) = self.get("/decisions").await;
        serde_json::from_str::<Report>(&text).unwrap().decisions
    }

    /// Waits until something holds of the decisions and the readiness.
    async fn until(&self, what: &str, holds: impl Fn(&World, &[Entry], &(u16, String)) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let (decisions, ready) = (self.decisions().await, self.get("/readyz").await);
            if holds(&self.world.lock().unwrap(), &decisions, &ready) {
                return;
            }
            assert!(Instant::now() < deadline, "never: {what}; {ready:?}; last: {:?}", decisions.last());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }

    async fn end(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.ended).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn load_scales_up_and_its_end_scales_down_and_each_decision_says_why() {
    let stage = stage(World { replicas: 2, metric: Some("501484m"), ..World::default() }).await;
    stage.until("10 replicas", |world, _, ready| world.replicas == 10 && *ready == (200, "ok".to_owned())).await;
    let decisions = stage.decisions().await;
    let first = decisions.iter().find(|entry| entry.scaled).unwrap();
    assert_eq!(
        (first.current, first.desired, first.reason.as_str()),
        (Some(2), Some(4), "Service metric http_requests above target")
    );
    assert_eq!(
        first.why,
        "http_requests of Service sample-metrics-app is 501.484, 5.01 times the target of 100 and above the tolerance of 1.1: \
         with 2 ready pods it asks for 11 replicas. From 2 it may grow to 4 in one step. Scaled from 2 to 4."
    );
    let metric = &first.metrics[0];
    assert_eq!((metric.value_milli, metric.target_milli, metric.proposal), (Some(501_484), Some(100_000), Some(11)));
    assert_eq!((metric.timestamp, metric.window_seconds), (Some(1_767_225_600_000), Some(115)));
    assert!(decisions.windows(2).all(|pair| pair[0].time < pair[1].time), "times increase");
    stage.change(|world| world.metric = Some("0"));
    stage.until("2 replicas again", |world, _, _| world.replicas == 2).await;
    let decisions = stage.decisions().await;
    let held = decisions.iter().rfind(|entry| entry.why.contains("held back")).unwrap();
    assert!(
        held.why.contains("with 10 ready pods it asks for 0 replicas. Shrinking below 10 is held back until "),
        "{}",
        held.why
    );
    assert!(held.why.ends_with("and the window is 0 s. 10 replicas stay."), "{}", held.why);
    let since = decisions.last().unwrap().time;
    let (code, later) = stage.get(&format!("/decisions?since={since}")).await;
    let later: Report = serde_json::from_str(&later).unwrap();
    assert!(code == 200 && later.decisions.iter().all(|entry| entry.time > since));
    assert_eq!(stage.get("/decisions?since=x").await.0, 400);
    let (_, metrics) = stage.get("/metrics").await;
    assert!(
        metrics.contains("horizontal_pod_autoscaler_controller_reconciliations_total{action=\"scale_up\",error=\"none\"} 3"),
        "{metrics}"
    );
    stage.end().await;
}

#[tokio::test]
async fn conflicts_are_tried_again_and_no_more_than_five_times() {
    let stage = stage(World { replicas: 2, metric: Some("400"), conflicts: 2, ..World::default() }).await;
    stage.until("4 replicas", |world, _, _| world.replicas >= 4).await;
    stage.change(|world| (world.replicas, world.conflicts, world.changes) = (2, u32::MAX, 0));
    stage.until("a failed change", |world, _, ready| world.changes >= 5 && ready.0 == 503 && ready.1.contains("409")).await;
    let failed = stage.decisions().await.into_iter().rfind(|entry| entry.error.is_some()).unwrap();
    assert!(!failed.scaled && failed.why.contains("The change from 2 to 4 failed: PUT http://"), "{}", failed.why);
    assert_eq!(failed.conditions[0].reason, "FailedUpdateScale");
    stage.change(|world| world.conflicts = 0);
    stage.until("4 replicas", |world, _, ready| world.replicas >= 4 && ready.0 == 200).await;
    stage.end().await;
}

#[tokio::test]
async fn without_metrics_nothing_scales_and_readiness_says_why() {
    let stage = stage(World { replicas: 6, metric: None, ..World::default() }).await;
    stage
        .until("troubled", |_, decisions, ready| {
            ready.0 == 503
                && decisions.len() > 3
                && ready.1.contains("/apis/custom.metrics.k8s.io: 503 Service Unavailable: no scrape was completed yet")
        })
        .await;
    let decisions = stage.decisions().await;
    assert!(decisions.iter().all(|entry| !entry.scaled && entry.desired.is_none() && entry.error.is_some()));
    let last = decisions.last().unwrap();
    assert!(
        last.why.ends_with(": 503 Service Unavailable: no scrape was completed yet. Nothing is changed: 6 replicas stay."),
        "{}",
        last.why
    );
    let active = last.conditions.iter().find(|condition| condition.kind == "ScalingActive").unwrap();
    assert_eq!((active.status.as_str(), active.reason.as_str()), ("False", "FailedGetObjectMetric"));
    assert_eq!(stage.world.lock().unwrap().changes, 0);
    stage.change(|world| world.metric = Some("100"));
    stage.until("ready", |world, _, ready| ready.0 == 200 && world.replicas == 6).await;
    stage.change(|world| world.no_scale = true);
    stage.until("no scale", |_, _, ready| ready.0 == 503 && ready.1.contains("404 Not Found: no such deployment")).await;
    let last = stage.decisions().await.pop().unwrap();
    assert_eq!((last.current, last.desired, last.conditions[0].reason.as_str()), (None, None, "FailedGetScale"));
    stage.end().await;
}
