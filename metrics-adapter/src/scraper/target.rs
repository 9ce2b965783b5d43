//! One target's scrapes, written to the store: which text is which series, labels of the target before those of the text,
//! and the end of series that are no longer there. It fetches nothing and holds no clock.

use std::collections::HashMap;

use super::exposition::{self, ExpositionError, Format, Line};
use super::keep::Keep;
use crate::labels::{Labels, METRIC_NAME};
use crate::store::{Appended, Point, SeriesRef, Store};

/// Most series of one target: a tenth of the store, so that one target cannot fill it alone.
const MAX_TARGET_SERIES: usize = crate::store::MAX_SERIES / 10;
/// Longest text of a series that is kept; label values of kilobytes are a fault of the target.
const MAX_SERIES_BYTES: usize = 16 * 1024;
/// Names whose fate is remembered. Targets have some hundreds; more than this means that names are made up.
const MAX_NAMES: usize = 10_000;
/// A sample's own time may lie this far ahead of ours, as Prometheus has it.
const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;
/// The metrics that a scraper writes about a scrape.
const REPORT: [&str; 3] = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];

/// A body that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// Not an exposition.
    #[error(transparent)]
    Exposition(#[from] ExpositionError),
    /// Too many series.
    #[error("it has more than {MAX_TARGET_SERIES} series that the rules need")]
    TooMany,
    /// A label set that is far too long.
    #[error("a series of metric {0} has more than {MAX_SERIES_BYTES} bytes of labels")]
    TooLong(String),
    /// One label twice.
    #[error("a series of metric {metric} has the label {label} twice")]
    Twice {
        /// The metric.
        metric: String,
        /// The label.
        label: String,
    },
    /// The store is full.
    #[error("there is no room for more than {} series", crate::store::MAX_SERIES)]
    Full,
}

/// What is remembered of a target from scrape to scrape.
#[derive(Debug)]
pub struct TargetSeries {
    labels: Labels,
    known: HashMap<Box<str>, Known>,
    names: HashMap<Box<str>, bool>,
    round: u64,
}

#[derive(Debug)]
struct Known {
    series: SeriesRef,
    round: u64,
    /// Whether its samples have times of their own; then their absence says nothing, as Prometheus has it.
    own_time: bool,
}

impl TargetSeries {
    /// A target whose series get these labels.
    #[must_use]
    pub fn new(labels: Labels) -> Self {
        Self { labels, known: HashMap::new(), names: HashMap::new(), round: 0 }
    }

    /// Writes what was scraped at `time` to the store: all of it, or nothing. Returns the number of samples in the text.
    ///
    /// # Errors
    /// The text is not an exposition or breaks a bound; then all series of the target have ended.
    pub fn take(&mut self, store: &mut Store, keep: &Keep, body: &[u8], format: Format, time: i64) -> Result<usize, TakeError> {
        self.round += 1;
        let taken = self.write(store, keep, body, format, time);
        if taken.is_err() {
            // A new round in which nothing was seen.
            self.round += 1;
        }
        self.end_missing(store, time);
        taken
    }

    /// The target did not answer at `time`, or is gone: all its series have ended.
    pub fn end(&mut self, store: &mut Store, time: i64) {
        self.round += 1;
        self.end_missing(store, time);
    }

    /// Writes how a scrape went, as Prometheus does; of `None` the end, for a target that is gone.
    pub fn report(&self, store: &mut Store, keep: &Keep, time: i64, values: Option<[f64; 3]>) {
        for (index, metric) in REPORT.into_iter().enumerate().filter(|(_, metric)| keep.keeps(metric)) {
            let labels = Labels::new(self.labels.iter().chain([(METRIC_NAME, metric)]));
            let point = values.map_or(Point::stale(time), |values| Point { time, value: values[index] });
            if let Some(series) = store.series_ref(&labels) {
                store.append(series, point);
            }
        }
    }

    fn write(&mut self, store: &mut Store, keep: &Keep, body: &[u8], format: Format, time: i64) -> Result<usize, TakeError> {
        let (mut count, mut kept) = (0, Vec::new());
        let mut last = ("", false);
        exposition::parse(body, format, |line| {
            count += 1;
            // Series of one metric follow each other.
            if line.metric != last.0 {
                last = (line.metric, self.keeps(keep, line.metric));
            }
            if last.1 && kept.len() <= MAX_TARGET_SERIES {
                kept.push(line);
            }
        })?;
        if kept.len() > MAX_TARGET_SERIES {
            return Err(TakeError::TooMany);
        }
        for line in &kept {
            self.check(line)?;
        }
        for line in kept {
            self.append(store, &line, time)?;
        }
        Ok(count)
    }

    fn keeps(&mut self, keep: &Keep, metric: &str) -> bool {
        if let Some(keeps) = self.names.get(metric) {
            return *keeps;
        }
        let keeps = keep.keeps(metric);
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        self.names.insert(metric.into(), keeps);
        keeps
    }

    /// What is known has been checked when it was new.
    fn check(&self, line: &Line<'_>) -> Result<(), TakeError> {
        if self.known.contains_key(line.series) {
            return Ok(());
        }
        if line.series.len() > MAX_SERIES_BYTES {
            return Err(TakeError::TooLong(line.metric.to_owned()));
        }
        let mut labels = exposition::labels(line.labels);
        labels.sort_unstable();
        match labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(TakeError::Twice { metric: line.metric.to_owned(), label: pair[0].0.to_owned() }),
            None => Ok(()),
        }
    }

    fn append(&mut self, store: &mut Store, line: &Line<'_>, scraped: i64) -> Result<(), TakeError> {
        let time = line.timestamp.unwrap_or(scraped);
        if time > scraped.saturating_add(MAX_AHEAD_MS) {
            return Ok(());
        }
        let point = Point { time, value: line.value };
        if let Some(known) = self.known.get_mut(line.series) {
            known.round = self.round;
            if store.append(known.series, point) != Appended::Expired {
                return Ok(());
            }
        }
        let series = store.series_ref(&self.series_labels(line)).ok_or(TakeError::Full)?;
        store.append(series, point);
        let known = Known { series, round: self.round, own_time: line.timestamp.is_some() };
        self.known.insert(line.series.into(), known);
        Ok(())
    }

    /// The target's labels and those of the text; of two with one name the target's counts, and the other one is kept under
    /// a name of its own.
    fn series_labels(&self, line: &Line<'_>) -> Labels {
        let exposed = exposition::labels(line.labels);
        let is_taken = |name: &str| !self.labels.get(name).is_empty();
        let mut renamed: Vec<(String, &str)> = Vec::new();
        let mut kept: Vec<(&str, &str)> = Vec::new();
        for (name, value) in exposed.iter().filter(|label| !label.1.is_empty() && label.0 != METRIC_NAME) {
            if is_taken(name) {
                let mut free = format!("exported_{name}");
                while is_taken(&free) || exposed.iter().any(|label| label.0 == free) {
                    free.insert_str(0, "exported_");
                }
                renamed.push((free, value));
            } else {
                kept.push((name, value));
            }
        }
        let renamed = renamed.iter().map(|(name, value)| (name.as_str(), *value));
        Labels::new(kept.into_iter().chain(renamed).chain(self.labels.iter()).chain([(METRIC_NAME, line.metric)]))
    }

    fn end_missing(&mut self, store: &mut Store, time: i64) {
        let round = self.round;
        self.known.retain(|_, known| {
            let is_there = known.round == round;
            if !is_there && !known.own_time {
                store.append(known.series, Point::stale(time));
            }
            is_there
        });
    }
}

#[cfg(test)]
mod tests;
