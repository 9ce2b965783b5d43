//! `hpa decide`: scenarios as JSON, one a line, each decided on its own, one line of JSON out for each. Ages count back from
//! one fixed moment, so that the same scenario always gives the same line. It asks no cluster.

mod input;
mod outcome;

use std::io::{BufRead, Read as _, Write};

use jiff::Timestamp;

pub use self::input::{Behaved, Config, Input, PodInput, SampleInput};
pub use self::outcome::Outcome;
use crate::decide::{Decision, Observation, decide};
use crate::settings::{Defects, Settings};

/// The longest line: a hundred times a scenario of a thousand pods.
const MAX_LINE_BYTES: u64 = 64 << 20;
/// How often a change of the scale is tried when it conflicts with another.
const TRIES: usize = 5;

/// One scenario.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Scenario {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Settings that differ from the defaults.
    #[serde(default)]
    pub config: Config,
    /// What is observed.
    pub input: Input,
}

/// Why the scenarios cannot be decided.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A line is no scenario.
    #[error("standard input:{line}: not a scenario: {source}: give one JSON object a line with name, config and input")]
    Line {
        /// The line, from 1 on.
        line: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A line is too long.
    #[error("standard input:{line}: longer than {} MiB: give one scenario a line", MAX_LINE_BYTES >> 20)]
    Length {
        /// The line, from 1 on.
        line: u64,
    },
    /// Reading or writing failed.
    #[error("cannot read scenarios or write outcomes: {0}")]
    Stream(#[from] std::io::Error),
}

/// Decides every line of `scenarios` and writes a line for each to `outcomes`.
///
/// # Errors
/// A line is no scenario, or a stream failed.
pub fn decide_all(mut scenarios: impl BufRead, mut outcomes: impl Write, defects: Defects) -> Result<(), ScenarioError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = scenarios.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if line.len() as u64 > MAX_LINE_BYTES {
            return Err(ScenarioError::Length { line: number });
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let scenario: Scenario = serde_json::from_slice(&line).map_err(|source| ScenarioError::Line { line: number, source })?;
        let outcome = serde_json::to_vec(&scenario.decided(defects)).map_err(std::io::Error::from)?;
        outcomes.write_all(&outcome)?;
        outcomes.write_all(b"\n")?;
    }
    outcomes.flush()?;
    Ok(())
}

impl Scenario {
    /// Decides it, and tells what came of it as it is recorded.
    #[must_use]
    pub fn decided(&self, defects: Defects) -> Outcome {
        Outcome::of(&self.name, &self.decision(defects))
    }

    /// Decides it, the change of the scale included.
    #[must_use]
    pub fn decision(&self, defects: Defects) -> Decision {
        let now = moment();
        let settings = Settings { defects, ..self.config.settings() };
        let observed = self.input.observed(now);
        let observation = Observation {
            autoscaler: &observed.autoscaler,
            status: &observed.status,
            scale: &observed.scale,
            pods: &observed.pods,
            samples: &observed.samples,
            history: &observed.history,
            neighbours: &observed.neighbours,
            now,
            settings: &settings,
        };
        let mut decision = decide(&observation);
        decision.rescaled(&observation, self.tried());
        decision
    }

    /// What comes of the change of the scale: conflicts are tried again, anything else is final.
    fn tried(&self) -> Result<(), String> {
        let errors = &self.input.scale.update_errors;
        for error in errors.iter().take(TRIES) {
            if error != "conflict" {
                return Err(error.clone());
            }
        }
        if errors.len() >= TRIES { Err("conflict".to_owned()) } else { Ok(()) }
    }
}

/// The moment from which ages count back: any would do.
#[must_use]
pub fn moment() -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 365 * 50)
}
