//! Binnacle's node-exporter: reads the kernel of one machine at every scrape and shows it under the names of Prometheus'
//! `node_exporter`. Data flows one way: host → collector → scrape → exposition → http. It stores nothing and sends nothing.

pub mod args;
pub mod collector;
pub mod exposition;
pub mod filter;
pub mod flag;
pub mod host;
pub mod http;
pub mod metric;
pub mod scrape;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use daemon::Shutdown;

use crate::args::{Args, Config, LISTEN_ADDRESS, Listen};
use crate::host::Host;
use crate::http::Exporter;
use crate::scrape::{Requests, Scraper};

/// Why the exporter cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A collector cannot be made.
    #[error(transparent)]
    Collector(#[from] collector::Error),
    /// The listening socket failed.
    #[error("cannot serve: {0}")]
    Serve(#[from] std::io::Error),
}

/// Serves scrapes on `listener`, which is nonblocking, until `shutdown`.
///
/// # Errors
/// A collector's flags cannot be used, or the listener failed.
pub async fn run(config: Config, listener: std::net::TcpListener, shutdown: Shutdown) -> Result<(), Error> {
    let Config { roots, telemetry_path, max_requests, exporter_metrics, collectors, flags } = config;
    let scraper = Scraper::new(Host::new(roots), &collectors, &flags)?;
    let exporter = Arc::new(Exporter { scraper, requests: Requests::default(), max_requests, exporter_metrics });
    let address = listener.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tracing::info!(%address, path = telemetry_path, collectors = collectors.join(","), "listening");
    Ok(daemon::serve::http(listener, http::router(exporter, &telemetry_path), shutdown).await?)
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
    let (config, listen) = args.config()?;
    let listener = match listen {
        Listen::Address(address) => daemon::serve::bind(LISTEN_ADDRESS, &address)?,
        Listen::Stdin => daemon::serve::from_stdin()?,
    };
    Ok(run(config, listener, shutdown).await?)
}
