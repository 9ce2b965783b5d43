//! The embedded log store: an index on local disk behind a small subset of Elasticsearch's HTTP API, so that the log
//! agent needs one client for both. One process, one data directory, no cluster: no shards, mappings, updates by script or
//! deletes by id. What it answers it has committed to disk.

mod bulk;
mod data_directory;
mod document;
mod failure;
mod http;
mod metrics;
mod query;
mod retention;
mod search;
mod search_request;
mod writer;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use daemon::Shutdown;
use daemon::log::LogArgs;

use data_directory::DataDirectory;
use metrics::Metrics;
use writer::Writer;

/// How long the last commit may take after the server has drained: the whole stack ends within 5 s, and half of it is the
/// server's.
const LAST_COMMIT: Duration = Duration::from_secs(2);

/// An embedded log store that speaks a small part of Elasticsearch's HTTP API.
#[derive(Parser, Debug)]
#[command(name = "log-store", version)]
pub struct Args {
    /// Address to listen on
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9200")]
    pub listen_address: String,
    /// Take the listening socket from standard input
    #[arg(long, hide = true)]
    pub listener_from_stdin: bool,
    /// Directory of the index; made if it is not there, used by one log store at a time
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Least time between two commits; a bulk request is answered after the commit that holds it
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = daemon::duration::parse)]
    pub commit_interval: Duration,
    /// Keep at most about this many documents; beyond it the oldest twentieth is dropped
    #[arg(long, value_name = "NUMBER", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_documents: u64,
    /// How to log
    #[command(flatten)]
    pub log: LogArgs,
}

/// What a log store needs besides its listener.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the index; made if it is not there.
    pub data_dir: PathBuf,
    /// Least time between two commits.
    pub commit_interval: Duration,
    /// Documents to keep; beyond it the oldest twentieth is dropped.
    pub max_documents: u64,
}

impl Args {
    /// The settings without the listener's and the logger's.
    #[must_use]
    pub fn config(self) -> Config {
        Config { data_dir: self.data_dir, commit_interval: self.commit_interval, max_documents: self.max_documents }
    }
}

/// Why a log store cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such directory, no right to write there, no space left.
    #[error("--data-dir: cannot write in {}: {cause}: make room or give the right to write there, or choose another directory", path.display())]
    DataDirectory {
        /// The data directory.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Another process has the data directory.
    #[error("--data-dir: {} is in use by another log store: end that one, or choose another directory", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The files there are no index, a broken one, or one of another version.
    #[error("--data-dir: {} holds no index that can be read: {reason}: move it away to start with an empty one", path.display())]
    Unreadable {
        /// The data directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The listener failed for good.
    #[error("cannot serve")]
    Serve(#[from] std::io::Error),
    /// A fault of ours; the requests under way were not acknowledged.
    #[error("the thread that writes the index ended: {0}")]
    Writer(tokio::task::JoinError),
}

/// Opens the index and serves it on `listener` until `shutdown`.
///
/// # Errors
/// The data directory cannot be used, or the listener fails for good.
pub async fn run(config: Config, listener: std::net::TcpListener, shutdown: Shutdown) -> Result<(), Error> {
    let Config { data_dir, commit_interval, max_documents } = config;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let directory = Arc::new(DataDirectory::open(data_dir)?);
    let (metrics, registry) = Metrics::new();
    let (mut writer, bulks) = Writer::new(directory.clone(), metrics.clone(), commit_interval, max_documents)?;
    let readiness = writer.readiness();
    let stop = bulks.clone();
    let mut writing = tokio::task::spawn_blocking(move || writer.run());
    let router = http::router(directory, bulks, metrics, readiness.clone()).merge(daemon::admin::router(registry, readiness));
    tokio::select! {
        served = daemon::serve::http(listener, router, shutdown) => served?,
        ended = &mut writing => return ended.map_err(Error::Writer),
    }
    stop.stop();
    match tokio::time::timeout(LAST_COMMIT, writing).await {
        Ok(ended) => ended.map_err(Error::Writer),
        Err(_) => {
            tracing::warn!("the last commit did not end in time: its bulk requests were not acknowledged");
            Ok(())
        }
    }
}

/// Runs the command line `arguments`.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Args = match daemon::parse(arguments) {
        Ok(args) => args,
        Err(code) => return code,
    };
    daemon::start(args.log, async move |shutdown| {
        let listener = if args.listener_from_stdin {
            daemon::serve::from_stdin()?
        } else {
            daemon::serve::bind("--listen-address", &args.listen_address)?
        };
        tracing::info!(address = %listener.local_addr()?, data_dir = %args.data_dir.display(), "log store listens");
        run(args.config(), listener, shutdown).await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests;
