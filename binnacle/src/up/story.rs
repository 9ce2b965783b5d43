//! The story of one run in facts: how high the load went, when the true rate crossed the target, when replicas were asked
//! for and when they served, and how their number went. Pure: it is told what is so at a moment, and keeps what matters.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Changes of the number of replicas that are kept; a looping script makes a handful in five minutes.
const MAX_CHANGES: usize = 1000;

/// What is so at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When.
    pub at: Instant,
    /// Requests answered so far.
    pub requests: u64,
    /// Requests a second that the script asks for.
    pub offered: f64,
    /// The metric as the autoscaler saw it last.
    pub metric: Option<f64>,
    /// Replicas asked for.
    pub replicas: u32,
    /// Replicas that serve.
    pub ready: u32,
}

/// What has happened so far.
#[derive(Debug)]
pub struct Story {
    began: Instant,
    window: Duration,
    threshold: f64,
    counts: VecDeque<(Instant, u64)>,
    crossed: Option<Instant>,
    asked: Option<Instant>,
    served: Option<Instant>,
    /// Replicas asked for, with the time since the beginning.
    pub changes: Vec<(Duration, u32)>,
    /// The most requests a second that were asked for.
    pub peak_offered: f64,
    /// The highest metric that the autoscaler saw.
    pub peak_metric: f64,
}

impl Story {
    /// A story that begins at `began`; the true rate over `window` calls for more replicas above `threshold`.
    #[must_use]
    pub const fn new(began: Instant, window: Duration, threshold: f64) -> Self {
        Self {
            began,
            window,
            threshold,
            counts: VecDeque::new(),
            crossed: None,
            asked: None,
            served: None,
            changes: Vec::new(),
            peak_offered: 0.0,
            peak_metric: 0.0,
        }
    }

    /// Takes in a moment, later than all before.
    pub fn observe(&mut self, moment: Moment) {
        let Moment { at, requests, offered, metric, replicas, ready } = moment;
        self.peak_offered = self.peak_offered.max(offered);
        self.peak_metric = self.peak_metric.max(metric.unwrap_or(0.0));
        while self.counts.len() > 1 && self.counts.get(1).is_some_and(|(time, _)| at.duration_since(*time) >= self.window) {
            self.counts.pop_front();
        }
        self.counts.push_back((at, requests));
        let before = self.counts.front().map_or(0, |(_, count)| *count);
        if requests.saturating_sub(before) as f64 / self.window.as_secs_f64() > self.threshold {
            self.crossed.get_or_insert(at);
        }
        let last = self.changes.last().map(|(_, replicas)| *replicas);
        if last != Some(replicas) && self.changes.len() < MAX_CHANGES {
            if last.is_some_and(|last| replicas > last) {
                self.asked.get_or_insert(at);
            }
            self.changes.push((at.duration_since(self.began), replicas));
        }
        if self.asked.is_some() && ready > self.changes.first().map_or(0, |(_, replicas)| *replicas) {
            self.served.get_or_insert(at);
        }
    }

    /// From the moment when the true rate crossed the threshold to the first new replica that served.
    #[must_use]
    pub fn reaction(&self) -> Option<Duration> {
        Some(self.served?.duration_since(self.crossed?))
    }

    /// Whether replicas were added beyond the first number and taken away again down to it.
    #[must_use]
    pub fn rose_and_fell(&self) -> bool {
        let Some((_, first)) = self.changes.first() else { return false };
        self.changes.iter().any(|(_, replicas)| replicas > first) && self.changes.last().is_some_and(|(_, last)| last == first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(moments: &[(u64, u64, u32, u32)]) -> Story {
        let began = Instant::now();
        let mut story = Story::new(began, Duration::from_secs(10), 110.0);
        for (second, requests, replicas, ready) in moments.iter().copied() {
            let at = began + Duration::from_secs(second);
            story.observe(Moment { at, requests, offered: second as f64, metric: None, replicas, ready });
        }
        story
    }

    #[test]
    fn the_reaction_counts_from_the_crossing_to_the_first_new_replica() {
        let story = told(&[(0, 0, 2, 2), (5, 1000, 2, 2), (6, 1200, 2, 2), (9, 3000, 4, 2), (11, 3500, 4, 3), (20, 3500, 2, 2)]);
        assert_eq!(story.reaction(), Some(Duration::from_secs(5)));
        assert!(story.rose_and_fell());
        assert_eq!(story.changes, [(0, 2), (9, 4), (20, 2)].map(|(second, count)| (Duration::from_secs(second), count)));
    }

    #[test]
    fn a_story_without_a_rise_or_a_fall_does_not_hold() {
        assert!(!told(&[(0, 0, 2, 2), (9, 10, 2, 2)]).rose_and_fell());
        assert!(!told(&[(0, 0, 2, 2), (9, 10, 4, 2)]).rose_and_fell());
        assert!(!told(&[]).rose_and_fell());
        assert_eq!(told(&[(0, 0, 2, 2), (1, 9000, 2, 2)]).reaction(), None);
    }

    #[test]
    fn only_the_window_counts() {
        assert!(told(&[(0, 0, 2, 2), (10, 1000, 2, 2), (20, 2000, 2, 2), (30, 3000, 2, 2)]).crossed.is_none());
    }
}
