//! The HTTP side: routes, bodies, and answers in Elasticsearch's shapes. What is long is done elsewhere: bulk bodies by the
//! writer's thread, searches on threads of their own.

mod body;
mod gate;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use daemon::admin::Readiness;
use jiff::Timestamp;
use serde_json::{Value, json};
use tantivy::Searcher;

use super::bulk;
use super::data_directory::DataDirectory;
use super::document::Fields;
use super::failure::Failure;
use super::metrics::Metrics;
use super::query::Language;
use super::search;
use super::search_request::SearchRequest;
use super::writer::{Bulks, MAX_BODY_BYTES};

use gate::Gate;

/// The longest body of a search: ten thousand values in a `terms` query.
const MAX_SEARCH_BODY_BYTES: usize = 1 << 20;
/// The version of Elasticsearch whose answers these are. Clients refuse to speak to one they do not know.
const SPOKEN_VERSION: &str = "8.17.0";
/// Official clients look for this in every answer.
const PRODUCT: (&str, HeaderValue) = ("x-elastic-product", HeaderValue::from_static("Elasticsearch"));

/// What the handlers share.
struct Store {
    directory: Arc<DataDirectory>,
    bulks: Bulks,
    metrics: Metrics,
    readiness: Readiness,
    gate: Gate,
}

type Shared = State<Arc<Store>>;
type Parameters = Query<Vec<(String, String)>>;

/// All routes of the store.
pub fn router(directory: Arc<DataDirectory>, bulks: Bulks, metrics: Metrics, readiness: Readiness) -> Router {
    let store = Arc::new(Store { directory, bulks, metrics, readiness, gate: Gate::default() });
    Router::new()
        .route("/", get(info))
        .route("/_bulk", post(bulk).put(bulk))
        .route("/{index}/_bulk", post(bulk).put(bulk))
        .route("/_count", get(count).post(count))
        .route("/{index}/_count", get(count).post(count))
        .route("/_search", get(search).post(search))
        .route("/{index}/_search", get(search).post(search))
        .route("/_refresh", get(refresh).post(refresh))
        .route("/{index}/_refresh", get(refresh).post(refresh))
        .route("/_cat/indices", get(indices))
        .route("/_cluster/health", get(health))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(axum::middleware::from_fn(only_json))
        .layer(axum::middleware::map_response(name_product))
        .with_state(store)
}

async fn name_product(mut response: Response) -> Response {
    response.headers_mut().insert(PRODUCT.0, PRODUCT.1);
    response
}

/// Bodies must say that they are JSON, as Elasticsearch wants it: another site's page in a browser can send any other kind
/// without asking first.
async fn only_json(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_json = kind.split(';').next().is_some_and(|kind| ["json", "ndjson"].iter().any(|end| kind.trim().ends_with(end)));
    if has_body && !is_json {
        let reason = format!("Content-Type header [{kind}] is not supported: send application/json or application/x-ndjson");
        return Failure::new(StatusCode::NOT_ACCEPTABLE, "content_type_header_exception", reason).into_response();
    }
    next.run(request).await
}

async fn unknown(method: Method, uri: Uri) -> Failure {
    Failure::argument(format!("{method} {} is not understood by this store", uri.path()))
}

