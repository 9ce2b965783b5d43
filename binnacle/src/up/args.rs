//! The command line of `binnacle up`, turned into a [`Config`]. A run of a given length is compressed: its script, window
//! and periods follow from the length, unless flags set them. Nothing here has an effect.

use std::path::PathBuf;
use std::time::Duration;

use daemon::duration::{parse, positive};
use reqwest::Url;

use super::load::{self, Phase};

/// The rate's window without `--duration`: the two minutes that the rules of the custom metrics API have by custom.
const RATE_WINDOW: Duration = Duration::from_mins(2);
/// How often the application's counters are scraped without `--duration`.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(5);
/// How often the autoscaler decides without `--duration`, as kube-controller-manager does.
const SYNC_PERIOD: Duration = Duration::from_secs(15);
/// The script without `--duration`, which begins again at its end. After the hold a two-minute window needs about 100 s to
/// forget the load, and the autoscaler its stabilization window more.
const SCRIPT: &str = "quiet:30s@5,ramp:20s@5-450,hold:80s@450,quiet:170s@5";
/// Longer runs have no use for a compressed script.
const LONGEST: Duration = Duration::from_hours(24);
/// The shortest run in which the story fits: load, more replicas, quiet, the window's end, stabilization, fewer replicas.
const SHORTEST_STORY: Duration = Duration::from_mins(1);

/// Run the whole stack on this machine
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Address of the live page
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7700")]
    page_address: String,
    /// Address of node-exporter
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9100")]
    exporter_address: String,
    /// Address of metrics-adapter (HTTPS)
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:6443")]
    adapter_address: String,
    /// Address of the autoscaler's own endpoints
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7701")]
    hpa_address: String,
    /// Address of the log agent's own endpoints
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7702")]
    agent_address: String,
    /// Address of the embedded log store
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9200")]
    store_address: String,
    /// Directory for container logs, the log index and checkpoints [default: ~/.local/state/binnacle]
    #[arg(long, value_name = "DIR", env = "BINNACLE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// An autoscaling/v2 HorizontalPodAutoscaler to follow instead of the built-in one
    #[arg(long, value_name = "FILE")]
    hpa_file: Option<PathBuf>,
    /// Ship log lines to this Elasticsearch or OpenSearch instead of the embedded log store
    #[arg(long, value_name = "URL", value_parser = http_url, env = "BINNACLE_ELASTICSEARCH", hide_env_values = true)]
    elasticsearch: Option<Url>,
    /// The load, such as quiet:30s@5,ramp:20s@5-450,hold:80s@450 (NAME:SECONDSs@RATE or @FROM-TO, in requests a second)
    #[arg(long, value_name = "PHASES")]
    script: Option<String>,
    /// End after this time; script, window and periods shrink so that the story fits
    #[arg(long, value_name = "DURATION", value_parser = positive, allow_hyphen_values = true)]
    duration: Option<Duration>,
    /// A check for scripts: print a summary at the end, and exit with 0 only if the story held
    #[arg(long)]
    headless: bool,
    /// How often the application is scraped [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = positive, allow_hyphen_values = true)]
    scrape_interval: Option<Duration>,
    /// How often the autoscaler decides [default: 15s]
    #[arg(long, value_name = "DURATION", value_parser = positive, allow_hyphen_values = true)]
    sync_period: Option<Duration>,
    /// The window of the rate that the autoscaler sees [default: 2m]
    #[arg(long, value_name = "DURATION", value_parser = positive, allow_hyphen_values = true)]
    rate_window: Option<Duration>,
    /// Least time between two commits of the embedded log store
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = parse, allow_hyphen_values = true)]
    commit_interval: Duration,
    /// How to log
    #[command(flatten)]
    pub log: daemon::log::LogArgs,
}

/// The addresses to listen on, as they were given.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the flags'")]
pub struct Addresses {
    pub page: String,
    pub exporter: String,
    pub adapter: String,
    pub hpa: String,
    pub agent: String,
    pub store: String,
}

/// What `up` does, all flags understood.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where each part listens.
    pub addresses: Addresses,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The autoscaler's file; none for the built-in one.
    pub hpa_file: Option<PathBuf>,
    /// Where log lines go; none for the embedded store.
    pub elasticsearch: Option<Url>,
    /// The load.
    pub script: Vec<Phase>,
    /// When to end; none for a signal only.
    pub duration: Option<Duration>,
    /// Whether a summary is what the user wants.
    pub headless: bool,
    /// Between two scrapes of the application.
    pub scrape_interval: Duration,
    /// Between two decisions.
    pub sync_period: Duration,
    /// Of the rate.
    pub rate_window: Duration,
    /// Least time between two commits of the log store.
    pub commit_interval: Duration,
}

