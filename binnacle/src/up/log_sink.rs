//! Questions to the log store, embedded or a real Elasticsearch: how many lines of this run it has, and which lines match a
//! query. It asks in Elasticsearch's language and ships nothing.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Client, Url};
use serde::Serialize;
use serde_json::{Value, json};

/// The index that the log agent writes to.
pub const INDEX: &str = "logs";
/// A store that takes longer is taken for gone; the page asks again.
const TIMEOUT: Duration = Duration::from_secs(2);
/// An answer of the most hits, most of them far below the 16 KiB of a container's log entry.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// As much as the page shows.
pub const MAX_HITS: usize = 200;

/// A store and how it is reached.
#[derive(Clone, Debug)]
pub struct LogSink {
    client: Client,
    url: Url,
}

/// A line that was found.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Hit {
    pub time: String,
    pub pod: String,
    pub stream: String,
    pub message: String,
}

/// What a search found, newest first.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub struct Found {
    pub total: u64,
    pub hits: Vec<Hit>,
    pub error: Option<String>,
}

impl LogSink {
    /// The store at `url`, which may carry a user and a password.
    #[must_use]
    pub const fn new(client: Client, url: Url) -> Self {
        Self { client, url }
    }

    /// Its address without user and password.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut url = self.url.clone();
        // An address that cannot have either needs none taken away.
        let _taken = (url.set_username(""), url.set_password(None));
        url.as_str().trim_end_matches('/').to_owned()
    }

    /// Lines with a time of `since` or later of pods whose names begin with `pods`.
    ///
    /// # Errors
    /// One sentence: the store cannot be asked.
    pub async fn count(&self, since: Timestamp, pods: &str) -> Result<u64, String> {
        let young = json!({"range": {"@timestamp": {"gte": format!("{since:.9}")}}});
        // Elasticsearch's own guess maps names as text with a keyword beside it; careful people map them as keyword.
        let ours = json!({"query_string": {"query": format!("kubernetes.pod.keyword:{pods}* OR kubernetes.pod:{pods}*")}});
        let query = json!({"query": {"bool": {"filter": [young, ours]}}});
        self.count_matching(&query).await
    }

    /// Lines of the container with this id.
    ///
    /// # Errors
    /// One sentence: the store cannot be asked.
    pub async fn count_of(&self, container: &str) -> Result<u64, String> {
        self.count_matching(&json!({"query": {"match": {"container.id": container}}})).await
    }

    async fn count_matching(&self, query: &Value) -> Result<u64, String> {
        match self.ask("_count", query).await? {
            // Before the first line there is no index in a real Elasticsearch.
            (404, _) => Ok(0),
            (200, answer) => answer["count"].as_u64().ok_or_else(|| self.odd(&answer)),
            (_, answer) => Err(self.odd(&answer)),
        }
    }

    /// The newest lines that match `query`, or the newest of all when it is empty.
    ///
    /// # Errors
    /// One sentence: the store cannot be asked. A query that it does not understand is an answer with `error`.
    pub async fn search(&self, query: &str, size: usize) -> Result<Found, String> {
        let what = if query.trim().is_empty() {
            json!({"match_all": {}})
        } else {
            json!({"query_string": {"query": query, "default_field": "message", "default_operator": "AND"}})
        };
        let size = size.min(MAX_HITS);
        let body = json!({"query": what, "size": size, "sort": [{"@timestamp": "desc"}], "track_total_hits": true});
        match self.ask("_search", &body).await? {
            (404, _) => Ok(Found::default()),
            (200, answer) => Ok(found(&answer)),
            (400, answer) => Ok(Found { error: Some(reason(&answer)), ..Found::default() }),
            (_, answer) => Err(self.odd(&answer)),
        }
    }

    async fn ask(&self, what: &str, body: &Value) -> Result<(u16, Value), String> {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([INDEX, what]);
        }
        let failed = |error: reqwest::Error| format!("no answer from {}: {}", self.shown(), root_cause(&error));
        let mut answer = self.client.post(url).timeout(TIMEOUT).json(body).send().await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(format!("{} answers with more than {MAX_ANSWER_BYTES} bytes", self.shown()));
            }
            bytes.extend_from_slice(&chunk);
        }
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok((answer.status().as_u16(), json))
    }

    fn odd(&self, answer: &Value) -> String {
        format!("{} answers oddly: {}", self.shown(), reason(answer))
    }
}

/// The innermost reason of a failed request: the outer ones repeat the URL, password included.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if cause.source().is_none() && error.is_timeout() { format!("nothing within {TIMEOUT:?}") } else { cause.to_string() }
}

/// The reason in an answer that reports a failure, as Elasticsearch nests it.
fn reason(answer: &Value) -> String {
    let error = &answer["error"];
    let causes = [&error["root_cause"][0]["reason"], &error["reason"], error];
    let text = causes.iter().find_map(|cause| cause.as_str()).unwrap_or("no reason given");
    // Elasticsearch puts the whole query into some reasons.
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

fn found(answer: &Value) -> Found {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let hit = |hit: &Value| {
        let source = &hit["_source"];
        Hit {
            time: text(&source["@timestamp"]),
            pod: text(&source["kubernetes"]["pod"]),
            stream: text(&source["stream"]),
            message: text(&source["message"]),
        }
    };
    let hits = &answer["hits"];
    let total = hits["total"]["value"].as_u64().or(hits["total"].as_u64()).unwrap_or(0);
    Found { total, hits: hits["hits"].as_array().into_iter().flatten().map(hit).collect(), error: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_elasticsearch_writes_them() {
        let answer = json!({"hits": {"total": {"value": 7}, "hits": [{"_source": {
            "@timestamp": "t", "message": "m", "stream": "stdout", "kubernetes": {"pod": "p"}}}, {"_source": {}}]}});
        let expected = Hit { time: "t".into(), pod: "p".into(), stream: "stdout".into(), message: "m".into() };
        let found = found(&answer);
        assert_eq!((found.total, &found.hits[0]), (7, &expected));
        assert_eq!(found.hits[1].message, "");
        let refused = json!({"error": {"root_cause": [{"reason": "bad\nquery"}], "reason": "all shards failed"}, "status": 400});
        assert_eq!(reason(&refused), "bad");
        assert_eq!(reason(&Value::Null), "no reason given");
    }

    #[tokio::test]
    async fn a_store_that_is_gone_is_named_without_its_password() {
        daemon::tls::install_crypto();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let sink = LogSink::new(Client::new(), format!("http://user:secret@{closed}/es").parse().unwrap());
        let error = sink.count(Timestamp::UNIX_EPOCH, "p-").await.unwrap_err();
        assert!(error.contains(&format!("http://{closed}/es")) && !error.contains("secret"), "{error}");
    }
}
