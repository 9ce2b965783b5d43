//! Binnacle's metrics-adapter: custom metrics for the HorizontalPodAutoscaler, under prometheus-adapter's configuration. Data
//! flows one way: source (the own scraper) → registry → provider → apiserver. It decides nothing about replicas and keeps no
//! history beyond the windows of its rules.

pub mod apiserver;
pub mod args;
pub mod config;
pub mod labels;
pub mod matcher;
pub mod metrics;
pub mod promql;
pub mod provider;
pub mod registry;
pub mod relist;
pub mod rule;
pub mod scraper;
pub mod source;
pub mod store;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use daemon::Shutdown;
use daemon::admin::Readiness;
use daemon::tls::TlsError;

pub use self::args::{Args, Config};
pub use self::config::ReadError;

use self::args::{Certificate, Listen, SECURE_PORT};
use self::metrics::OwnMetrics;
use self::provider::Provider;
use self::relist::Current;
use self::scraper::Scraper;
use self::scraper::keep::Keep;
use self::source::Source;

/// The names of a self-signed certificate: those under which this machine calls itself.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Why the adapter cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No serving certificate.
    #[error("--tls-cert-file, --tls-private-key-file: {0}")]
    Tls(#[from] TlsError),
    /// A rule that was compiled and cannot be answered.
    #[error("a rule cannot be answered: {0}")]
    Rule(#[from] promql::ParseError),
    /// No HTTP client for the scraper.
    #[error(transparent)]
    Client(#[from] scraper::ClientError),
    /// The listening socket failed.
    #[error("cannot serve: {0}")]
    Serve(#[from] std::io::Error),
}

/// Scrapes, and serves the metrics APIs over HTTPS on `listener`, which is nonblocking, until `shutdown`.
///
/// # Errors
/// No certificate, or the listener failed.
pub async fn run(config: Config, listener: std::net::TcpListener, shutdown: Shutdown) -> Result<(), Error> {
    let Config { rules, scraper, alias_groups, certificate } = config;
    let tls = match certificate {
        Certificate::SelfSigned => daemon::tls::self_signed(&OWN_NAMES)?,
        Certificate::Files { cert_file, key_file } => daemon::tls::from_files(&cert_file, &key_file)?,
    };
    let (own, registry) = OwnMetrics::new();
    let readiness = Readiness::default();
    let serves_custom = !rules.is_empty();
    let source = match scraper.filter(|_| serves_custom) {
        None => Source::Nothing,
        Some(settings) => {
            tracing::info!(targets = settings.http_sd_url, interval = ?settings.interval, rules = rules.len(), "scraping");
            let scraper = Arc::new(Scraper::new(settings, Keep::new(&rules)?, own.clone())?);
            tokio::spawn(scraper.clone().run(shutdown.clone()));
            Source::scraper(scraper, own.clone())
        }
    };
    let current = Current::default();
    tokio::spawn(relist::run(rules, source.clone(), current.clone(), readiness.clone(), own.clone(), shutdown.clone()));
    let provider = Provider::new(source, current.clone());
    let groups = apiserver::Groups::new(serves_custom, alias_groups);
    let router = apiserver::router(groups, provider, current, own, registry, readiness);
    let address = listener.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tracing::info!(%address, "listening");
    Ok(daemon::serve::https(listener, tls, router, shutdown).await?)
}

/// The whole program: parses `arguments` (the first is its name), listens, runs until a signal.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Args = match daemon::parse(arguments) {
        Ok(args) => args,
        Err(code) => return code,
    };
    daemon::start(args.log, |shutdown| start(args, shutdown))
}

async fn start(args: Args, shutdown: Shutdown) -> anyhow::Result<()> {
    // Our errors say their causes themselves: as messages they are not said twice.
    let (config, listen) = args.config().map_err(anyhow::Error::msg)?;
    let listener = match listen {
        Listen::Address(address) => daemon::serve::bind(SECURE_PORT, &address),
        Listen::Stdin => daemon::serve::from_stdin(),
    };
    let listener = listener.map_err(anyhow::Error::msg)?;
    run(config, listener, shutdown).await.map_err(anyhow::Error::msg)
}
