//! The whole store over HTTP on a directory of its own: bulk bodies in, searches out, restarts, rubbish, crowds.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// A busy machine runs these in a debug build.
const LIMIT: Duration = Duration::from_secs(30);

fn check_flags(arguments: &[&str], expected: Result<(Duration, u64), &str>) {
    let parsed = Args::try_parse_from([&["log-store", "--data-dir", "d"], arguments].concat());
    match (parsed.map(Args::config), expected) {
        (Ok(config), Ok(expected)) => assert_eq!((config.commit_interval, config.max_documents), expected),
        (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
        (parsed, _) => panic!("{arguments:?} gave {parsed:?}"),
    }
}

#[test]
fn flags() {
    check_flags(&[], Ok((Duration::from_millis(500), 2_000_000)));
    check_flags(&["--commit-interval", "2s", "--max-documents", "7"], Ok((Duration::from_secs(2), 7)));
    check_flags(&["--commit-interval", "fast"], Err("not a duration such as 500ms"));
    check_flags(&["--commit-interval=-1s"], Err("not a duration such as 500ms"));
    check_flags(&["--max-documents", "0"], Err("0 is not in 1.."));
}

/// A store that runs on a thread of this process.
struct Running {
    address: SocketAddr,
    client: Client,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Running {
    async fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, 1_000_000).await
    }

    async fn start_with(data_dir: &Path, max_documents: u64) -> Self {
        daemon::tls::install_crypto();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let config = Config { data_dir: data_dir.to_owned(), commit_interval: Duration::from_millis(10), max_documents };
        let task = tokio::spawn(run(config, listener, shutdown.clone()));
        Self { address, client: Client::new(), shutdown, task }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(LIMIT, self.task).await.unwrap().unwrap().unwrap();
    }

    async fn ask(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        self.ask_as("application/x-ndjson", method, path, body).await
    }

    async fn ask_as(&self, kind: &str, method: Method, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request = self.client.request(method, format!("http://{}{path}", self.address)).header("content-type", kind);
        let answer = request.body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, "").await
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        self.ask(Method::POST, path, body).await
    }

    /// The statuses of a bulk request's items.
    async fn bulk(&self, body: String) -> Vec<u64> {
        let (status, answer) = self.post("/logs/_bulk", body).await;
        assert_eq!(status, 200, "{answer}");
        let items = answer["items"].as_array().unwrap();
        items.iter().map(|item| item.as_object().unwrap().values().next().unwrap()["status"].as_u64().unwrap()).collect()
    }

    async fn count(&self, query: &Value) -> u64 {
        let (status, answer) = self.post("/logs/_count", json!({ "query": query }).to_string()).await;
        assert_eq!(status, 200, "{answer}");
        answer["count"].as_u64().unwrap()
    }

    async fn stored(&self) -> u64 {
        self.count(&json!({ "match_all": {} })).await
    }
}

/// A `create` with the line `n`, which is as many seconds after 1970.
fn line(n: usize, message: &str) -> String {
    let pod = if n.is_multiple_of(2) { "web-a" } else { "web-b" };
    let source = json!({
        "@timestamp": Timestamp::from_second(i64::try_from(n).unwrap()).unwrap().to_string(), "message": message, "stream": "stdout",
        "kubernetes": { "namespace": "default", "pod": pod, "container": "app" }, "container": { "id": format!("{:064x}", n % 2) },
    });
    format!("{{\"create\":{{\"_id\":\"{n}\"}}}}\n{source}\n")
}

#[tokio::test]
async fn another_sites_page_cannot_store_anything() {
    let folder = tempfile::tempdir().unwrap();
    let store = Running::start(folder.path()).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        assert_eq!(store.ask_as(kind, Method::POST, "/logs/_bulk", line(1, "sent by a stranger")).await.0, 406, "{kind:?}");
    }
    let (status, _) =
        store.ask_as("application/vnd.elasticsearch+json; compatible-with=8", Method::POST, "/logs/_count", "{}").await;
    assert_eq!((status, store.stored().await), (200, 0));
    store.stop().await;
}

