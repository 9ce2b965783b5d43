//! The two log stores that agents ship to: Elasticsearch 7.10 and OpenSearch 3, each as one node on this machine.

use std::ops::Range;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::installed;
use super::place::free_among;
use super::room::Room;
use super::shared::{Lease, Server};
use crate::http;

/// A Java server on a machine that compiles meanwhile: alone it takes 15 s.
const START_LIMIT: Duration = Duration::from_secs(180);
/// The runner listens for HTTP at the port it is given and this, and for other nodes at that and the other.
const HTTP_OFFSET: u16 = 1;
const TRANSPORT_OFFSET: u16 = 100;
/// The runner takes no HTTP port above 9299. These have room for both offsets, and are not the ports that everyone uses.
const PORTS: Range<u16> = 6000..9000;

/// What differs between the two.
struct Kind {
    /// The folder under `target/servers/`.
    name: &'static str,
    /// The class that starts a node.
    class: &'static str,
    /// The variable that names one to use instead.
    variable: &'static str,
}

const ELASTICSEARCH: Kind = Kind {
    name: "elasticsearch",
    class: "org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner",
    variable: "ELASTICSEARCH_URL",
};
const OPENSEARCH: Kind =
    Kind { name: "opensearch", class: "org.codelibs.opensearch.runner.OpenSearchRunner", variable: "OPENSEARCH_URL" };

/// A store of either kind.
#[derive(Debug)]
pub struct Store {
    /// Where it is asked.
    pub url: String,
    room: Option<Room>,
}

/// A real Elasticsearch.
#[derive(Debug)]
pub struct Elasticsearch(Store);

/// A real OpenSearch.
#[derive(Debug)]
pub struct OpenSearch(Store);

impl Elasticsearch {
    /// The one that all tests of this run share.
    ///
    /// # Panics
    /// It does not start.
    pub fn shared() -> Lease<Self> {
        static CELL: OnceLock<Result<Elasticsearch, String>> = OnceLock::new();
        Lease::of(&CELL)
    }

    /// What both kinds can do.
    pub fn store(&self) -> &Store {
        &self.0
    }
}

impl OpenSearch {
    /// The one that all tests of this run share.
    ///
    /// # Panics
    /// It does not start.
    pub fn shared() -> Lease<Self> {
        static CELL: OnceLock<Result<OpenSearch, String>> = OnceLock::new();
        Lease::of(&CELL)
    }

    /// What both kinds can do.
    pub fn store(&self) -> &Store {
        &self.0
    }
}

impl Server for Elasticsearch {
    fn begin() -> Result<Self, String> {
        Store::begin(&ELASTICSEARCH).map(Self)
    }

    fn tails(&self) -> String {
        self.0.tails()
    }
}

impl Server for OpenSearch {
    fn begin() -> Result<Self, String> {
        Store::begin(&OPENSEARCH).map(Self)
    }

    fn tails(&self) -> String {
        self.0.tails()
    }
}

impl Store {
    fn begin(kind: &Kind) -> Result<Self, String> {
        if let Some(url) = std::env::var(kind.variable).ok().filter(|url| !url.is_empty()) {
            return Ok(Self { url: url.trim_end_matches('/').to_owned(), room: None });
        }
        let room = Room::new(kind.name)?;
        let port = free_among(PORTS, &[HTTP_OFFSET, TRANSPORT_OFFSET])?;
        let mut command = Command::new(installed::ours(kind.name, "java/bin/java")?);
        command.arg("-Xmx512m").arg("-cp").arg(format!("{}/*", installed::ours(kind.name, "lib")?.display()));
        command.arg(kind.class).arg("-basePath").arg(room.path().join("data"));
        command.args(["-numOfNode", "1", "-clusterName", "binnacle-test", "-baseHttpPort", &port.to_string()]);
        let program = room.start(kind.name, &command)?;
        let url = format!("http://127.0.0.1:{}", port + HTTP_OFFSET);
        program.wait(START_LIMIT, || {
            let health = http::get(&format!("{url}/_cluster/health"))?.json()?;
            if health["number_of_data_nodes"] == 1 { Ok(()) } else { Err(health.to_string()) }
        })?;
        Ok(Self { url, room: Some(room) })
    }

    fn tails(&self) -> String {
        self.room.as_ref().map(Room::tails).unwrap_or_default()
    }

    /// The name of an index that no other test uses.
    pub fn index(&self, beginning: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        format!("{beginning}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// What it answers to a search of an index, everything stored so far made visible first.
    ///
    /// # Errors
    /// It refuses, or does not answer.
    pub fn search(&self, index: &str, query: &Value) -> Result<Value, String> {
        http::get(&format!("{}/{index}/_refresh", self.url))?;
        let answer = http::post(&format!("{}/{index}/_search", self.url), query)?;
        if answer.status == 200 { answer.json() } else { Err(format!("{answer:?}")) }
    }
}
