//! Why a request was not answered, and the Status body that says so: codes, reasons and messages of prometheus-adapter, or
//! what those should have been.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metrics_api::status::StatusCause;
use metrics_api::{Status, StatusDetails};

use super::reply::{self, Wishes};
use super::selector::SelectorError;
use crate::provider::ProviderError;

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Not a path of this API.
    #[error("404 page not found")]
    NoPath,
    /// A path with too few parts.
    #[error("invalid request path")]
    InvalidPath,
    /// Not GET.
    #[error("the server does not allow this method on the requested resource")]
    Method,
    /// A format that is not spoken here.
    #[error("only the following media types are accepted: application/json")]
    NotAcceptable,
    /// A query string that is none.
    #[error("the query string cannot be read: {0}")]
    Query(String),
    /// A selector that is none.
    #[error("{parameter}: {source}")]
    Selector {
        /// The parameter.
        parameter: &'static str,
        /// What is wrong with it.
        source: SelectorError,
    },
    /// No such metric, no value, or a fault behind.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl Failure {
    /// The answer that says so.
    pub fn response(self, wishes: &Wishes) -> Response {
        let (code, reason) = match &self {
            // As the reference answers it, so that probes for a version see the same.
            Self::NoPath => {
                let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
                return (StatusCode::NOT_FOUND, [kind], format!("{self}\n")).into_response();
            }
            Self::InvalidPath | Self::Query(_) | Self::Selector { .. } => (400, "BadRequest"),
            Self::Method => (405, "MethodNotAllowed"),
            Self::NotAcceptable => (406, "NotAcceptable"),
            Self::Provider(ProviderError::Source(source)) => {
                tracing::error!(error = %source, "cannot answer a question");
                let mut status = Status::failure(500, "InternalError", "Internal error occurred: unable to fetch metrics");
                let causes = vec![StatusCause { message: source.to_string() }];
                status.details = Some(StatusDetails { causes, ..StatusDetails::default() });
                return reply::json(500, &status, wishes);
            }
            Self::Provider(_) => (404, "NotFound"),
        };
        reply::json(code, &Status::failure(code, reason, self.to_string()), wishes)
    }
}
