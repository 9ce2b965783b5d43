//! Series and their newest samples, in memory: what the scraper has seen and the rules' queries read. It keeps a window and
//! no history, fetches nothing and evaluates nothing; time comes from its callers.

use std::collections::{HashMap, VecDeque};

use crate::labels::{Labels, METRIC_NAME};
use crate::matcher::{Matcher, Pattern, Test, all_match, name_matches};

/// Most series at once. One costs about 600 bytes with eight samples, so this many stay below 300 MB.
pub const MAX_SERIES: usize = 500_000;
/// The value that says "this series ended here"; no exposition can spell this one of the many NaNs.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970.
    pub time: i64,
    /// The value.
    pub value: f64,
}

impl Point {
    /// The end of a series.
    #[must_use]
    pub const fn stale(time: i64) -> Self {
        Self { time, value: f64::from_bits(STALE) }
    }

    /// Whether the series ended here.
    #[must_use]
    pub const fn is_stale(self) -> bool {
        self.value.to_bits() == STALE
    }
}

/// A series and its samples, oldest first.
#[derive(Debug)]
pub struct Series {
    /// Its name and labels.
    pub labels: Labels,
    /// Its samples, each newer than the one before.
    pub points: VecDeque<Point>,
}

/// Names a series in the store. After the series has expired it names nothing, never another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesRef {
    index: u32,
    generation: u32,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the store.
    Yes,
    /// It is not newer than what is there.
    NotNewer,
    /// Its series has expired: make it again.
    Expired,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    series: Option<Series>,
}

/// The series of all targets.
#[derive(Debug)]
pub struct Store {
    retention_ms: i64,
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_labels: HashMap<Labels, u32>,
    by_metric: HashMap<Box<str>, Vec<u32>>,
    changes: u64,
}

impl Store {
    /// A store that forgets what is older than `retention_ms`.
    #[must_use]
    pub fn new(retention_ms: i64) -> Self {
        Self {
            retention_ms,
            slots: Vec::new(),
            free: Vec::new(),
            by_labels: HashMap::new(),
            by_metric: HashMap::new(),
            changes: 0,
        }
    }

