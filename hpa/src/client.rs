//! Requests to API servers: JSON in, JSON out, with a deadline and a bounded answer, and errors that name the URL and say what
//! happened. It knows neither scales nor metrics, and tries nothing again.

use std::time::Duration;

use reqwest::Certificate;
pub use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A third of the default sync period: a server that hangs must not cost more than one sync.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A namespace of 5,000 pods is about 50 MB of JSON.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// As much of a server's words as a person reads.
const MAX_REASON_CHARS: usize = 300;

/// A client of one API server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

/// How the server proves who it is.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Take any certificate.
    pub insecure: bool,
    /// The only authorities that count, as PEM; none: those of the system.
    pub authority: Option<Vec<u8>>,
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot make a client of {url}: {reason}: give --certificate-authority a file with PEM certificates, or --insecure-skip-tls-verify"
)]
pub struct ClientError {
    url: Url,
    reason: String,
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No answer, or half of one.
    #[error("{method} {url}: {reason}")]
    NoAnswer {
        /// The method.
        method: Method,
        /// The URL.
        url: Url,
        /// What happened.
        reason: String,
    },
    /// The server refused.
    #[error("{method} {url}: {status}: {reason}")]
    Refused {
        /// The method.
        method: Method,
        /// The URL.
        url: Url,
        /// The code.
        status: StatusCode,
        /// The server's words.
        reason: String,
    },
    /// The answer makes no sense.
    #[error("{method} {url}: the answer is not what was asked for: {reason}")]
    Nonsense {
        /// The method.
        method: Method,
        /// The URL.
        url: Url,
        /// What is wrong with it.
        reason: String,
    },
}

impl RequestError {
    /// Whether the server holds a newer version of what was to be changed.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::CONFLICT)
    }
}

impl Client {
    /// A client of the server at `base`.
    ///
    /// # Errors
    /// The certificates cannot be used.
    pub fn new(base: Url, trust: &Trust) -> Result<Self, ClientError> {
        daemon::tls::install_crypto();
        let wrong = |error: reqwest::Error| ClientError { url: base.clone(), reason: root_cause(&error) };
        // API servers are near: a proxy for the outer world must not stand between, and none of them redirects.
        let builder = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().redirect(reqwest::redirect::Policy::none());
        let builder = match (&trust.authority, base.scheme()) {
            _ if trust.insecure => builder.tls_danger_accept_invalid_certs(true),
            (Some(pem), _) => builder.tls_certs_only(Certificate::from_pem_bundle(pem).map_err(wrong)?),
            (None, "https") => builder,
            // A machine without certificates can still speak plain HTTP.
            (None, _) => builder.tls_certs_only([]),
        };
        let http = builder.user_agent(concat!("hpa/", env!("CARGO_PKG_VERSION"))).build().map_err(wrong)?;
        Ok(Self { http, base })
    }

    /// The URL of these path segments and query.
    #[must_use]
    pub fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        // Flags take only URLs that can have a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// What is at `url`.
    ///
    /// # Errors
    /// No answer, a refusal, or an answer of another shape.
    pub async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, RequestError> {
        self.send(Method::GET, url, None).await
    }

    /// Replaces what is at `url`.
    ///
    /// # Errors
    /// As for [`Client::get`]; a conflict is a refusal.
    pub async fn put<T: DeserializeOwned>(&self, url: Url, body: &Value) -> Result<T, RequestError> {
        self.send(Method::PUT, url, Some(body)).await
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, url: Url, body: Option<&Value>) -> Result<T, RequestError> {
        let no_answer = |error: reqwest::Error| RequestError::NoAnswer {
            method: method.clone(),
            url: url.clone(),
            reason: root_cause(&error),
        };
        let mut request = self.http.request(method.clone(), url.clone());
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut answer = request.send().await.map_err(no_answer)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                let reason = format!("it is longer than {} MiB", MAX_ANSWER_BYTES >> 20);
                return Err(RequestError::Nonsense { method, url, reason });
            }
            bytes.extend_from_slice(&chunk);
        }
        let status = answer.status();
        if !status.is_success() {
            return Err(RequestError::Refused { method, url, status, reason: words(&bytes) });
        }
        serde_json::from_slice(&bytes).map_err(|error| RequestError::Nonsense { method, url, reason: error.to_string() })
    }
}

/// What a server says of its refusal: the message of a Status, else the beginning of the body.
fn words(body: &[u8]) -> String {
    let status: Option<metrics_api::Status> = serde_json::from_slice(body).ok();
    let text = status.map(|status| status.message).filter(|message| !message.is_empty());
    let text = text.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned());
    if text.is_empty() { "no reason given".to_owned() } else { text.chars().take(MAX_REASON_CHARS).collect() }
}

/// The innermost reason of a failed request: the outer ones repeat the URL.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
