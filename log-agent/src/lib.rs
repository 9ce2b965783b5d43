//! Binnacle's log-agent: ships every container's log lines to Elasticsearch, each exactly once. Data flows one way: discover
//! → tail → parse → join → enrich → batch → elasticsearch → checkpoint. The files are the buffer: nothing is spooled, and a
//! checkpoint moves only past what Elasticsearch has acknowledged.

pub mod args;
mod base64;
mod batch;
mod bell;
mod checkpoint;
mod dead_letter;
mod discover;
mod document;
pub mod elasticsearch;
mod enrich;
mod generation;
mod health;
mod http;
mod join;
mod json_text;
mod ledger;
mod metrics;
pub mod parse;
mod pipeline;
pub mod reader;
mod seldom;
mod state;
mod state_dir;
mod tail;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use daemon::Shutdown;

use crate::args::{Args, LISTEN_ADDRESS, Listen};

pub use args::Config;
pub use state_dir::StateError;

/// Why the agent cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of containers cannot be listed.
    #[error("--docker-containers: cannot list {}: {source}: name Docker's directory of containers, and give the right to read it", path.display())]
    Input {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// No client for the sink.
    #[error(transparent)]
    Client(#[from] elasticsearch::ClientError),
    /// The listening socket failed.
    #[error("cannot serve: {0}")]
    Serve(#[from] std::io::Error),
    /// A fault of ours: a part ended that runs as long as the program does.
    #[error("the {part} ended unexpectedly{}", fault.as_ref().map_or_else(String::new, |fault| format!(": {fault}")))]
    Ended {
        /// Which.
        part: &'static str,
        /// It panicked.
        fault: Option<tokio::task::JoinError>,
    },
}

/// Ships logs and serves probes on `listener`, which is nonblocking, until `shutdown`.
///
/// # Errors
/// The input, the state directory or the sink's URL cannot be used, or the listener failed.
pub async fn run(config: Config, listener: std::net::TcpListener, shutdown: Shutdown) -> Result<(), Error> {
    pipeline::run(config, listener, shutdown).await
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
    let address = listener.local_addr()?;
    tracing::info!(%address, containers = %config.docker_containers.display(), output = ?config.target, "log-agent listens");
    Ok(run(config, listener, shutdown).await?)
}
