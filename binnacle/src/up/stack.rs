//! The parts of the stack and how they are wired: all sockets, files and flags, made before anything is started, so that
//! what is wrong is refused while there is still nothing to clean up.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use daemon::serve::bind;
use hpa::spec::Autoscaler;
use hpa::spec::position::Positions;
use jiff::Timestamp;
use reqwest::{Client, Url};

use super::args::{Addresses, Config};
use super::cluster::MAX_REPLICAS;
use super::container_log::Settings;
use super::data_directory::DataDirectory;
use super::history::History;
use super::load::Load;
use super::log_sink::{INDEX, LogSink};
use super::part::{Part, PartSpec};
use super::replicas::{Deployment, NAME, NAMESPACE};
use super::seen::Seen;

/// The autoscaler that is followed when no file is given.
const BUILT_IN_HPA: &str = include_str!("../../../deploy/examples/sample-metrics-app/hpa.yaml");
/// The name of the custom metrics API before Kubernetes 1.8, which old documents still show.
const OLD_GROUP: &str = "custom-metrics.metrics.k8s.io";
/// A busy machine may make a sync this late.
const SLACK: Duration = Duration::from_secs(5);
/// Docker's `max-size` and `max-file` as clusters commonly set them.
const LOG_FILE_BYTES: u64 = 10_000_000;
const LOG_FILES: usize = 3;

/// Where people and parts find each other, as URLs without a slash at the end.
#[derive(Clone, Debug)]
pub struct Links {
    pub page: String,
    pub exporter: String,
    pub adapter: String,
    pub hpa: String,
    pub agent: String,
    pub store: Option<String>,
}

/// Everything that the tasks of one run share.
#[derive(Debug)]
pub struct Stack {
    /// When the run began.
    pub started: Timestamp,
    /// How it was asked for.
    pub config: Config,
    /// Who is where.
    pub links: Links,
    /// Whom the autoscaler follows.
    pub autoscaler: Autoscaler,
    /// Every part, the sample application included, in the order of the data.
    pub parts: Vec<Arc<Part>>,
    /// The sample application.
    pub deployment: Arc<Deployment>,
    /// What asks it.
    pub load: Arc<Load>,
    /// Where log lines go.
    pub sink: LogSink,
    /// What was seen of the parts last.
    pub seen: Mutex<Seen>,
    /// What was seen in the last quarter of an hour.
    pub history: Mutex<History>,
    /// For requests to the parts; takes the adapter's self-signed certificate.
    pub client: Client,
    /// Held so that nobody else uses it.
    pub directory: DataDirectory,
}

impl Stack {
    /// What was seen last.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest value of the metric that the autoscaler followed; none when it has not decided for two sync periods.
    pub fn metric(&self) -> Option<f64> {
        let fresh = i64::try_from((2 * self.config.sync_period + SLACK).as_millis()).unwrap_or(i64::MAX);
        let seen = self.seen();
        let last = seen.decisions.last().filter(|last| Timestamp::now().as_millisecond() - last.time <= fresh)?;
        last.metrics.first()?.value()
    }

    /// Lines of this run that are stored; asks the store.
    ///
    /// # Errors
    /// One sentence: the store cannot be asked.
    pub async fn stored(&self) -> Result<u64, String> {
        self.sink.count(self.started, &self.deployment.pod_prefix()).await
    }

    /// Lines that are written and not yet stored, as far as is known.
    pub fn lag_lines(&self) -> Option<u64> {
        let stored = self.seen().stored?;
        Some(self.deployment.lines_written().saturating_sub(stored))
    }
}

/// A stack of which nothing runs yet.
#[derive(Debug)]
pub struct Prepared {
    /// What the tasks share.
    pub stack: Arc<Stack>,
    /// The page's socket.
    pub page: TcpListener,
    /// The programs to keep running, each with its part.
    pub programs: Vec<(Arc<Part>, PartSpec)>,
}

