//! The small part of Kubernetes' API that the autoscaler and the scraper need, answered from the local Deployment: its
//! scale, its pods, and its pods as scrape targets. What is not asked for here is not there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::replicas::{Deployment, NAME, NAMESPACE, Replica};

/// The label that ties pods, Deployment and Service together.
const LABEL: &str = "app";
/// More replicas than this machine should ever be asked for, whatever an autoscaler's file says.
pub const MAX_REPLICAS: u32 = 100;

/// All routes.
pub fn router(deployment: Arc<Deployment>) -> Router {
    Router::new()
        .route(&format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}/scale"), get(scale).put(set_scale))
        .route(&format!("/api/v1/namespaces/{NAMESPACE}/pods"), get(pods))
        .route("/api/targets", get(targets))
        .route("/apis/{*path}", get(nothing).put(nothing))
        .route("/api/v1/{*path}", get(nothing))
        .with_state(deployment)
}

fn selector() -> String {
    format!("{LABEL}={NAME}")
}

async fn scale(State(deployment): State<Arc<Deployment>>) -> Json<Value> {
    Json(scale_of(&deployment))
}

fn scale_of(deployment: &Deployment) -> Value {
    let (replicas, version) = deployment.scale();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "resourceVersion": version.to_string()},
        "spec": {"replicas": replicas},
        "status": {"replicas": deployment.replicas().len(), "selector": selector()},
    })
}

/// What is read of a Scale that someone puts.
#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    metadata: WishMetadata,
    spec: WishSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WishMetadata {
    #[serde(default)]
    resource_version: String,
}

#[derive(Deserialize)]
struct WishSpec {
    #[serde(default)]
    replicas: u32,
}

async fn set_scale(State(deployment): State<Arc<Deployment>>, body: String) -> Response {
    let wish: Wish = match serde_json::from_str(&body) {
        Ok(wish) => wish,
        Err(error) => return failure(StatusCode::BAD_REQUEST, "BadRequest", &format!("this is no Scale: {error}")),
    };
    if wish.spec.replicas > MAX_REPLICAS {
        let message = format!("spec.replicas: {} is more than the {MAX_REPLICAS} that this machine takes", wish.spec.replicas);
        return failure(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", &message);
    }
    let version = match wish.metadata.resource_version.as_str() {
        "" => None,
        // A version that is no number is none that this server gave out.
        version => Some(version.parse().unwrap_or(0)),
    };
    match deployment.set_scale(wish.spec.replicas, version) {
        Ok(()) => Json(scale_of(&deployment)).into_response(),
        Err(_) => {
            let message = format!("the scale of {NAME} was changed since it was read: read it again");
            failure(StatusCode::CONFLICT, "Conflict", &message)
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    label_selector: Option<String>,
}

async fn pods(State(deployment): State<Arc<Deployment>>, Query(wanted): Query<Wanted>) -> Json<Value> {
    let ours = wanted.label_selector.is_none_or(|wanted| wanted.is_empty() || wanted == selector());
    let replicas = if ours { deployment.replicas() } else { Vec::new() };
    let items: Vec<Value> = replicas.iter().map(|replica| pod(replica)).collect();
    Json(json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": ""}, "items": items}))
}

fn pod(replica: &Replica) -> Value {
    let time = |millis: i64| Timestamp::from_millisecond(millis).map(|time| format!("{time:.0}")).unwrap_or_default();
    let (ready, since) = replica.readiness();
    let deleted = replica.terminating.load(Ordering::Relaxed).then(|| time(since));
    let mut metadata = json!({
        "name": replica.pod, "namespace": NAMESPACE, "uid": replica.uid, "labels": {LABEL: NAME},
        "creationTimestamp": time(replica.since),
    });
    if let Some(deleted) = deleted {
        metadata["deletionTimestamp"] = deleted.into();
    }
    let status = if ready { "True" } else { "False" };
    json!({
        "metadata": metadata,
        "spec": {"containers": [{"name": NAME, "resources": {}}]},
        "status": {
            "phase": if replica.pid.load(Ordering::Relaxed) == 0 { "Pending" } else { "Running" },
            "startTime": time(replica.since),
            "conditions": [{"type": "Ready", "status": status, "lastTransitionTime": time(since)}],
        },
    })
}

/// As Prometheus' HTTP service discovery takes them: a group a pod.
async fn targets(State(deployment): State<Arc<Deployment>>) -> Json<Value> {
    let group = |replica: &Arc<Replica>| {
        json!({
            "targets": [replica.address.to_string()],
            "labels": {"namespace": NAMESPACE, "service": NAME, "pod": replica.pod},
        })
    };
    Json(deployment.ready().iter().map(group).collect())
}

async fn nothing(request: axum::extract::Request) -> Response {
    failure(
        StatusCode::NOT_FOUND,
        "NotFound",
        &format!("the server could not find the requested resource {}", request.uri().path()),
    )
}

/// A Kubernetes Status.
fn failure(code: StatusCode, reason: &str, message: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    (code, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