/// A command line that is well-formed and still impossible.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The load cannot be understood.
    #[error("--script: {0}")]
    Script(String),
    /// A run that is too long to be compressed from.
    #[error("--duration: {0:?} is more than a day: leave it out to run until a signal")]
    TooLong(Duration),
    /// There is no obvious place for data.
    #[error("neither HOME nor XDG_STATE_HOME is set: choose a directory with --data-dir")]
    NoHome,
    /// The story needs more time.
    #[error(
        "--duration: {0:?} is too short for the story to unfold: give it {SHORTEST_STORY:?} or more, or leave out --headless"
    )]
    TooShort(Duration),
}

impl Args {
    /// The configuration.
    ///
    /// # Errors
    /// One sentence that names the flag.
    pub fn config(self) -> Result<Config, ConfigError> {
        let Self { page_address, exporter_address, adapter_address, hpa_address, agent_address, store_address, .. } = self;
        let addresses = Addresses {
            page: page_address,
            exporter: exporter_address,
            adapter: adapter_address,
            hpa: hpa_address,
            agent: agent_address,
            store: store_address,
        };
        if let Some(duration) = self.duration.filter(|duration| self.headless && *duration < SHORTEST_STORY) {
            return Err(ConfigError::TooShort(duration));
        }
        if let Some(duration) = self.duration.filter(|duration| *duration > LONGEST) {
            return Err(ConfigError::TooLong(duration));
        }
        let script = match (self.script, self.duration) {
            (Some(script), _) => load::parse_script(&script),
            (None, Some(duration)) => Ok(compressed(duration)),
            (None, None) => load::parse_script(SCRIPT),
        };
        let fraction = |whole: Duration, part: u32| self.duration.map_or(whole, |duration| whole.min(duration / part));
        Ok(Config {
            addresses,
            data_dir: self.data_dir.or_else(state_home).ok_or(ConfigError::NoHome)?,
            hpa_file: self.hpa_file,
            elasticsearch: self.elasticsearch,
            script: script.map_err(ConfigError::Script)?,
            duration: self.duration,
            headless: self.headless,
            scrape_interval: self.scrape_interval.unwrap_or_else(|| fraction(SCRAPE_INTERVAL, 45)),
            sync_period: self.sync_period.unwrap_or_else(|| fraction(SYNC_PERIOD, 18)),
            rate_window: self.rate_window.unwrap_or_else(|| fraction(RATE_WINDOW, 9)),
            commit_interval: self.commit_interval,
        })
    }
}

/// A script that leaves three fifths of the run for the way down.
fn compressed(duration: Duration) -> Vec<Phase> {
    let phase = |name: &str, share: f64, from: f64, to: f64| {
        // Whole milliseconds read well on the page.
        let seconds = (duration.as_secs_f64() * share * 1000.0).round().max(1.0) / 1000.0;
        Phase { name: name.to_owned(), seconds, from, to }
    };
    vec![
        phase("quiet", 0.1, 5.0, 5.0),
        phase("ramp", 0.08, 5.0, 450.0),
        phase("hold", 0.22, 450.0, 450.0),
        phase("quiet", 0.6, 5.0, 5.0),
    ]
}

fn http_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}; write it as http://HOST:9200"))?;
    let usable = ["http", "https"].contains(&url.scheme()) && url.has_host();
    usable.then_some(url).ok_or_else(|| "it is no http or https address; write it as http://HOST:9200".to_owned())
}

fn state_home() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")));
    state.map(|state| state.join("binnacle"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        args: Args,
    }

    fn config(arguments: &[&str]) -> Result<Config, String> {
        let all = ["up", "--data-dir", "d"].iter().chain(arguments);
        let parsed = Alone::try_parse_from(all).map_err(|error| error.to_string())?;
        parsed.args.config().map_err(|error| error.to_string())
    }

    #[test]
    fn a_run_without_end_has_the_customary_periods() {
        let config = config(&[]).unwrap();
        let periods = [config.scrape_interval, config.sync_period, config.rate_window].map(|period| period.as_secs());
        assert_eq!(periods, [5, 15, 120]);
    }

    #[test]
    fn a_short_run_is_compressed_unless_flags_say_otherwise() {
        let config = config(&["--duration", "90s", "--headless", "--sync-period", "4s"]).unwrap();
        let periods = [config.scrape_interval, config.sync_period, config.rate_window].map(|period| period.as_secs());
        assert_eq!(periods, [2, 4, 10]);
        let length: f64 = config.script.iter().map(|phase| phase.seconds).sum();
        assert!((length - 90.0).abs() < 0.5, "{length}");
    }

    #[test]
    fn what_cannot_be_is_refused_by_flag() {
        for (arguments, parts) in [
            (&["--duration", "30s", "--headless"][..], &["--duration", "30s"][..]),
            (&["--sync-period", "-1s"], &["--sync-period", "-1s"]),
            (&["--elasticsearch", "not a url"], &["--elasticsearch", "not a url"]),
            (&["--elasticsearch", "ftp://es"], &["--elasticsearch", "ftp://es"]),
            (&["--script", "quiet"], &["--script", "quiet"]),
        ] {
            let error = config(arguments).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }
}