/// Reads the autoscaler, takes the sockets and the data directory, and wires the parts.
///
/// # Errors
/// One sentence that names the flag, file or address, and says what to do.
pub fn prepare(config: Config) -> anyhow::Result<Prepared> {
    daemon::tls::install_crypto();
    let given = config.hpa_file.as_deref().map(local_autoscaler).transpose().context("--hpa-file")?;
    let sockets = Sockets::take(&config.addresses, config.elasticsearch.is_none())?;
    let links = sockets.links()?;
    let directory = DataDirectory::open(config.data_dir.clone())?;
    let hpa_file = match &config.hpa_file {
        Some(file) => file.clone(),
        None => directory.put("hpa.yaml", BUILT_IN_HPA)?,
    };
    let autoscaler = match given {
        Some(autoscaler) => autoscaler,
        None => hpa::spec::file::read(&hpa_file)?,
    };
    let rules_file = directory.put("rules.yaml", &rules(config.rate_window.as_secs_f64()))?;
    let client = Client::builder().danger_accept_invalid_certs(true).no_proxy().build().context("cannot make an HTTP client")?;
    let url: Url = match (&config.elasticsearch, &links.store) {
        (Some(url), _) => url.clone(),
        (None, store) => store.as_deref().unwrap_or_default().parse()?,
    };
    // It may carry a password, so it goes only to a server that proves who it is.
    let careful = Client::builder().no_proxy().build().context("cannot make an HTTP client")?;
    let sink = LogSink::new(careful, url.clone());
    let wiring = Wiring {
        config: &config,
        links: &links,
        directory: &directory,
        hpa_file: &hpa_file,
        rules_file: &rules_file,
        sink: &url,
    };
    let page = sockets.page.try_clone()?;
    let programs: Vec<(Arc<Part>, PartSpec)> = wiring.programs(sockets).into_iter().map(with_part).collect();
    let application = Part::new("sample-app", None);
    let settings = Settings { containers: directory.containers(), max_bytes: LOG_FILE_BYTES, max_files: LOG_FILES };
    let first = u32::try_from(autoscaler.spec.min()).unwrap_or(0);
    let mut parts: Vec<Arc<Part>> = programs.iter().map(|(part, _)| part.clone()).collect();
    parts.insert(1, application.clone());
    let stack = Stack {
        started: Timestamp::now(),
        links,
        autoscaler,
        parts,
        deployment: Deployment::new(first, settings, application, sink.clone()),
        load: Load::new(config.script.clone(), config.duration.is_none()),
        sink,
        seen: Mutex::default(),
        history: Mutex::default(),
        client,
        directory,
        config,
    };
    Ok(Prepared { stack: Arc::new(stack), page, programs })
}

/// Reads an autoscaler that this machine can follow.
///
/// # Errors
/// The file is none, or wants what only a cluster has; the message names file, line and field.
fn local_autoscaler(file: &Path) -> anyhow::Result<Autoscaler> {
    let autoscaler = hpa::spec::file::read(file)?;
    let fault = |field: &str, problem: String| {
        // It was read a moment ago; should it be gone, its beginning is named.
        let line = Positions::of(&std::fs::read_to_string(file).unwrap_or_default()).line(field);
        Err(anyhow::anyhow!("{}:{line}: {field}: {problem}", file.display()))
    };
    let target = autoscaler.target();
    let only = format!("Deployment/{NAMESPACE}/{NAME}");
    if target != only {
        return fault("spec.scaleTargetRef", format!("there is no {target} on this machine: name {only}"));
    }
    for (field, replicas) in [("spec.minReplicas", autoscaler.spec.min()), ("spec.maxReplicas", autoscaler.spec.max_replicas)] {
        if u32::try_from(replicas).is_ok_and(|replicas| replicas > MAX_REPLICAS) {
            return fault(field, format!("{replicas} replicas are too many for one machine: give at most {MAX_REPLICAS}"));
        }
    }
    let unknown = autoscaler.spec.metrics.iter().position(|metric| !["Object", "Pods"].contains(&metric.kind.as_str()));
    if let Some(index) = unknown {
        let kind = &autoscaler.spec.metrics[index].kind;
        return fault(
            &format!("spec.metrics[{index}].type"),
            format!("{kind} metrics are not to be had here: use an Object or a Pods metric"),
        );
    }
    Ok(autoscaler)
}

fn with_part(spec: PartSpec) -> (Arc<Part>, PartSpec) {
    (Part::new(spec.name, Some(spec.address.clone())), spec)
}

/// The rules of the custom metrics API: every counter of requests as a rate, under its name without `_total`.
fn rules(window_seconds: f64) -> String {
    let window = format!("{:.0}ms", window_seconds * 1000.0);
    let window = window.strip_suffix("000ms").map_or(window.clone(), |seconds| format!("{seconds}s"));
    format!(
        "rules:\n  \
         - seriesQuery: 'http_requests_total{{namespace!=\"\",service!=\"\",pod!=\"\"}}'\n    \
         resources:\n      overrides:\n        namespace: {{resource: namespace}}\n        service: {{resource: service}}\n        pod: {{resource: pod}}\n    \
         name: {{matches: '^(.*)_total$', as: '${{1}}'}}\n    \
         metricsQuery: 'sum(rate(<<.Series>>{{<<.LabelMatchers>>}}[{window}])) by (<<.GroupBy>>)'\n"
    )
}

/// One socket a part, all taken.
struct Sockets {
    page: TcpListener,
    exporter: TcpListener,
    adapter: TcpListener,
    hpa: TcpListener,
    agent: TcpListener,
    store: Option<TcpListener>,
}

impl Sockets {
    fn take(addresses: &Addresses, with_store: bool) -> anyhow::Result<Self> {
        let Addresses { page, exporter, adapter, hpa, agent, store } = addresses;
        Ok(Self {
            page: bind("--page-address", page)?,
            exporter: bind("--exporter-address", exporter)?,
            adapter: bind("--adapter-address", adapter)?,
            hpa: bind("--hpa-address", hpa)?,
            agent: bind("--agent-address", agent)?,
            store: with_store.then(|| bind("--store-address", store)).transpose()?,
        })
    }

