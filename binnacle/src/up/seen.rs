//! What was seen of the parts last, as plain data: what is not known is none, never a guess.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hpa::report::Entry;
use serde::Deserialize;

use super::host::{Host, Reading};

/// What was seen last.
#[derive(Debug, Default)]
pub struct Seen {
    /// This machine, while the exporter answers.
    pub host: Option<Host>,
    /// The exporter's first reading and its newest.
    pub readings: Option<(Reading, Reading)>,
    /// When the newest reading was taken.
    pub read_at: Option<Instant>,
    /// How long the last scrape took, seen from here.
    pub scrape: Option<Duration>,
    /// Decisions, oldest first.
    pub decisions: Vec<Entry>,
    /// Lines of this run that are in the store; none until it answered once.
    pub stored: Option<u64>,
    /// When they were counted.
    pub counted_at: Option<Instant>,
    /// Why the store cannot be asked.
    pub store_error: Option<String>,
    /// What the log agent says of itself, while it answers.
    pub agent: Option<AgentState>,
    /// Requests a second of each pod by uid.
    pub pod_rates: HashMap<String, f64>,
    /// Log lines stored a second.
    pub log_rate: Option<f64>,
    /// CPU of the whole stack in percent of one core, over the last few seconds.
    pub cpu_percent: Option<f64>,
    /// Memory of the whole stack in bytes.
    pub memory_bytes: u64,
}

impl Seen {
    /// Scrapes that the exporter has answered since it was first seen, or was last restarted.
    pub fn scrapes(&self) -> f64 {
        self.readings.map_or(0.0, |(first, last)| last.scrapes - first.scrapes)
    }

    /// What each of them took of its CPU time, in milliseconds; none before the first.
    pub fn cpu_ms_per_scrape(&self) -> Option<f64> {
        let (first, last) = self.readings?;
        let scrapes = self.scrapes();
        (scrapes > 0.0).then(|| 1000.0 * (last.exporter_cpu_seconds - first.exporter_cpu_seconds) / scrapes)
    }
}

/// The part of the log agent's `/state` that is shown.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AgentState {
    /// Age of the oldest line that is not stored yet.
    #[serde(default)]
    pub lag_seconds: Option<f64>,
    /// Why it cannot ship.
    #[serde(default)]
    pub error: Option<String>,
}
