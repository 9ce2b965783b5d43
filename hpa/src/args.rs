//! The command line, spelt as kube-controller-manager spells it where it has the flag, turned into a [`Config`]. Reading the
//! files that flags name is all that it does.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::client::{Client, ClientError, Trust, Url};
use crate::observe::Servers;
use crate::settings::{Defects, Settings};
use crate::spec::Autoscaler;
use crate::spec::file::{self, ReadError};

/// The flag that chooses the address.
pub const LISTEN_ADDRESS: &str = "--listen-address";

/// Scales workloads as the HorizontalPodAutoscaler does, and says why.
#[derive(Clone, Debug, Parser)]
#[command(name = "hpa", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What `hpa` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the autoscaling loop for the autoscaler in a file
    Run(Box<RunArgs>),
    /// Decide scenarios from standard input: one JSON object a line in, one a line out
    Decide {
        /// What to do where upstream's arithmetic has known defects
        #[arg(long, value_enum, default_value_t = DefectsArg::Upstream)]
        defects: DefectsArg,
    },
    /// Walk an autoscaler through recorded load, tick by tick
    Simulate {
        /// A file of traces
        file: PathBuf,
        /// Print how each decision came about
        #[arg(long)]
        trace: bool,
        /// What to do where upstream's arithmetic has known defects
        #[arg(long, value_enum, default_value_t = DefectsArg::Upstream)]
        defects: DefectsArg,
    },
}

/// Which arithmetic.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefectsArg {
    /// As kube-controller-manager 1.37.2 has it
    Upstream,
    /// Saturating instead of wrapping around
    Mended,
}

impl From<DefectsArg> for Defects {
    fn from(given: DefectsArg) -> Self {
        if given == DefectsArg::Upstream { Self::UPSTREAM } else { Self::default() }
    }
}

/// The flags of `hpa run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// File with one autoscaling/v2 HorizontalPodAutoscaler
    #[arg(long, value_name = "FILE")]
    hpa_file: PathBuf,
    /// Kubernetes API server: scales and pods
    #[arg(long, value_name = "URL")]
    server: Url,
    /// Server of the custom metrics API; the API server when not given
    #[arg(long, value_name = "URL")]
    metrics_server: Option<Url>,
    /// Take any certificate of the servers
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// PEM file with the only authorities whose certificates count
    #[arg(long, value_name = "FILE", conflicts_with = "insecure_skip_tls_verify")]
    certificate_authority: Option<PathBuf>,
    /// Time between two syncs
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = daemon::duration::parse)]
    horizontal_pod_autoscaler_sync_period: Duration,
    /// How far the ratio of metric and target may be from 1 before anything is done
    #[arg(long, value_name = "RATIO", default_value_t = 0.1)]
    horizontal_pod_autoscaler_tolerance: f64,
    /// How long a high recommendation holds replicas up
    #[arg(long, value_name = "DURATION", default_value = "5m0s", value_parser = daemon::duration::parse)]
    horizontal_pod_autoscaler_downscale_stabilization: Duration,
    /// How long after its start a pod's CPU samples may be left out
    #[arg(long, value_name = "DURATION", default_value = "5m0s", value_parser = daemon::duration::parse)]
    horizontal_pod_autoscaler_cpu_initialization_period: Duration,
    /// How soon after a pod's start a change of readiness counts as never ready yet
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = daemon::duration::parse)]
    horizontal_pod_autoscaler_initial_readiness_delay: Duration,
    /// What to do where upstream's arithmetic has known defects
    #[arg(long, value_enum, default_value_t = DefectsArg::Mended)]
    defects: DefectsArg,
    /// Address for decisions, probes and metrics, such as `:8090` or `127.0.0.1:8090`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen_address: String,
    /// Take the listening socket from standard input
    #[arg(long, hide = true)]
    listener_from_stdin: bool,
    /// How to log
    #[command(flatten)]
    pub log: daemon::log::LogArgs,
}

/// Where requests come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A new socket at this address.
    Address(String),
    /// The socket that the parent process passed as standard input.
    Stdin,
}

/// What `hpa run` does, all flags understood.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is wanted.
    pub autoscaler: Autoscaler,
    /// Who is asked.
    pub servers: Servers,
    /// Time between two syncs.
    pub sync_period: Duration,
    /// The settings of every decision.
    pub settings: Settings,
}

/// A command line that is well-formed and still impossible.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The autoscaler's file.
    #[error("--hpa-file: {0}")]
    File(ReadError),
    /// A URL that no request can have.
    #[error("{flag}: {url} is not the URL of a server: write one such as https://127.0.0.1:6443")]
    Url {
        /// The flag.
        flag: &'static str,
        /// What it was given.
        url: Url,
    },
    /// The authorities cannot be read.
    #[error("--certificate-authority: cannot read {}: {reason}: name a file with PEM certificates", path.display())]
    Authority {
        /// What it was given.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Syncs without a pause.
    #[error("--horizontal-pod-autoscaler-sync-period: it must be above 0: write a duration such as 15s")]
    SyncPeriod,
    /// No tolerance.
    #[error("--horizontal-pod-autoscaler-tolerance: {0} is no tolerance: write a number from 0 on, such as 0.1")]
    Tolerance(f64),
    /// The servers' certificates.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl RunArgs {
    /// The configuration and the place to listen.
    ///
    /// # Errors
    /// One sentence that names the flag.
    pub fn config(self) -> Result<(Config, Listen), ConfigError> {
        let Self {
            hpa_file,
            server,
            metrics_server,
            insecure_skip_tls_verify,
            certificate_authority,
            horizontal_pod_autoscaler_sync_period: sync_period,
            horizontal_pod_autoscaler_tolerance: tolerance,
            horizontal_pod_autoscaler_downscale_stabilization: downscale_stabilization,
            horizontal_pod_autoscaler_cpu_initialization_period: cpu_initialization_period,
            horizontal_pod_autoscaler_initial_readiness_delay: initial_readiness_delay,
            defects,
            listen_address,
            listener_from_stdin,
            log: _,
        } = self;
        if sync_period.is_zero() {
            return Err(ConfigError::SyncPeriod);
        }
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            return Err(ConfigError::Tolerance(tolerance));
        }
        let metrics_server = metrics_server.unwrap_or_else(|| server.clone());
        for (flag, url) in [("--server", &server), ("--metrics-server", &metrics_server)] {
            if !matches!(url.scheme(), "http" | "https") {
                return Err(ConfigError::Url { flag, url: url.clone() });
            }
        }
        let read = |path: PathBuf| std::fs::read(&path).map_err(|reason| ConfigError::Authority { path, reason });
        let authority = certificate_authority.map(read).transpose()?;
        let trust = Trust { insecure: insecure_skip_tls_verify, authority };
        let servers = Servers { kubernetes: Client::new(server, &trust)?, metrics: Client::new(metrics_server, &trust)? };
        let settings = Settings {
            tolerance,
            downscale_stabilization,
            cpu_initialization_period,
            initial_readiness_delay,
            defects: defects.into(),
            ..Settings::default()
        };
        let autoscaler = file::read(&hpa_file).map_err(ConfigError::File)?;
        let listen = if listener_from_stdin { Listen::Stdin } else { Listen::Address(listen_address) };
        Ok((Config { autoscaler, servers, sync_period, settings }, listen))
    }
}

#[cfg(test)]
mod tests;
