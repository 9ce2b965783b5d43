//! The page and what it asks for. All of the page is in the binary: a browser needs nothing from the internet. It shows and
//! passes on; what is shown is put together elsewhere.

use std::sync::{Arc, PoisonError};

use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::load::Change;
use super::stack::Stack;
use super::{cluster, log_sink, state};

/// Everything that the page is made of.
const ASSETS: [(&str, &str, &str); 11] = [
    ("/", "text/html; charset=utf-8", include_str!("../dashboard/page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("../dashboard/page.css")),
    ("/page.js", JAVASCRIPT, include_str!("../dashboard/page.js")),
    ("/api.js", JAVASCRIPT, include_str!("../dashboard/api.js")),
    ("/chart.js", JAVASCRIPT, include_str!("../dashboard/chart.js")),
    ("/dom.js", JAVASCRIPT, include_str!("../dashboard/dom.js")),
    ("/load.js", JAVASCRIPT, include_str!("../dashboard/load.js")),
    ("/logs.js", JAVASCRIPT, include_str!("../dashboard/logs.js")),
    ("/panels.js", JAVASCRIPT, include_str!("../dashboard/panels.js")),
    ("/story.js", JAVASCRIPT, include_str!("../dashboard/story.js")),
    ("/theme.js", JAVASCRIPT, include_str!("../dashboard/theme.js")),
];
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// Nothing but the page's own files may be loaded or asked.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page, its data, and the cluster's API beside it.
pub fn router(stack: Arc<Stack>) -> Router {
    let data = Router::new()
        .route("/api/state", get(|State(stack): State<Arc<Stack>>| async move { Json(state::document(&stack)) }))
        .route("/api/history", get(history))
        .route("/api/search", get(search))
        .route("/api/part-log", get(part_log))
        .route("/api/load", get(|State(stack): State<Arc<Stack>>| async move { Json(stack.load.script()) }).post(change_load))
        .with_state(stack.clone());
    let page = ASSETS.iter().fold(Router::new(), |page, (path, kind, text)| page.route(path, get(move || asset(kind, text))));
    page.merge(data).merge(cluster::router(stack.deployment.clone()))
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    let fixed = HeaderValue::from_static;
    let headers = [
        (header::CONTENT_TYPE, fixed(kind)),
        (header::CONTENT_SECURITY_POLICY, fixed(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        // Another version of the binary has another page.
        (header::CACHE_CONTROL, fixed("no-cache")),
    ];
    (headers, text).into_response()
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: i64,
}

async fn history(State(stack): State<Arc<Stack>>, Query(Since { since }): Query<Since>) -> Json<Value> {
    Json(stack.history.lock().unwrap_or_else(PoisonError::into_inner).since(since))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
    #[serde(default = "all_hits")]
    size: usize,
}

const fn all_hits() -> usize {
    log_sink::MAX_HITS
}

async fn search(State(stack): State<Arc<Stack>>, Query(Search { q, size }): Query<Search>) -> Response {
    match stack.sink.search(&q, size).await {
        Ok(found) => Json(found).into_response(),
        Err(error) => refused(StatusCode::BAD_GATEWAY, &error),
    }
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

async fn part_log(State(stack): State<Arc<Stack>>, Query(Name { name }): Query<Name>) -> Response {
    match stack.parts.iter().find(|part| part.status().name == name) {
        Some(part) => part.log().into_response(),
        None => refused(StatusCode::NOT_FOUND, &format!("there is no part {name:?}")),
    }
}

/// Takes JSON only: another site's page cannot send that without asking first, and is not answered.
async fn change_load(State(stack): State<Arc<Stack>>, Json(change): Json<Change>) -> Response {
    match stack.load.change(change) {
        Ok(()) => Json(stack.load.script()).into_response(),
        Err(error) => refused(StatusCode::BAD_REQUEST, &error),
    }
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({"error": error}))).into_response()
}
