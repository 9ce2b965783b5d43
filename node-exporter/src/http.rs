//! The HTTP side, as `node_exporter` has it: the telemetry path with `collect[]` and `exclude[]`, a landing page, probes.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::exposition::CONTENT_TYPE;
use crate::scrape::{Requests, Scraper};

/// What a scrape may take when the caller names no time: the default of a mount (5 s) and half a second more, well within
/// Prometheus' default of 10 s.
const DEADLINE: Duration = Duration::from_millis(5500);
/// Of the time that Prometheus gives, this is left for the way and the writing.
const MARGIN: Duration = Duration::from_millis(500);
/// However little time Prometheus gives, a healthy collector needs less than this.
const SHORTEST: Duration = Duration::from_millis(100);
/// However much it gives, nobody waits longer.
const LONGEST: Duration = Duration::from_mins(2);
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// What the handlers share.
pub struct Exporter {
    /// The collectors.
    pub scraper: Scraper,
    /// Counts of scrapes.
    pub requests: Requests,
    /// Scrapes at once; 0: as many as come.
    pub max_requests: usize,
    /// Whether `process_*` and `promhttp_*` are shown.
    pub exporter_metrics: bool,
}

/// All routes. With the telemetry path `/` metrics answer on every path but the probes'.
pub fn router(exporter: Arc<Exporter>, telemetry_path: &str) -> Router {
    let probes = Router::new().route("/-/healthy", get(|| async { "Healthy\n" })).route("/-/ready", get(|| async { "Ready\n" }));
    let router = if telemetry_path == "/" {
        probes.fallback(metrics)
    } else {
        let page = landing_page(telemetry_path);
        probes.route(telemetry_path, any(metrics)).route("/", any(move || async move { Html(page) }))
    };
    router.with_state(exporter)
}

async fn metrics(
    State(exporter): State<Arc<Exporter>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let response = answer(&exporter, &query, &headers).await;
    exporter.requests.answered(response.status().as_u16());
    response
}

async fn answer(exporter: &Exporter, query: &[(String, String)], headers: &HeaderMap) -> Response {
    // Held until the answer is made; a client that goes away drops this whole future.
    let Some(_in_flight) = exporter.requests.begin(exporter.max_requests) else {
        let text = format!("Limit of concurrent requests reached ({}), try again later.\n", exporter.max_requests);
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let wanted = match wanted(exporter.scraper.names(), query) {
        Ok(wanted) => wanted,
        Err(problem) => return (StatusCode::BAD_REQUEST, problem).into_response(),
    };
    let requests = exporter.exporter_metrics.then_some(&exporter.requests);
    let (text, contradictions) = exporter.scraper.scrape(&wanted, deadline(headers), requests).await;
    if contradictions > 0 {
        exporter.requests.contradicted();
    }
    if accepts_gzip(headers)
        && let Ok(packed) = pack(&text)
    {
        return (
            [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CONTENT_ENCODING, "gzip"), (header::VARY, "Accept-Encoding")],
            packed,
        )
            .into_response();
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE), (header::VARY, "Accept-Encoding")], text).into_response()
}

// Which of the collectors `names` a request wants; no filter means all.
fn wanted(names: &[&'static str], query: &[(String, String)]) -> Result<Vec<bool>, String> {
    let values = |key: &str| query.iter().filter(|pair| pair.0 == key).map(|pair| pair.1.as_str()).collect::<Vec<_>>();
    let (collect, exclude) = (values("collect[]"), values("exclude[]"));
    if !collect.is_empty() && !exclude.is_empty() {
        return Err("Combined collect and exclude queries are not allowed.\n".to_owned());
    }
    if let Some(unknown) = collect.iter().find(|name| !names.contains(*name)) {
        let known = crate::collector::ALL.iter().any(|entry| entry.name == *unknown);
        let problem = if known {
            "disabled collector: it is not switched on by flags"
        } else {
            "missing collector: there is none of this name"
        };
        return Err(format!("Couldn't create filtered metrics handler: {problem}: {unknown}\n"));
    }
    Ok(names.iter().map(|name| (collect.is_empty() || collect.contains(name)) && !exclude.contains(name)).collect())
}

fn deadline(headers: &HeaderMap) -> Duration {
    let given = headers.get(TIMEOUT_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
    let given = given.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|given| !given.is_zero());
    given.map_or(DEADLINE, |given| given.saturating_sub(MARGIN).clamp(SHORTEST, LONGEST))
}

// Whether gzip is among the encodings taken, and not with the weight 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let encodings = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    encodings.into_iter().any(|encoding| {
        let mut parts = encoding.split(';').map(str::trim);
        let refused = |weight: &str| {
            weight.strip_prefix("q=").and_then(|weight| weight.parse().ok()).is_some_and(|weight: f32| weight <= 0.0)
        };
        matches!(parts.next(), Some("gzip" | "x-gzip" | "*")) && !parts.any(refused)
    })
}

fn pack(text: &[u8]) -> std::io::Result<Vec<u8>> {
    // The fastest level: a scrape goes over the wire once, and this is paid on every node.
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 6), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}

fn landing_page(telemetry_path: &str) -> String {
    let path = telemetry_path.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Node Exporter</title>\n<style>:root {{ color-scheme: light dark; font-family: sans-serif }} body {{ max-width: 40rem; margin: 2rem auto; padding: 0 1rem }}</style>\n\
         <h1>Node Exporter</h1>\n<p>binnacle node-exporter {version}: what this machine's kernel says, for Prometheus.\n\
         <ul>\n<li><a href=\"{path}\">Metrics</a>\n<li><a href=\"/-/healthy\">Health</a>\n</ul>\n</html>\n"
    )
}

#[cfg(test)]
mod tests;
