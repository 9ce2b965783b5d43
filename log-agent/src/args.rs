//! The command line, turned into a [`Config`]. Nothing here has an effect.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::elasticsearch::{self, Target, TargetError};
use crate::reader::Tempo;

/// The flag that chooses the address of probes and metrics.
pub const LISTEN_ADDRESS: &str = "--listen-address";

const EXAMPLES: &str = "\
Examples:
  log-agent --elasticsearch http://es:9200
      every container's log, with its checkpoint under /var/lib/log-agent
  log-agent --docker-containers /mnt/containers --state-dir ./state --elasticsearch https://agent:secret@es:9200 --index logs
      another place, TLS and a password";

/// Ships every container's log lines to Elasticsearch or OpenSearch, each exactly once.
#[derive(Clone, Debug, Parser)]
#[command(name = "log-agent", version, after_help = EXAMPLES)]
pub struct Args {
    /// Docker's directory of containers, with ID/ID-json.log and its rotated files
    #[arg(long, value_name = "DIR", default_value = "/var/lib/docker/containers")]
    pub docker_containers: PathBuf,
    /// Directory of the checkpoint and of dead letters; made if it is not there, used by one log-agent at a time
    #[arg(long, value_name = "DIR", default_value = "/var/lib/log-agent")]
    pub state_dir: PathBuf,
    /// Elasticsearch or OpenSearch, with user and password if it wants them
    #[arg(
        long,
        value_name = "URL",
        env = "LOG_AGENT_ELASTICSEARCH",
        hide_env_values = true,
        default_value = "http://127.0.0.1:9200"
    )]
    pub elasticsearch: String,
    /// Index or data stream that documents are created in
    #[arg(long, value_name = "NAME", default_value = "logs")]
    pub index: String,
    /// Pack request bodies with gzip: a tenth of the network traffic for about twice the CPU time
    #[arg(long)]
    pub gzip: bool,
    /// Size of a bulk request, about; memory holds up to five of them while the sink is slow
    #[arg(long, value_name = "BYTES", default_value_t = 2 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(1024..=64 * 1024 * 1024))]
    pub bulk_bytes: u64,
    /// Longest wait for more lines before a bulk request is sent
    #[arg(long, value_name = "DURATION", default_value = "250ms", value_parser = daemon::duration::parse)]
    pub flush_interval: Duration,
    /// Address on which to serve probes, metrics and state
    #[arg(long, value_name = "ADDRESS", default_value = ":2020")]
    pub listen_address: String,
    /// Take the listening socket from standard input
    #[arg(long, hide = true)]
    pub listener_from_stdin: bool,
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

/// What the agent does, all flags understood.
#[derive(Clone, Debug)]
pub struct Config {
    /// Docker's directory of containers.
    pub docker_containers: PathBuf,
    /// Directory of the checkpoint and of dead letters.
    pub state_dir: PathBuf,
    /// Where lines go.
    pub target: Target,
    /// Size of a bulk request, about.
    pub bulk_bytes: usize,
    /// Longest wait for more lines before a bulk request is sent.
    pub flush_interval: Duration,
    /// How often files are looked at.
    pub tempo: Tempo,
}

impl Args {
    /// The configuration and the place to listen.
    ///
    /// # Errors
    /// One sentence that names the flag.
    pub fn config(self) -> Result<(Config, Listen), TargetError> {
        let Self {
            docker_containers,
            state_dir,
            elasticsearch,
            index,
            gzip,
            bulk_bytes,
            flush_interval,
            listen_address,
            listener_from_stdin,
            log: _,
        } = self;
        let listen = if listener_from_stdin { Listen::Stdin } else { Listen::Address(listen_address) };
        let target = elasticsearch::target(&elasticsearch, index, gzip)?;
        let bulk_bytes = usize::try_from(bulk_bytes).unwrap_or(usize::MAX);
        let tempo = Tempo::default();
        // Paths go into documents, where nobody knows what they would be relative to.
        let docker_containers = std::path::absolute(&docker_containers).unwrap_or(docker_containers);
        Ok((Config { docker_containers, state_dir, target, bulk_bytes, flush_interval, tempo }, listen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expected: Result<&str, &str>) {
        let parsed = Args::try_parse_from([&["log-agent"], arguments].concat()).map_err(|error| error.to_string());
        match (parsed.and_then(|args| args.config().map_err(|error| error.to_string())), expected) {
            (Ok((config, listen)), Ok(expected)) => {
                assert_eq!(format!("{:?} {} {listen:?}", config.target, config.flush_interval.as_millis()), expected)
            }
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{arguments:?}: {error}"),
            (parsed, _) => panic!("{arguments:?} gave {parsed:?}"),
        }
    }

    #[test]
    fn flags() {
        check(&[], Ok("http://127.0.0.1:9200/ index logs 250 Address(\":2020\")"));
        let given = [
            "--elasticsearch",
            "https://me:secret@es:9200/prefix",
            "--index",
            "my-logs",
            "--flush-interval",
            "1s",
            "--listener-from-stdin",
        ];
        check(&given, Ok("https://es:9200/prefix index my-logs 1000 Stdin"));
        check(&["--flush-interval", "soon"], Err("not a duration such as 500ms"));
        check(&["--bulk-bytes", "10"], Err("1024"));
        check(&["--elasticsearch", "es:9200"], Err("--elasticsearch"));
        check(&["--index", "Logs"], Err("--index"));
        check(&["--nonsense"], Err("--nonsense"));
    }

    #[test]
    fn a_password_is_never_shown() {
        let (config, _) =
            Args::try_parse_from(["log-agent", "--elasticsearch", "http://me:secret@es:9200"]).unwrap().config().unwrap();
        let authorization = config.target.authorization.clone().unwrap();
        assert!(!format!("{config:?}").contains("secret") && authorization.is_sensitive());
        assert_eq!(authorization.as_bytes(), b"Basic bWU6c2VjcmV0");
    }
}