fn json_body(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

fn json_value(value: &Value) -> Response {
    json_body(value.to_string().into_bytes())
}

async fn info() -> Response {
    json_value(&json!({
        "name": "log-store",
        "cluster_name": "binnacle",
        "cluster_uuid": "binnacle-log-store",
        "version": {
            "number": SPOKEN_VERSION,
            "build_flavor": "binnacle",
            "build_version": env!("CARGO_PKG_VERSION"),
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "the embedded log store of Binnacle; it speaks a small part of Elasticsearch's API",
    }))
}

async fn bulk(State(store): Shared, index: Option<Path<String>>, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    store.bulk(name(index), &headers, body).await
}

async fn search(
    State(store): Shared,
    index: Option<Path<String>>,
    Query(given): Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    store.search(name(index), given, &headers, body).await
}

async fn count(
    State(store): Shared,
    index: Option<Path<String>>,
    Query(given): Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    store.count(name(index), given, &headers, body).await
}

/// The index that a path names, if it names one.
fn name(index: Option<Path<String>>) -> Option<String> {
    index.map(|Path(index)| index)
}

/// What was answered can be searched already.
async fn refresh() -> Response {
    json_value(&json!({ "_shards": search::shards() }))
}

async fn indices(State(store): Shared) -> Result<Response, Failure> {
    store
        .reading(|searcher, fields| {
            let indices = search::indices(searcher, &fields).map_err(|error| search::failed(&error))?;
            let row = |(name, documents): (String, usize)| {
                json!({
                    "health": "green", "status": "open", "index": name, "pri": "1", "rep": "0",
                    "docs.count": documents.to_string(),
                })
            };
            Ok(Value::Array(indices.into_iter().map(row).collect()).to_string().into_bytes())
        })
        .await
        .map(json_body)
}

async fn health(State(store): Shared) -> Response {
    let status = if store.readiness.get().is_ok() { "green" } else { "red" };
    json_value(&json!({
        "cluster_name": "binnacle", "status": status, "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
        "active_primary_shards": 1, "active_shards": 1, "relocating_shards": 0, "initializing_shards": 0, "unassigned_shards": 0,
    }))
}

impl Store {
    async fn bulk(&self, index: Option<String>, headers: &HeaderMap, body: Body) -> Result<Response, Failure> {
        let begun = Instant::now();
        let refused = |failure: &Failure| self.metrics.refused(failure);
        let length = body::length(headers, MAX_BODY_BYTES).inspect_err(refused)?;
        let room = self.bulks.reserve(length).inspect_err(refused)?;
        let body = body::read(headers, body, MAX_BODY_BYTES).await.inspect_err(refused)?;
        let room = self.bulks.enlarge(room, body.len()).inspect_err(refused)?;
        let verdicts = self.bulks.submit(body, index, room).await?;
        Ok(json_body(bulk::answer(&verdicts, begun.elapsed())))
    }

    async fn search(
        &self,
        index: Option<String>,
        given: Vec<(String, String)>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Failure> {
        let body = body::read(headers, body, MAX_SEARCH_BODY_BYTES).await?;
        let searched = self.reading(move |searcher, fields| {
            let language = Language::new(fields, Timestamp::now());
            let request = SearchRequest::search(index.as_deref(), &given, &body, &language)?;
            search::search(searcher, &fields, &request)
        });
        searched.await.map(json_body)
    }

    async fn count(
        &self,
        index: Option<String>,
        given: Vec<(String, String)>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Failure> {
        let body = body::read(headers, body, MAX_SEARCH_BODY_BYTES).await?;
        let counted = self.reading(move |searcher, fields| {
            let language = Language::new(fields, Timestamp::now());
            let query = SearchRequest::count(index.as_deref(), &given, &body, &language)?;
            search::count(searcher, query.as_ref())
        });
        counted.await.map(json_body)
    }

    /// Reads the index on a thread that may wait for the disk, when it is its turn.
    async fn reading<F>(&self, read: F) -> Result<Vec<u8>, Failure>
    where
        F: FnOnce(&Searcher, Fields) -> Result<Vec<u8>, Failure> + Send + 'static,
    {
        let turn = self.gate.enter().await?;
        let begun = Instant::now();
        let (searcher, fields) = (self.directory.searcher(), self.directory.fields());
        // The turn ends with the reading, even if nobody waits for it any more.
        let reading = tokio::task::spawn_blocking(move || {
            let answer = read(&searcher, fields);
            drop(turn);
            answer
        });
        let answer = reading.await.unwrap_or_else(|error| {
            let reason = format!("the search ended badly: {error}");
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "search_phase_execution_exception", reason))
        });
        self.metrics.searched(begun.elapsed(), answer.as_ref().err());
        answer
    }
}
