//! An adapter with targets of its own: they say what a test tells them, and are found through a list that the test writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use daemon::Shutdown;
use metrics_adapter::args::Certificate;
use metrics_adapter::{Config, config, scraper};
use serde_json::{Value, json};

const RULES: &str = r#"
rules:
- seriesQuery: 'http_requests_total{namespace!="",service!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, service: {resource: service}, pod: {resource: pod}}}
  name: {matches: "^(.*)_total$", as: "${1}"}
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[4s])) by (<<.GroupBy>>)'
- seriesQuery: 'queue_length{namespace!=""}'
  resources: {template: "<<.Resource>>"}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
"#;
const INTERVAL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(20);

/// What one target answers.
pub struct Target {
    answer: Box<dyn Fn() -> Response + Send>,
    asked: usize,
}

impl Target {
    /// This text.
    pub fn says(&mut self, text: &str) {
        self.says_bytes(text.as_bytes());
    }

    /// These bytes.
    pub fn says_bytes(&mut self, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.answer = Box::new(move || bytes.clone().into_response());
    }

    /// A counter that grows with time.
    pub fn rises(&mut self, series: &str, from: f64, per_second: f64) {
        let (series, start) = (series.to_owned(), Instant::now());
        self.answer =
            Box::new(move || format!("{series} {}\n", from + start.elapsed().as_secs_f64() * per_second).into_response());
    }

    /// This status code.
    pub fn fails(&mut self, code: u16) {
        self.answer = Box::new(move || StatusCode::from_u16(code).unwrap().into_response());
    }
}

#[derive(Default)]
struct Targets {
    targets: BTreeMap<String, Target>,
    /// The document of service discovery.
    list: String,
}

type Shared = Arc<Mutex<Targets>>;

/// The adapter and its targets; both end with it.
pub struct World {
    pub client: reqwest::Client,
    adapter: String,
    targets_address: String,
    targets: Shared,
    shutdown: Shutdown,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl World {
    /// Targets of these names, which say nothing yet, and the adapter that scrapes them.
    pub async fn start(pods: &[&str]) -> Self {
        daemon::tls::install_crypto();
        let targets = Shared::default();
        for pod in pods {
            let answer = Box::new(|| "".into_response());
            targets.lock().unwrap().targets.insert((*pod).to_owned(), Target { answer, asked: 0 });
        }
        let router = Router::new().route("/list", get(list)).route("/targets/{pod}", get(target)).with_state(targets.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let targets_address = listener.local_addr().unwrap().to_string();
        let shutdown = Shutdown::new();
        tokio::spawn(daemon::serve::http(listener, router, shutdown.clone()));

        let listener = daemon::serve::bind("--secure-port", "127.0.0.1:0").unwrap();
        let adapter = format!("https://{}", listener.local_addr().unwrap());
        let http_sd_url = format!("http://{targets_address}/list");
        let config = Config {
            rules: config::parse(RULES, std::path::Path::new("rules.yaml")).unwrap(),
            scraper: Some(scraper::Settings { http_sd_url, interval: INTERVAL, timeout: PATIENCE }),
            alias_groups: vec!["custom-metrics.metrics.k8s.io".to_owned()],
            certificate: Certificate::SelfSigned,
        };
        let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
        let world = Self { client, adapter, targets_address, targets, shutdown: shutdown.clone() };
        world.discover(pods);
        tokio::spawn(async move { metrics_adapter::run(config, listener, shutdown).await.unwrap() });
        world
    }

    /// Changes what one target answers.
    pub fn target(&self, pod: &str, change: impl FnOnce(&mut Target)) {
        change(self.targets.lock().unwrap().targets.get_mut(pod).unwrap());
    }

    /// Changes what every target answers.
    pub fn each(&self, change: impl Fn(&mut Target)) {
        self.targets.lock().unwrap().targets.values_mut().for_each(change);
    }

    /// These are the targets from now on.
    pub fn discover(&self, pods: &[&str]) {
        let group = |pod: &&str| {
            let path = format!("/targets/{pod}");
            let labels = json!({"namespace":"default","service":"app","pod":pod,"instance":pod,"__metrics_path__":path});
            json!({"targets":[self.targets_address],"labels":labels})
        };
        let list: Vec<Value> = pods.iter().map(group).collect();
        self.targets.lock().unwrap().list = Value::from(list).to_string();
    }

    /// The list of targets is rubbish from now on.
    pub fn break_discovery(&self) {
        self.targets.lock().unwrap().list = "<html>".to_owned();
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.adapter)
    }

    /// The answer to a path, as text.
    pub async fn text(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(self.url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The answer to a path, as JSON.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let (code, text) = self.text(path).await;
        (code, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")))
    }

    /// Waits until what the targets say now has been scraped, and the adapter is ready.
    pub async fn ready(&self) {
        self.scraped_again().await;
        // Readiness is said after the list of metrics has been made from the scrapes.
        eventually("ready", async || {
            let (_, list) = self.get("/apis/custom.metrics.k8s.io/v1beta1").await;
            (self.text("/readyz").await.0 == 200 && !list["resources"].as_array().unwrap().is_empty()).then_some(())
        })
        .await;
    }

    /// Waits until every target has been scraped twice more: the first of those may have been under way before.
    pub async fn scraped_again(&self) {
        self.each(|target| target.asked = 0);
        eventually("two scrapes", async || {
            self.targets.lock().unwrap().targets.values().all(|target| target.asked > 2).then_some(())
        })
        .await;
    }
}

async fn list(State(targets): State<Shared>) -> Response {
    targets.lock().unwrap().list.clone().into_response()
}

async fn target(State(targets): State<Shared>, Path(pod): Path<String>) -> Response {
    let mut targets = targets.lock().unwrap();
    let target = targets.targets.get_mut(&pod).unwrap();
    target.asked += 1;
    (target.answer)()
}

/// What `look` finds, as soon as it does.
pub async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
