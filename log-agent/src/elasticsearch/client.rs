//! HTTP to Elasticsearch: which server it is, and one bulk request. It retries nothing and judges no items.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::answer::{Answer, AnswerReader};
use super::target::Target;

/// A connection that is not there by then is not coming.
const CONNECT: Duration = Duration::from_secs(5);
/// A bulk request may wait in a busy server's queue; later its answer is of no use, and sending again is harmless.
const DEADLINE: Duration = Duration::from_secs(60);
/// The greeting has nothing to wait for.
const PING: Duration = Duration::from_secs(10);
/// Servers close quiet connections, some after 10 s; using one that is just being closed costs a failed request.
const KEEP_IDLE: Duration = Duration::from_secs(8);
/// Of an answer that is an error, so much is shown.
const SHOWN_REASON_BYTES: usize = 300;
/// Of such an answer, so much is read to find its reason.
const READ_REASON_BYTES: usize = 64 * 1024;
/// Only what is judged comes back: statuses, and the reasons of those that failed.
const FILTER: &str = "errors,items.*.status,items.*.error.type,items.*.error.reason";

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS cannot be set up, or the URL has no room for a path.
    #[error("--elasticsearch: cannot use {url}: {reason}")]
    Unusable {
        /// The server.
        url: Url,
        /// Why not.
        reason: String,
    },
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection, or it broke, or time ran out.
    #[error("{0}")]
    Connection(String),
    /// The server answered with an error.
    #[error("answers {status}: {reason}")]
    Status {
        /// Its status.
        status: StatusCode,
        /// Its own words.
        reason: String,
    },
    /// The server answered with success, and not what Elasticsearch answers.
    #[error("its answer cannot be understood: {0}")]
    Answer(String),
}

/// One server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    target: Target,
    bulk: Url,
}

#[derive(Deserialize)]
struct Greeting {
    version: Version,
}

#[derive(Deserialize)]
struct Version {
    number: String,
    #[serde(default)]
    distribution: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: &'a serde_json::value::RawValue,
}

impl Client {
    /// A client for `target`. No proxy is asked, and no redirect followed: lines go where the flag says.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(target: Target) -> Result<Self, ClientError> {
        let unusable = |reason: String| ClientError::Unusable { url: target.url.clone(), reason };
        daemon::tls::install_crypto();
        let mut headers = HeaderMap::new();
        if let Some(authorization) = &target.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let mut builder = reqwest::Client::builder().user_agent(concat!("binnacle-log-agent/", env!("CARGO_PKG_VERSION")));
        if target.url.scheme() == "http" {
            // The system's certificates would cost a megabyte, and nobody asks for them.
            builder = builder.tls_certs_only([]);
        }
        let builder = builder.default_headers(headers).no_proxy().redirect(reqwest::redirect::Policy::none()).http1_only();
        let builder = builder.connect_timeout(CONNECT).pool_idle_timeout(KEEP_IDLE).pool_max_idle_per_host(super::AT_ONCE);
        let http = builder.build().map_err(|error| unusable(root_cause(&error)))?;
        let mut bulk = target.url.clone();
        bulk.path_segments_mut()
            .map_err(|()| unusable("it has no path".to_owned()))?
            .pop_if_empty()
            .extend([&target.index, "_bulk"]);
        bulk.query_pairs_mut().append_pair("filter_path", FILTER);
        Ok(Self { http, target, bulk })
    }

    /// The server as it may be shown.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.target.url.as_str()
    }

    /// Asks which server it is: product and version.
    ///
    /// # Errors
    /// It does not answer, or is no Elasticsearch.
    pub async fn ping(&self) -> Result<String, Failure> {
        let response = self.http.get(self.target.url.clone()).timeout(PING).send().await.map_err(connection)?;
        let status = response.status();
        if status == StatusCode::FORBIDDEN {
            // Some users may write and not ask; whether this one may is for the first bulk request to tell.
            return Ok("a server that does not tell its version".to_owned());
        }
        let body = head(response).await?;
        if !status.is_success() {
            return Err(Failure::Status { status, reason: reason(&body) });
        }
        let Greeting { version: Version { number, distribution } } = serde_json::from_slice(&body)
            .map_err(|_| Failure::Answer(format!("no Elasticsearch greets with {:?}", text(&body))))?;
        Ok(format!("{} {number}", distribution.as_deref().unwrap_or("elasticsearch")))
    }

    /// Sends one bulk request of `items` items.
    ///
    /// # Errors
    /// Nothing is known of any of its items.
    pub async fn bulk(&self, body: Bytes, items: usize) -> Result<Answer, Failure> {
        let request = self.http.post(self.bulk.clone()).timeout(DEADLINE).header(CONTENT_TYPE, "application/x-ndjson");
        let request = if self.target.gzip {
            let packed =
                tokio::task::spawn_blocking(move || pack(&body)).await.map_err(|error| Failure::Connection(error.to_string()))?;
            request.header(CONTENT_ENCODING, "gzip").body(packed.map_err(|error| Failure::Connection(error.to_string()))?)
        } else {
            request.body(body)
        };
        let mut response = request.send().await.map_err(connection)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure::Status { status, reason: reason(&head(response).await?) });
        }
        let mut reader = AnswerReader::new(items);
        while let Some(chunk) = response.chunk().await.map_err(connection)? {
            reader.feed(&chunk).map_err(Failure::Answer)?;
        }
        reader.finish().map_err(Failure::Answer)
    }
}

fn pack(body: &[u8]) -> std::io::Result<Vec<u8>> {
    // The fastest level: the bodies are long and much alike, so the slower ones gain little.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// The beginning of an answer's body.
async fn head(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(connection)? {
        body.extend_from_slice(&chunk[..chunk.len().min(READ_REASON_BYTES - body.len())]);
        if body.len() == READ_REASON_BYTES {
            break;
        }
    }
    Ok(body)
}

/// What an error's body says: its type and reason, or its first words.
fn reason(body: &[u8]) -> String {
    let parsed = serde_json::from_slice::<ErrorBody>(body).ok().map(|body| super::verdict::reason_of(body.error.get()));
    shortened(parsed.unwrap_or_else(|| text(body)))
}

fn text(body: &[u8]) -> String {
    shortened(String::from_utf8_lossy(&body[..body.len().min(SHOWN_REASON_BYTES)]).trim().to_owned())
}

fn shortened(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(SHOWN_REASON_BYTES));
    reason
}

fn connection(error: reqwest::Error) -> Failure {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the connection broke"
    };
    Failure::Connection(format!("{kind}: {}", root_cause(&error)))
}

/// The innermost cause: the outer ones repeat the URL.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
