//! One GET, bounded in time and size: the only place where the scraper touches the network.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use tokio::sync::Semaphore;

use super::exposition::Format;

/// Largest body: a hundred thousand samples of eighty bytes.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// All bodies under way together, so that no crowd of large or slow targets can eat the machine.
const MAX_BYTES_IN_FLIGHT: usize = 64 * 1024 * 1024;
/// What is taken from that at a time.
const GRAIN_BYTES: usize = 64 * 1024;
/// As Prometheus asks, without the formats that are not read here.
const ACCEPTED: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";
const TIMEOUT_HEADER: &str = "X-Prometheus-Scrape-Timeout-Seconds";

/// An answer that did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection, or it broke.
    #[error("{0}")]
    Network(String),
    /// Not within the time.
    #[error("no complete answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// Anything but 200.
    #[error("it answers {0}")]
    Status(reqwest::StatusCode),
    /// Far too large.
    #[error("the answer is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
}

/// No client can be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make an HTTP client: {0}")]
pub struct ClientError(String);

/// A body and its format.
#[derive(Debug)]
pub struct Fetched {
    /// The body.
    pub body: Vec<u8>,
    /// What it says it is.
    pub format: Format,
}

/// A client with its bound on memory.
#[derive(Debug)]
pub struct Fetcher {
    client: reqwest::Client,
    grains: Semaphore,
    timeout: Duration,
}

impl Fetcher {
    /// A fetcher that waits `timeout` for a complete answer.
    ///
    /// # Errors
    /// No client can be made.
    pub fn new(timeout: Duration) -> Result<Self, ClientError> {
        daemon::tls::install_crypto();
        let client = reqwest::Client::builder()
            .user_agent(concat!("binnacle-metrics-adapter/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            // Targets are scraped over http, so the machine's certificates are not worth their memory.
            .tls_certs_only([])
            .build()
            .map_err(|error| ClientError(error.to_string()))?;
        Ok(Self { client, grains: Semaphore::new(MAX_BYTES_IN_FLIGHT / GRAIN_BYTES), timeout })
    }

    /// The body at `url`.
    ///
    /// # Errors
    /// It does not come whole, in time, with status 200.
    pub async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        tokio::time::timeout(self.timeout, self.whole(url)).await.unwrap_or(Err(FetchError::Timeout(self.timeout)))
    }

    async fn whole(&self, url: &str) -> Result<Fetched, FetchError> {
        let request = self.client.get(url).header(ACCEPT, ACCEPTED);
        let request = request.header(TIMEOUT_HEADER, self.timeout.as_secs_f64().to_string());
        let mut answer = request.send().await.map_err(|error| network(&error))?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_open = kind.trim_start().starts_with("application/openmetrics-text");
        let format = if is_open { Format::OpenMetrics } else { Format::Prometheus };
        let mut body = Vec::new();
        let mut held = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| network(&error))? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(FetchError::TooLarge);
            }
            while held.len() * GRAIN_BYTES < body.len() + chunk.len() {
                // The semaphore is never closed.
                held.push(self.grains.acquire().await.map_err(|error| FetchError::Network(error.to_string()))?);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { body, format })
    }
}

/// The deepest cause: "connection refused" says more than "error sending request".
fn network(error: &reqwest::Error) -> FetchError {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    FetchError::Network(cause.to_string())
}