#[tokio::test]
async fn what_is_answered_can_be_searched_and_outlives_a_restart() {
    let folder = TempDir::new().unwrap();
    let store = Running::start(folder.path()).await;
    assert_eq!(store.bulk((0..10).map(|n| line(n, "GET /api")).collect()).await, [201; 10]);
    // In one body: twice new, there already, in place of an older one, and one that is none.
    let body = [
        line(10, "first"),
        line(10, "second"),
        line(3, "again"),
        line(4, "Replaced").replace("create", "index"),
        "{\"create\":{\"_id\":\"x\"}}\n{\"message\":\"no time\"}\n".to_owned(),
    ];
    assert_eq!(store.bulk(body.concat()).await, [201, 409, 409, 200, 400]);
    assert_eq!(store.stored().await, 11);
    store.stop().await;

    let store = Running::start(folder.path()).await;
    assert_eq!(store.bulk((0..11).map(|n| line(n, "again")).collect()).await, [409; 11]);
    assert_eq!(store.stored().await, 11);
    let (status, answer) = store.get("/logs/_search?size=3").await;
    assert_eq!((status, answer["hits"]["total"]["value"].as_u64()), (200, Some(11)));
    let hits = answer["hits"]["hits"].as_array().unwrap();
    assert_eq!(hits.iter().map(|hit| hit["_id"].as_str().unwrap()).collect::<Vec<_>>(), ["10", "9", "8"]);
    assert_eq!(hits[0]["_source"]["message"], "first");
    assert_eq!(hits[0]["sort"], json!([10_000]));
    assert_eq!(store.count(&json!({ "match": { "message": "replaced" } })).await, 1);
    store.stop().await;
}

