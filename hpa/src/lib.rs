//! The HorizontalPodAutoscaler: observe → decide (pure) → act. `decide` is the algorithm of kube-controller-manager as one
//! function without clock and client; the controller, scenarios and simulations are its callers, and later tools too.

pub mod args;
pub mod behavior;
pub mod client;
pub mod conditions;
pub mod controller;
pub mod decide;
pub mod decisions;
pub mod events;
pub mod fetched;
pub mod history;
pub mod http;
pub mod monitor;
pub mod normalize;
pub mod observe;
pub mod pods;
pub mod proposal;
pub mod replica_calculator;
pub mod report;
pub mod sample;
pub mod scenario;
pub mod selector;
pub mod settings;
pub mod simulate;
pub mod spec;
pub mod stabilization;
pub mod status;
pub mod tolerance;
pub mod trace;
pub mod why;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use daemon::Shutdown;
use daemon::admin::Readiness;
use jiff::Timestamp;

use crate::args::{Cli, Command, Config, LISTEN_ADDRESS, Listen, RunArgs};
use crate::controller::Controller;
use crate::decisions::Decisions;
use crate::monitor::Monitor;

/// Why the controller cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listening socket failed.
    #[error("cannot serve: {0}")]
    Serve(std::io::Error),
}

/// Syncs the autoscaler and serves its decisions on `listener`, which is nonblocking, until `shutdown`.
///
/// # Errors
/// The listener failed.
pub async fn run(config: Config, listener: std::net::TcpListener, shutdown: Shutdown) -> Result<(), Error> {
    let Config { autoscaler, servers, sync_period, settings } = config;
    let address = listener.local_addr().map_err(Error::Serve)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::Serve)?;
    let readiness = Readiness::default();
    let (monitor, registry) = Monitor::new();
    let decisions = Arc::new(Decisions::new(&autoscaler));
    tracing::info!(%address, target = autoscaler.target(), period = ?sync_period, "listening");
    let router = http::router(decisions.clone(), daemon::admin::router(Arc::new(registry), readiness.clone()));
    let controller = Controller { autoscaler, servers, settings, decisions, readiness, monitor, clock: Timestamp::now };
    let syncs = controller.run(sync_period, shutdown.clone());
    let serving = async {
        let served = daemon::serve::http(listener, router, shutdown.clone()).await;
        // Without its endpoints nobody can see what the loop does: it ends too.
        shutdown.cancel();
        served
    };
    let (served, ()) = tokio::join!(serving, syncs);
    served.map_err(Error::Serve)
}

/// The whole program: parses `arguments` (the first is its name) and does what the subcommand says.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match daemon::parse(arguments) {
        Ok(Cli { command }) => command,
        Err(code) => return code,
    };
    match command {
        Command::Run(args) => daemon::start(args.log, |shutdown| start(*args, shutdown)),
        Command::Decide { defects } => {
            done(scenario::decide_all(std::io::stdin().lock(), std::io::stdout().lock(), defects.into()))
        }
        Command::Simulate { file, trace, defects } => {
            let lines = std::io::BufWriter::new(std::io::stdout().lock());
            done(simulate::simulate(&file, lines, trace, defects.into()))
        }
    }
}

async fn start(args: RunArgs, shutdown: Shutdown) -> anyhow::Result<()> {
    let (config, listen) = args.config()?;
    let listener = match listen {
        Listen::Address(address) => daemon::serve::bind(LISTEN_ADDRESS, &address)?,
        Listen::Stdin => daemon::serve::from_stdin()?,
    };
    Ok(run(config, listener, shutdown).await?)
}

fn done<E: std::error::Error + Send + Sync + 'static>(outcome: Result<(), E>) -> ExitCode {
    outcome.map_or_else(|error| daemon::failed(&error.into()), |()| ExitCode::SUCCESS)
}