    fn links(&self) -> std::io::Result<Links> {
        let url = |scheme: &str, socket: &TcpListener| {
            let mut address = socket.local_addr()?;
            if address.ip().is_unspecified() {
                // Every interface includes this one, which a browser here can name.
                address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
            }
            Ok::<_, std::io::Error>(format!("{scheme}://{address}"))
        };
        Ok(Links {
            page: url("http", &self.page)?,
            exporter: url("http", &self.exporter)?,
            adapter: url("https", &self.adapter)?,
            hpa: url("http", &self.hpa)?,
            agent: url("http", &self.agent)?,
            store: self.store.as_ref().map(|store| url("http", store)).transpose()?,
        })
    }
}

/// What the flags of the parts are made of.
struct Wiring<'a> {
    config: &'a Config,
    links: &'a Links,
    directory: &'a DataDirectory,
    hpa_file: &'a Path,
    rules_file: &'a Path,
    sink: &'a Url,
}

impl Wiring<'_> {
    fn programs(&self, sockets: Sockets) -> Vec<PartSpec> {
        let Sockets { page: _, exporter, adapter, hpa, agent, store } = sockets;
        let Links { page, exporter: exporter_url, adapter: adapter_url, hpa: hpa_url, agent: agent_url, store: store_url } =
            self.links;
        let period = |period: Duration| OsString::from(format!("{}ms", period.as_millis()));
        let text = |text: &str| OsString::from(text);
        let spec = |name, listener, url: &str, probe: &str, shown: &str, flags: Vec<(&str, OsString)>| PartSpec {
            name,
            arguments: flags.into_iter().flat_map(|(flag, value)| [OsString::from(flag), value]).collect(),
            environment: Vec::new(),
            listener,
            probe_url: format!("{url}{probe}"),
            address: format!("{url}{shown}"),
        };
        let adapter_flags = vec![
            ("--config", self.rules_file.into()),
            ("--scraper.http-sd-url", text(&format!("{page}/api/targets"))),
            ("--scraper.interval", period(self.config.scrape_interval)),
            ("--alias-group", text(OLD_GROUP)),
        ];
        let hpa_flags = vec![
            ("--hpa-file", self.hpa_file.into()),
            ("--server", text(page)),
            ("--metrics-server", text(adapter_url)),
            ("--horizontal-pod-autoscaler-sync-period", period(self.config.sync_period)),
        ];
        let agent_flags = vec![
            ("--docker-containers", self.directory.containers().into()),
            ("--state-dir", self.directory.agent().into()),
            ("--index", text(INDEX)),
        ];
        let store_flags =
            vec![("--data-dir", self.directory.store().into()), ("--commit-interval", period(self.config.commit_interval))];
        let mut hpa = spec("hpa", hpa, hpa_url, "/readyz", "/decisions", hpa_flags);
        hpa.arguments.insert(0, text("run"));
        hpa.arguments.push(text("--insecure-skip-tls-verify"));
        let mut agent = spec("log-agent", agent, agent_url, "/readyz", "/state", agent_flags);
        agent.environment = vec![("LOG_AGENT_ELASTICSEARCH", text(self.sink.as_str()))];
        let mut programs = vec![
            spec("node-exporter", exporter, exporter_url, "/-/ready", "/metrics", Vec::new()),
            spec(
                "metrics-adapter",
                adapter,
                adapter_url,
                "/readyz",
                &format!("/apis/custom.metrics.k8s.io/v1beta1/{}", metric_path()),
                adapter_flags,
            ),
            hpa,
            agent,
        ];
        if let (Some(store), Some(url)) = (store, store_url) {
            let mut store = spec("log-store", store, url, "/readyz", &format!("/{INDEX}/_search?q=error"), store_flags);
            // Its few threads gain nothing from allocators of their own, which would keep twice the memory.
            store.environment = vec![("MALLOC_ARENA_MAX", text("1"))];
            programs.push(store);
        }
        programs
    }
}

/// Where the sample application's rate is, below a group and version.
pub fn metric_path() -> String {
    format!("namespaces/{NAMESPACE}/services/{NAME}/http_requests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_autoscaler_is_valid_and_the_rules_name_the_window() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hpa.yaml");
        std::fs::write(&file, BUILT_IN_HPA).unwrap();
        let autoscaler = hpa::spec::file::read(&file).unwrap();
        assert_eq!((autoscaler.spec.min(), autoscaler.spec.max_replicas), (2, 10));
        assert!(rules(120.0).contains("[120s]") && rules(0.5).contains("[500ms]"), "{}", rules(120.0));
        assert!(rules(120.0).contains("as: '${1}'"), "{}", rules(120.0));
    }
}
