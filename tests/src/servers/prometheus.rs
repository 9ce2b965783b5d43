//! A real Prometheus with a scrape configuration that the test gives.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::installed;
use super::place::{Place, free_ports};
use super::room::{Program, Room};
use crate::http;

/// From its start to its first answer, on a machine that compiles meanwhile.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The variable that names one to use instead.
const VARIABLE: &str = "PROMETHEUS_URL";

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    /// Where it is asked.
    pub url: String,
    own: Option<(Room, Program)>,
}

impl Prometheus {
    /// The one that `PROMETHEUS_URL` names; the user has told it whom to scrape.
    pub fn of_user() -> Option<Self> {
        let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())?;
        Some(Self { url: url.trim_end_matches('/').to_owned(), own: None })
    }

    /// Starts one that scrapes as `configuration` says, which is the text of a `prometheus.yml`.
    ///
    /// # Errors
    /// The program is not there, or refuses the configuration.
    pub fn start(configuration: &str) -> Result<Self, String> {
        Self::start_at(&Place::machine(), configuration)
    }

    /// Starts one elsewhere.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_at(place: &Place, configuration: &str) -> Result<Self, String> {
        let [port] = free_ports()?;
        let room = Room::new("prometheus")?;
        let file = room.write("prometheus.yml", configuration)?;
        let url = format!("http://{}:{port}", place.address);
        let mut command = place.command(installed::ours("prometheus", "prometheus")?);
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", room.path().join("data").display()));
        command.arg(format!("--web.listen-address={}:{port}", place.address));
        let program = room.start("prometheus", &command)?;
        program.wait(START_LIMIT, || {
            let answer = http::get(&format!("{url}/-/ready"))?;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        })?;
        Ok(Self { url, own: Some((room, program)) })
    }

    /// The result of an instant query now.
    ///
    /// # Errors
    /// It is refused, or there is no answer.
    pub fn query(&self, promql: &str) -> Result<Value, String> {
        let encoded: String = promql.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = http::get(&format!("{}/api/v1/query?query={encoded}", self.url))?.json()?;
        if answer["status"] == "success" { Ok(answer["data"]["result"].clone()) } else { Err(answer.to_string()) }
    }

    /// Its folder, where targets from files may be put; none when it is the user's.
    pub fn folder(&self) -> Option<PathBuf> {
        self.own.as_ref().map(|(room, _)| room.path().to_owned())
    }
}

/// What `promtool` says of an exposition in the text format.
///
/// # Errors
/// It finds a fault, or is not there.
pub fn check_metrics(exposition: &str) -> Result<(), String> {
    let room = Room::new("promtool")?;
    let file = room.write("metrics.txt", exposition)?;
    let input = std::fs::File::open(&file).map_err(|error| error.to_string())?;
    let mut command = Command::new(installed::ours("prometheus", "promtool")?);
    let output = command.args(["check", "metrics"]).stdin(input).output().map_err(|error| error.to_string())?;
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    if output.status.success() { Ok(()) } else { Err(said) }
}
