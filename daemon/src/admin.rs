//! The admin endpoints of every daemon: liveness, readiness, and its own metrics in the Prometheus text format.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::registry::Registry;

/// What `/readyz` answers before the program has done its job for the first time.
pub const STARTING: &str = "starting";

/// Whether the program does its job now, and if not, why; clones share the state.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<Result<(), String>>>);

impl Default for Readiness {
    /// A program that is starting.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Err(STARTING.to_owned()))))
    }
}

impl Readiness {
    /// The program does its job.
    pub fn ready(&self) {
        self.set(Ok(()));
    }

    /// It does not, for this reason: a sentence that names the address, file or flag at fault.
    pub fn troubled(&self, reason: impl Into<String>) {
        self.set(Err(reason.into()));
    }

    /// As it is now.
    ///
    /// # Errors
    /// The reason why the program does not do its job.
    pub fn get(&self) -> Result<(), String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, state: Result<(), String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// `/healthz` (and `/livez`): 200 while the process answers; `/readyz`: 200, or 503 with the reason; `/metrics`: the
/// registry as text.
pub fn router(registry: Arc<Registry>, readiness: Readiness) -> Router {
    Router::new().merge(probes(readiness)).route("/metrics", get(move || metrics(registry)))
}

/// `/healthz`, `/livez` and `/readyz` alone, for servers whose `/metrics` is their product.
pub fn probes(readiness: Readiness) -> Router {
    let ready = move || async move {
        match readiness.get() {
            Ok(()) => (StatusCode::OK, "ok".to_owned()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        }
    };
    Router::new().route("/healthz", get(|| async { "ok" })).route("/livez", get(|| async { "ok" })).route("/readyz", get(ready))
}

async fn metrics(registry: Arc<Registry>) -> impl IntoResponse {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot encode the metrics: {error}")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn check(readiness: &Readiness, expected: (u16, &str)) {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let answer = probes(readiness.clone()).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1000).await.unwrap();
        assert_eq!((status, &body[..]), (expected.0, expected.1.as_bytes()));
    }

    #[tokio::test]
    async fn readiness_says_why_not() {
        let readiness = Readiness::default();
        check(&readiness, (503, "starting")).await;
        readiness.ready();
        check(&readiness, (200, "ok")).await;
        readiness.troubled("no answer from http://es:9200");
        check(&readiness, (503, "no answer from http://es:9200")).await;
    }
}
