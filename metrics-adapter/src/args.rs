//! The command line, with prometheus-adapter's flag names where it has them, turned into a [`Config`]. Apart from reading the
//! rules file nothing here has an effect.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser};

use crate::rule::Rule;
use crate::scraper::{self, discovery};
use crate::{ReadError, config};

/// The flag that chooses the port.
pub const SECURE_PORT: &str = "--secure-port";
/// Scraping more often than this measures the scraper.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// Scraping less often than this leaves rates of five minutes without samples.
const LONGEST_INTERVAL: Duration = Duration::from_hours(1);
/// A scrape may take this long if no flag says otherwise and the interval is longer; as in Prometheus.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves custom metrics to the HorizontalPodAutoscaler, from its own scrapes of the applications.
#[derive(Clone, Debug, Parser)]
#[command(name = "metrics-adapter", version, disable_help_subcommand = true)]
pub struct Args {
    /// The port on which to serve HTTPS
    #[arg(long = "secure-port", value_name = "PORT", default_value_t = 6443)]
    secure_port: u16,
    /// The address on which to serve
    #[arg(long = "bind-address", value_name = "ADDRESS", default_value = "0.0.0.0")]
    bind_address: IpAddr,
    /// File with the certificate for HTTPS, and the chain behind it; without it a self-signed one is made
    #[arg(long = "tls-cert-file", value_name = "FILE", requires = "tls_private_key_file")]
    tls_cert_file: Option<PathBuf>,
    /// File with the private key of --tls-cert-file
    #[arg(long = "tls-private-key-file", value_name = "FILE", requires = "tls_cert_file")]
    tls_private_key_file: Option<PathBuf>,
    /// File with the rules, in prometheus-adapter's format
    #[arg(long = "config", value_name = "FILE")]
    config: PathBuf,
    /// Where the list of targets is, in the format of Prometheus' HTTP service discovery
    #[arg(long = "scraper.http-sd-url", value_name = "URL")]
    http_sd_url: Option<String>,
    /// How often to scrape each target and to read the list of targets
    #[arg(long = "scraper.interval", value_name = "DURATION", default_value = "15s", value_parser = daemon::duration::parse)]
    interval: Duration,
    /// How long a scrape may take [default: 10s, or the interval if that is shorter]
    #[arg(long = "scraper.timeout", value_name = "DURATION", value_parser = daemon::duration::parse)]
    timeout: Option<Duration>,
    /// Serve the custom metrics under this API group, too; may be repeated
    #[arg(long = "alias-group", value_name = "GROUP", action = ArgAction::Append)]
    alias_groups: Vec<String>,
    /// Take the listening socket from standard input
    #[arg(long = "listener-from-stdin", hide = true)]
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

/// What the adapter does, all flags understood.
#[derive(Clone, Debug)]
pub struct Config {
    /// The rules.
    pub rules: Vec<Rule>,
    /// How to scrape; none is enough for a file without rules.
    pub scraper: Option<scraper::Settings>,
    /// Further names of the API group.
    pub alias_groups: Vec<String>,
    /// With which certificate to serve.
    pub certificate: Certificate,
}

/// With which certificate to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// One made at start, for this machine's own names.
    SelfSigned,
    /// One from PEM files.
    Files {
        /// The certificate and the chain behind it.
        cert_file: PathBuf,
        /// The private key.
        key_file: PathBuf,
    },
}

/// A command line that is well-formed and still impossible.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The rules file cannot be used.
    #[error(transparent)]
    Rules(#[from] ReadError),
    /// Rules, and nothing to answer them from.
    #[error(
        "--scraper.http-sd-url is missing: the rules need targets, so name the address of their list, such as http://127.0.0.1:8080/targets"
    )]
    NoTargets,
    /// An address that cannot be asked.
    #[error("--scraper.http-sd-url: {0:?} is not an address such as http://127.0.0.1:8080/targets: {1}")]
    TargetsUrl(String, String),
    /// Too often, or too seldom.
    #[error("--scraper.interval: it must be between 100ms and 1h")]
    Interval,
    /// No time, or more than there is.
    #[error("--scraper.timeout: it must be more than zero and not longer than --scraper.interval")]
    Timeout,
    /// A name that no API group can have.
    #[error(
        "--alias-group: {0:?} is not the name of an API group, or is served already: write it as custom-metrics.metrics.k8s.io"
    )]
    AliasGroup(String),
}

