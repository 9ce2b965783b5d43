//! Asks servers on this machine over HTTP, for tests that are plain functions. Any certificate is accepted: the stack's
//! own is self-signed.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// A server on this machine that says nothing for so long is taken for hung.
const LIMIT: Duration = Duration::from_secs(10);

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The whole body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// It is none; the message has the beginning of the body.
    pub fn json(&self) -> Result<Value, String> {
        let beginning = || self.body.chars().take(200).collect::<String>();
        serde_json::from_str(&self.body).map_err(|error| format!("{error} in the answer {} {:?}", self.status, beginning()))
    }
}

/// Gets `url`.
///
/// # Errors
/// No answer came.
pub fn get(url: &str) -> Result<Answer, String> {
    ask(Method::GET, url, None)
}

/// Sends `body` as JSON to `url`.
///
/// # Errors
/// No answer came.
pub fn post(url: &str, body: &Value) -> Result<Answer, String> {
    ask(Method::POST, url, Some(body))
}

fn ask(method: Method, url: &str, body: Option<&Value>) -> Result<Answer, String> {
    static CLIENT: OnceLock<(Client, Runtime)> = OnceLock::new();
    let (client, runtime) = CLIENT.get_or_init(|| {
        daemon::tls::install_crypto();
        let client = Client::builder().timeout(LIMIT).danger_accept_invalid_certs(true).no_proxy().build();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        (client.expect("an HTTP client"), runtime.expect("an event loop"))
    });
    runtime.block_on(async {
        let mut request = client.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| format!("no answer from {url}: {error:?}"))?;
        let status = response.status().as_u16();
        let body = response.text().await.map_err(|error| format!("half an answer from {url}: {error:?}"))?;
        Ok(Answer { status, body })
    })
}