#[tokio::test]
async fn searches_over_http() {
    let folder = TempDir::new().unwrap();
    let store = Running::start(folder.path()).await;
    store.bulk((0..20).map(|n| line(n, &format!("GET /api/items/{n} took {n} ms"))).collect()).await;
    let ids = async |path: &str, body: &str| {
        let (status, answer) = store.post(path, body.to_owned()).await;
        assert_eq!(status, 200, "{path} {body}: {answer}");
        let hits = answer["hits"]["hits"].as_array().unwrap();
        hits.iter().map(|hit| hit["_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids("/logs/_search?q=%22items+7%22", "").await, "7");
    assert_eq!(ids("/logs/_search?q=kubernetes.pod:web-b&size=2&sort=@timestamp:asc", "").await, "1 3");
    assert_eq!(ids("/logs/_search?from=18&size=10", "").await, "1 0");
    assert_eq!(ids("/other,lo*/_search?size=1", "").await, "19");
    assert_eq!(ids("/other/_search", "").await, "");
    assert_eq!(ids("/_search", r#"{"query":{"range":{"@timestamp":{"lt":2000}}},"sort":[{"@timestamp":"asc"}]}"#).await, "0 1");
    let asked_by_the_page = json!({
        "query": { "query_string": { "query": "took items 5", "default_field": "message", "default_operator": "AND" } },
        "size": 50, "sort": [{ "@timestamp": "desc" }], "track_total_hits": true,
    });
    assert_eq!(ids("/logs/_search", &asked_by_the_page.to_string()).await, "5");
    let container = json!({ "bool": { "filter": [{ "terms": { "container.id": [format!("{:064x}", 1), "other"] } }] } });
    assert_eq!(store.count(&container).await, 10);
    let (_, answer) = store.post("/logs/_search", r#"{"size":0,"_source":false}"#).await;
    assert_eq!((&answer["hits"]["total"]["value"], &answer["hits"]["hits"]), (&json!(20), &json!([])));
    let (_, answer) = store.get("/logs/_search?size=1&_source=false").await;
    assert_eq!(answer["hits"]["hits"][0].get("_source"), None);
    assert_eq!(store.get("/_cat/indices?format=json").await.1[0]["docs.count"], "20");
    store.stop().await;
}

#[tokio::test]
async fn requests_that_are_not_understood_are_refused_with_a_reason() {
    let folder = TempDir::new().unwrap();
    let store = Running::start(folder.path()).await;
    let long = "x".repeat((16 << 20) + 1);
    let deep = format!("{}{}", "{\"bool\":{\"must\":".repeat(5000), "1");
    for (path, body, status, kind, reason) in [
        ("/_bulk", "", 400, "illegal_argument_exception", "empty"),
        ("/_bulk", "rubbish\n", 400, "illegal_argument_exception", "line 1 is no bulk action"),
        ("/_bulk", "\u{0}\u{1}\n\n", 400, "illegal_argument_exception", "line 1"),
        ("/logs/_bulk", "{\"index\":{}}\n{}", 400, "illegal_argument_exception", "line end"),
        ("/logs/_bulk", &long, 413, "content_too_long_exception", "16777216 bytes"),
        ("/logs/_search", "{", 400, "parsing_exception", "line 1 column"),
        ("/logs/_search", &deep, 400, "parsing_exception", "cannot understand"),
        ("/logs/_search", r#"{"query":{"fuzzy":{"message":"x"}}}"#, 400, "parsing_exception", "`fuzzy`"),
        ("/logs/_search", r#"{"query":{"bool":{"must":[{"geo_shape":{}}]}}}"#, 400, "parsing_exception", "`geo_shape`"),
        ("/logs/_search", r#"{"aggs":{}}"#, 400, "parsing_exception", "`aggs`"),
        ("/logs/_search?q=(a", "", 400, "parsing_exception", "\"(a\""),
        ("/logs/_search?q=level:error", "", 400, "parsing_exception", "no field \"level\" can be searched"),
        ("/logs/_search?sise=1", "", 400, "illegal_argument_exception", "[sise]"),
        ("/logs/_search?size=10001", "", 400, "illegal_argument_exception", "at most 10000"),
        ("/logs/_search?sort=message:asc", "", 400, "parsing_exception", "\"message\""),
        ("/logs/_mapping", "{}", 400, "illegal_argument_exception", "POST /logs/_mapping is not understood"),
        ("/", "", 400, "illegal_argument_exception", "POST / is not understood"),
    ] {
        let (got, answer) = store.post(path, body.to_owned()).await;
        let shown = &body[..body.len().min(80)];
        assert_eq!((got, answer["error"]["type"].as_str()), (status, Some(kind)), "{path} {shown}: {answer}");
        let text = answer["error"]["root_cause"][0]["reason"].as_str().unwrap();
        assert!(text.contains(reason) && text.len() < 1000, "{path} {shown}: {text}");
    }
    assert_eq!(store.stored().await, 0);
    store.stop().await;
}

#[tokio::test]
async fn packed_bodies_are_taken() {
    use std::io::Write as _;
    let folder = TempDir::new().unwrap();
    let store = Running::start(folder.path()).await;
    let pack = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let url = format!("http://{}/logs/_bulk", store.address);
    let send = async |encoding: &str, body: Vec<u8>| {
        store
            .client
            .post(&url)
            .header("content-type", "application/x-ndjson")
            .header("content-encoding", encoding)
            .body(body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(send("gzip", pack(line(1, "packed").as_bytes())).await, 200);
    assert_eq!(send("gzip", pack(&vec![b'x'; (16 << 20) + 1])).await, 413);
    assert_eq!(send("gzip", line(1, "not packed").into_bytes()).await, 400);
    assert_eq!(send("br", line(1, "otherwise").into_bytes()).await, 415);
    assert_eq!(store.stored().await, 1);
    store.stop().await;
}

#[tokio::test]
async fn many_senders_at_once_lose_and_double_nothing() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(Running::start(folder.path()).await);
    // Every line is sent by two senders, of whom one stores it.
    let senders = (0..16).map(|sender| {
        let store = store.clone();
        tokio::spawn(async move {
            let body = |part: usize| (0..10).map(|n| line((sender / 2) * 100 + part * 10 + n, "crowd")).collect();
            let mut created = 0;
            for part in 0..10 {
                let statuses = store.bulk(body(part)).await;
                assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
                created += statuses.iter().filter(|status| **status == 201).count();
            }
            created
        })
    });
    let mut created = 0;
    for sender in senders.collect::<Vec<_>>() {
        created += sender.await.unwrap();
    }
    assert_eq!((created, store.stored().await), (800, 800));
    Arc::into_inner(store).unwrap().stop().await;
}

#[tokio::test]
async fn a_directory_that_is_gone_refuses_and_one_that_is_back_goes_on() {
    let folder = TempDir::new().unwrap();
    let (place, away) = (folder.path().join("data"), folder.path().join("away"));
    let store = Running::start(&place).await;
    assert_eq!(store.bulk(line(1, "before")).await, [201]);
    fs::rename(&place, &away).unwrap();
    let (status, answer) = store.post("/logs/_bulk", line(2, "meanwhile")).await;
    let reason = answer["error"]["reason"].as_str().unwrap();
    assert_eq!((status, answer["error"]["type"].as_str()), (503, Some("unavailable_exception")), "{answer}");
    assert!(reason.contains(place.to_str().unwrap()) && reason.contains("No such file"), "{reason}");
    assert_eq!(store.get("/readyz").await, (503, Value::String(reason.to_owned())));
    assert_eq!(store.get("/_cluster/health").await.1["status"], "red");
    assert_eq!(store.stored().await, 1, "what was stored can still be found");
    fs::rename(&away, &place).unwrap();
    assert_eq!(store.bulk([line(1, "again"), line(2, "after")].concat()).await, [409, 201]);
    assert_eq!(store.get("/readyz").await, (200, Value::String("ok".to_owned())));
    assert_eq!(store.stored().await, 2);
    store.stop().await;
}

#[tokio::test]
async fn a_directory_that_is_back_is_noticed_without_a_sender() {
    let folder = TempDir::new().unwrap();
    let (place, away) = (folder.path().join("data"), folder.path().join("away"));
    let store = Running::start(&place).await;
    assert_eq!(store.stored().await, 0);
    fs::rename(&place, &away).unwrap();
    assert_eq!(store.post("/logs/_bulk", line(1, "meanwhile")).await.0, 503);
    fs::rename(&away, &place).unwrap();
    let begun = Instant::now();
    while store.get("/readyz").await.0 != 200 {
        assert!(begun.elapsed() < LIMIT, "{:?}", store.get("/readyz").await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.bulk(line(1, "after")).await, [201]);
    store.stop().await;
}

#[tokio::test]
async fn the_oldest_documents_make_room() {
    let folder = TempDir::new().unwrap();
    let store = Running::start_with(folder.path(), 100).await;
    for tens in 0..15 {
        store.bulk((tens * 10..tens * 10 + 10).map(|n| line(n, "line")).collect()).await;
    }
    let begun = Instant::now();
    let stored = loop {
        let stored = store.stored().await;
        if stored <= 100 {
            break stored;
        }
        assert!(begun.elapsed() < LIMIT, "{stored} documents are left");
    };
    assert!(stored >= 90, "{stored}");
    let (_, answer) = store.get("/logs/_search?sort=@timestamp:asc&size=1").await;
    assert_eq!(answer["hits"]["hits"][0]["_id"], (150 - stored).to_string());
    store.stop().await;
}

#[tokio::test]
async fn it_says_who_it_is() {
    let folder = TempDir::new().unwrap();
    let store = Running::start(folder.path()).await;
    let head = store.client.head(format!("http://{}/", store.address)).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["x-elastic-product"].as_bytes()), (200, b"Elasticsearch".as_slice()));
    assert_eq!(store.get("/").await.1["version"]["number"], "8.17.0");
    assert_eq!(store.get("/_cluster/health").await.1["status"], "green");
    assert_eq!(store.get("/healthz").await.0, 200);
    store.bulk(line(1, "one")).await;
    let metrics = store.get("/metrics").await.1.to_string();
    for line in
        ["log_store_documents 1", "log_store_bulk_items_total{result=\\\"created\\\"} 1", "log_store_commit_seconds_count 1"]
    {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    store.stop().await;
}