    /// The series with these labels, made if it is new; none if the store is full.
    pub fn series_ref(&mut self, labels: &Labels) -> Option<SeriesRef> {
        if let Some(&index) = self.by_labels.get(labels) {
            return Some(SeriesRef { index, generation: self.slots[index as usize].generation });
        }
        if self.by_labels.len() >= MAX_SERIES {
            return None;
        }
        let index = self.free.pop().or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).ok()
        })?;
        let slot = &mut self.slots[index as usize];
        slot.series = Some(Series { labels: labels.clone(), points: VecDeque::new() });
        self.by_labels.insert(labels.clone(), index);
        self.by_metric.entry(labels.metric().into()).or_default().push(index);
        self.changes += 1;
        Some(SeriesRef { index, generation: self.slots[index as usize].generation })
    }

    /// Adds a sample, and forgets those of its series that have become too old.
    pub fn append(&mut self, series: SeriesRef, point: Point) -> Appended {
        let slot = &mut self.slots[series.index as usize];
        let Some(Series { points, .. }) = slot.series.as_mut().filter(|_| slot.generation == series.generation) else {
            return Appended::Expired;
        };
        if points.back().is_some_and(|last| last.time >= point.time) {
            return Appended::NotNewer;
        }
        while points.front().is_some_and(|first| first.time < point.time - self.retention_ms) {
            points.pop_front();
        }
        points.push_back(point);
        Appended::Yes
    }

    /// Forgets series without a sample in the time that is kept.
    pub fn expire(&mut self, now: i64) {
        let oldest = now - self.retention_ms;
        for (slot, index) in self.slots.iter_mut().zip(0..) {
            let Some(series) = slot.series.take_if(|series| series.points.back().is_none_or(|last| last.time < oldest)) else {
                continue;
            };
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(index);
            self.by_labels.remove(&series.labels);
            if let Some(indices) = self.by_metric.get_mut(series.labels.metric()) {
                indices.retain(|other| *other != index);
                if indices.is_empty() {
                    self.by_metric.remove(series.labels.metric());
                }
            }
            self.changes += 1;
        }
    }

    /// The series that pass all matchers, in no order.
    pub fn select<'a>(&'a self, matchers: &'a [Matcher]) -> impl Iterator<Item = &'a Series> {
        let metrics = self.metrics(matchers);
        let indices = metrics.into_iter().filter_map(|metric| self.by_metric.get(metric)).flatten();
        let series = indices.filter_map(|index| self.slots[*index as usize].series.as_ref());
        series.filter(|series| all_match(matchers, &series.labels))
    }

    /// The metric names worth a look: those asked for by name, or all that pass.
    fn metrics<'a>(&'a self, matchers: &'a [Matcher]) -> Vec<&'a str> {
        let named = matchers.iter().filter(|matcher| matcher.name == METRIC_NAME).find_map(|matcher| match &matcher.test {
            Test::Equal(metric) => Some(vec![metric.as_str()]),
            Test::Matches(Pattern::OneOf(metrics)) => {
                // A word said twice would give its series twice.
                let mut metrics: Vec<&str> = metrics.iter().map(String::as_str).collect();
                metrics.dedup();
                Some(metrics)
            }
            _ => None,
        });
        let all = || self.by_metric.keys().map(Box::as_ref).filter(|metric| name_matches(matchers, metric)).collect();
        named.unwrap_or_else(all)
    }

    /// Series now.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.by_labels.len()
    }

    /// Samples now; counts them all.
    #[must_use]
    pub fn sample_count(&self) -> usize {
        self.slots.iter().filter_map(|slot| slot.series.as_ref()).map(|series| series.points.len()).sum()
    }

    /// Grows whenever a series comes or goes.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(metric: &str, pod: &str) -> Labels {
        Labels::new([(METRIC_NAME, metric), ("pod", pod)])
    }

    fn point(time: i64) -> Point {
        Point { time, value: 1.0 }
    }

    #[test]
    fn samples_older_than_the_window_go_when_new_ones_come() {
        let mut store = Store::new(100);
        let series = store.series_ref(&labels("m", "a")).unwrap();
        for time in [0, 50, 100, 150] {
            assert_eq!(store.append(series, point(time)), Appended::Yes);
        }
        assert_eq!(store.append(series, point(150)), Appended::NotNewer);
        assert_eq!(store.append(series, point(20)), Appended::NotNewer);
        assert_eq!((store.series_count(), store.sample_count()), (1, 3));
    }

    #[test]
    fn an_expired_series_is_gone_and_its_reference_names_no_other() {
        let mut store = Store::new(100);
        let (old, kept) = (store.series_ref(&labels("m", "a")).unwrap(), store.series_ref(&labels("m", "b")).unwrap());
        store.append(old, point(0));
        store.append(kept, point(90));
        let before = store.changes();
        store.expire(150);
        assert_eq!(store.changes(), before + 1);
        let new = store.series_ref(&labels("n", "c")).unwrap();
        assert_eq!(new.index, old.index);
        assert_eq!(store.append(old, point(200)), Appended::Expired);
        assert_eq!(store.append(new, point(200)), Appended::Yes);
        assert_eq!(store.select(&[Matcher::equal(METRIC_NAME, "m")]).count(), 1);
    }

    #[test]
    fn selects_by_name_and_labels() {
        let mut store = Store::new(100);
        for (metric, pod) in [("m", "a"), ("m", "b"), ("n", "a"), ("o", "")] {
            store.series_ref(&labels(metric, pod));
        }
        let check = |matchers: &[Matcher], expected: usize| assert_eq!(store.select(matchers).count(), expected, "{matchers:?}");
        let names = |pattern: &str| Matcher { name: METRIC_NAME.to_owned(), test: Test::Matches(Pattern::new(pattern).unwrap()) };
        check(&[Matcher::equal(METRIC_NAME, "m")], 2);
        check(&[Matcher::equal(METRIC_NAME, "m"), Matcher::equal("pod", "a")], 1);
        check(&[names("m|n|m")], 3);
        check(&[names("[mn]"), Matcher::equal("pod", "a")], 2);
        check(&[Matcher::equal("pod", "a")], 2);
        check(&[Matcher { name: "pod".to_owned(), test: Test::NotEqual(String::new()) }], 3);
        check(&[], 4);
    }

    #[test]
    fn the_mark_of_an_end_is_no_ordinary_nan() {
        assert!(Point::stale(0).is_stale());
        assert!(!Point { time: 0, value: f64::NAN }.is_stale());
    }
}