impl Args {
    /// The configuration and the place to listen.
    ///
    /// # Errors
    /// One sentence that names the flag, or the file and line.
    pub fn config(self) -> Result<(Config, Listen), ConfigError> {
        let Self {
            secure_port,
            bind_address,
            tls_cert_file,
            tls_private_key_file,
            config,
            http_sd_url,
            interval,
            timeout,
            alias_groups,
            listener_from_stdin,
            log: _,
        } = self;
        let rules = config::read(&config)?;
        if !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&interval) {
            return Err(ConfigError::Interval);
        }
        let timeout = timeout.unwrap_or(USUAL_TIMEOUT.min(interval));
        if timeout.is_zero() || timeout > interval {
            return Err(ConfigError::Timeout);
        }
        let scraper = http_sd_url.map(|http_sd_url| match discovery::check_url(&http_sd_url) {
            Ok(()) => Ok(scraper::Settings { http_sd_url, interval, timeout }),
            Err(problem) => Err(ConfigError::TargetsUrl(http_sd_url, problem)),
        });
        let scraper = scraper.transpose()?;
        if scraper.is_none() && !rules.is_empty() {
            return Err(ConfigError::NoTargets);
        }
        for (index, group) in alias_groups.iter().enumerate() {
            if !is_group(group) || group == metrics_api::custom_metrics::GROUP || alias_groups[..index].contains(group) {
                return Err(ConfigError::AliasGroup(group.clone()));
            }
        }
        let certificate = match (tls_cert_file, tls_private_key_file) {
            (Some(cert_file), Some(key_file)) => Certificate::Files { cert_file, key_file },
            _ => Certificate::SelfSigned,
        };
        let address = || Listen::Address(SocketAddr::new(bind_address, secure_port).to_string());
        let listen = if listener_from_stdin { Listen::Stdin } else { address() };
        Ok((Config { rules, scraper, alias_groups, certificate }, listen))
    }
}

/// Whether an API group can have this name: parts of lower-case letters, digits and dashes, at least two of them.
fn is_group(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.contains('.') && text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "rules: [{seriesQuery: x, resources: {template: <<.Resource>>}, metricsQuery: '<<.Series>>'}]";

    fn config(rules: &str, arguments: &[&str]) -> Result<(Config, Listen), String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.yaml");
        std::fs::write(&file, rules).unwrap();
        let arguments = ["metrics-adapter", "--config", file.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
        Args::try_parse_from(arguments).map_err(|error| error.to_string())?.config().map_err(|error| error.to_string())
    }

    #[test]
    fn defaults() {
        let (config, listen) = config(RULES, &["--scraper.http-sd-url=http://sd/"]).unwrap();
        assert_eq!(listen, Listen::Address("0.0.0.0:6443".to_owned()));
        assert_eq!(config.certificate, Certificate::SelfSigned);
        let scraper = config.scraper.unwrap();
        assert_eq!((scraper.interval, scraper.timeout), (Duration::from_secs(15), Duration::from_secs(10)));
        assert_eq!(config.rules.len(), 1);
    }

    #[test]
    fn flags_are_taken() {
        let url = "--scraper.http-sd-url=http://sd/";
        let arguments = [
            url,
            "--scraper.interval=1m30s",
            "--scraper.timeout=500ms",
            "--bind-address=::1",
            "--secure-port=1",
            "--alias-group=a.b",
        ];
        let (config, listen) = config(RULES, &arguments).unwrap();
        let scraper = config.scraper.unwrap();
        assert_eq!((scraper.interval, scraper.timeout), (Duration::from_secs(90), Duration::from_millis(500)));
        assert_eq!((listen, config.alias_groups.as_slice()), (Listen::Address("[::1]:1".to_owned()), &["a.b".to_owned()][..]));
    }

    #[test]
    fn the_timeout_follows_a_short_interval() {
        let (config, listen) =
            config(RULES, &["--scraper.http-sd-url=http://sd/", "--scraper.interval=5s", "--listener-from-stdin"]).unwrap();
        assert_eq!((config.scraper.unwrap().timeout, listen), (Duration::from_secs(5), Listen::Stdin));
    }

    #[test]
    fn a_file_without_rules_needs_no_targets() {
        assert!(config("", &[]).unwrap().0.scraper.is_none());
    }

    #[test]
    fn faults_name_the_flag() {
        let check = |arguments: &[&str], expected: &str| {
            let error = config(RULES, arguments).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        let url = "--scraper.http-sd-url=http://sd/";
        check(&[], "--scraper.http-sd-url is missing");
        check(&["--scraper.http-sd-url=sd"], "--scraper.http-sd-url: \"sd\"");
        check(&["--scraper.http-sd-url=https://sd/"], "over http");
        check(&[url, "--scraper.interval=1ms"], "--scraper.interval");
        check(&[url, "--scraper.interval=soon"], "--scraper.interval");
        check(&[url, "--scraper.interval=-5s"], "--scraper.interval");
        check(&[url, "--scraper.timeout=16s"], "--scraper.timeout");
        check(&[url, "--scraper.timeout=0s"], "--scraper.timeout");
        check(&[url, "--alias-group=custom.metrics.k8s.io"], "--alias-group");
        check(&[url, "--alias-group=a.b", "--alias-group=a.b"], "--alias-group");
        check(&[url, "--alias-group=a/b"], "--alias-group");
        check(&[url, "--tls-cert-file=x"], "--tls-private-key-file");
        check(&[url, "--unknown"], "--unknown");
        let error = config("rules: 3", &[]).unwrap_err();
        assert!(error.contains("rules.yaml:1"), "{error}");
    }
}
