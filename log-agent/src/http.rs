//! The HTTP side: probes, metrics, and what the agent is doing as JSON.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use daemon::admin::Readiness;

use crate::health::Health;
use crate::ledger::Ledger;
use crate::metrics;
use crate::state::State;

/// All routes; `output` is the sink's URL.
pub fn router(ledger: Arc<Ledger>, health: Health, readiness: Readiness, output: &str) -> Router {
    let registry = Arc::new(metrics::registry(ledger.clone()));
    let output: Arc<str> = output.into();
    let state = move || async move {
        let now = jiff::Timestamp::now().as_millisecond();
        Json(State::new(&output, ledger.view(), health.error(), now))
    };
    Router::new().route("/state", get(state)).merge(daemon::admin::router(registry, readiness))
}
