//! A request that failed, in the shape in which Elasticsearch says so. The kinds are Elasticsearch's names, because its
//! clients decide by them; the reasons are our own sentences.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A failed request: status, kind and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status of the answer.
    pub status: StatusCode,
    /// Elasticsearch's name of what went wrong.
    pub kind: &'static str,
    /// One sentence for whoever reads the answer.
    pub reason: String,
}

impl Failure {
    /// A failure of `kind` for `reason`.
    pub fn new(status: StatusCode, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into() }
    }

    /// The request itself is wrong.
    pub fn argument(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "illegal_argument_exception", reason)
    }

    /// The query cannot be understood.
    pub fn parsing(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "parsing_exception", reason)
    }

    /// Too much is under way; the same request may succeed later.
    pub fn busy(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "es_rejected_execution_exception", reason)
    }

    /// The store cannot do it now; the same request may succeed later.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable_exception", reason)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let cause = json!({ "type": self.kind, "reason": self.reason });
        let body = json!({
            "error": { "root_cause": [cause], "type": self.kind, "reason": self.reason },
            "status": self.status.as_u16(),
        });
        (self.status, [(header::CONTENT_TYPE, "application/json; charset=UTF-8")], body.to_string()).into_response()
    }
}
