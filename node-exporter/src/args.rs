//! The command line, spelt as `node_exporter` spells it, turned into a [`Config`]. The flags of collectors come from the
//! table of collectors; nothing here has an effect.

mod collectors;

use std::path::PathBuf;

use clap::{ArgAction, Parser};

use self::collectors::CollectorArgs;
use crate::flag::Flags;
use crate::host::Roots;

/// The flag that chooses the address.
pub const LISTEN_ADDRESS: &str = "--web.listen-address";

const OWN_PROCFS: &str = "/proc";
const LOCAL_TIME: &str = "/etc/localtime";
const TIME_ZONES: &str = "/usr/share/zoneinfo";

/// Reads this machine's kernel and serves what it says as Prometheus metrics.
#[derive(Clone, Debug, Parser)]
#[command(name = "node-exporter", version, disable_help_subcommand = true)]
pub struct Args {
    /// Address on which to expose metrics and web interface, such as `:9100` or `[::1]:9100`
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = ":9100")]
    listen_addresses: Vec<String>,
    /// Path under which to expose metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics")]
    telemetry_path: String,
    /// Maximum number of parallel scrape requests. Use 0 to disable
    #[arg(long = "web.max-requests", value_name = "N", default_value_t = 40)]
    max_requests: usize,
    /// Exclude metrics about the exporter itself (`promhttp_*`, `process_*`)
    #[arg(long = "web.disable-exporter-metrics", overrides_with = "exporter_metrics")]
    disable_exporter_metrics: bool,
    #[arg(long = "no-web.disable-exporter-metrics", hide = true, action = ArgAction::SetTrue)]
    exporter_metrics: bool,
    // Upstream's limit on threads, taken so that its command lines start: here one thread does all that cannot hang.
    #[arg(long = "runtime.gomaxprocs", env = "GOMAXPROCS", hide = true, default_value_t = 1)]
    gomaxprocs: u32,
    /// procfs mountpoint
    #[arg(long = "path.procfs", value_name = "PATH", default_value = "/proc")]
    procfs: PathBuf,
    /// sysfs mountpoint
    #[arg(long = "path.sysfs", value_name = "PATH", default_value = "/sys")]
    sysfs: PathBuf,
    /// rootfs mountpoint
    #[arg(long = "path.rootfs", value_name = "PATH", default_value = "/")]
    rootfs: PathBuf,
    /// udev data path
    #[arg(long = "path.udev.data", value_name = "PATH", default_value = "/run/udev/data")]
    udev_data: PathBuf,
    /// Take the listening socket from standard input
    #[arg(long = "listener-from-stdin", hide = true)]
    listener_from_stdin: bool,
    #[command(flatten)]
    collectors: CollectorArgs,
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

/// What the exporter does, all flags understood.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the machine's file systems are.
    pub roots: Roots,
    /// The path that answers with metrics.
    pub telemetry_path: String,
    /// Scrapes at once; 0: as many as come.
    pub max_requests: usize,
    /// Whether `process_*` and `promhttp_*` are shown.
    pub exporter_metrics: bool,
    /// Names of the collectors that are on, in the order of the table.
    pub collectors: Vec<&'static str>,
    /// The collectors' own flags.
    pub flags: Flags,
}

/// A command line that is well-formed and still impossible.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// More than one address.
    #[error("{LISTEN_ADDRESS} is given {0} times: this version listens on one address, give one (`:9100` is every interface)")]
    Addresses(usize),
    /// A path that no request can have.
    #[error("--web.telemetry-path: {0:?} does not start with a slash: write it as /metrics")]
    TelemetryPath(String),
    /// No procfs or sysfs.
    #[error("{flag}: {} is not a directory: name the place where the file system is mounted", path.display())]
    Root {
        /// The flag.
        flag: &'static str,
        /// What it was given.
        path: PathBuf,
    },
}

impl Args {
    /// The configuration and the place to listen.
    ///
    /// # Errors
    /// One sentence that names the flag.
    pub fn config(self) -> Result<(Config, Listen), ConfigError> {
        let Self {
            mut listen_addresses,
            telemetry_path,
            max_requests,
            disable_exporter_metrics,
            exporter_metrics: _,
            gomaxprocs: _,
            procfs,
            sysfs,
            rootfs,
            udev_data,
            listener_from_stdin,
            collectors: CollectorArgs { on, flags },
            log: _,
        } = self;
        let listen = match (listener_from_stdin, listen_addresses.len()) {
            (true, _) => Listen::Stdin,
            (false, 1) => Listen::Address(listen_addresses.remove(0)),
            (false, many) => return Err(ConfigError::Addresses(many)),
        };
        if !telemetry_path.starts_with('/') {
            return Err(ConfigError::TelemetryPath(telemetry_path));
        }
        for (flag, path) in [("--path.procfs", &procfs), ("--path.sysfs", &sysfs), ("--path.rootfs", &rootfs)] {
            if !path.is_dir() {
                return Err(ConfigError::Root { flag, path: path.clone() });
            }
        }
        let roots = Roots { procfs, sysfs, rootfs, udev_data, ..Roots::machine() };
        let exporter_metrics = !disable_exporter_metrics;
        Ok((Config { roots, telemetry_path, max_requests, exporter_metrics, collectors: on, flags }, listen))
    }
}

impl Roots {
    /// The file systems of this machine where Linux has them, as seen by this process.
    #[must_use]
    pub fn machine() -> Self {
        Self {
            procfs: "/proc".into(),
            sysfs: "/sys".into(),
            rootfs: "/".into(),
            udev_data: "/run/udev/data".into(),
            own_procfs: OWN_PROCFS.into(),
            local_time: LOCAL_TIME.into(),
            time_zones: TIME_ZONES.into(),
        }
    }
}

#[cfg(test)]
mod tests;
