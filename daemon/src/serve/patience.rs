//! How long a connection may keep its place, told from what moves on it. Pure: time is an argument, and who closes what is
//! overdue is not said here. The HTTP library's own timeout would also end connections that wait between two scrapes,
//! and would not begin before the first byte.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The bounds of one server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; more callers wait in the listen queue.
    pub places: usize,
    /// From the first byte of a request, or from the beginning, to the end of its head.
    pub head: Duration,
    /// The same, and the longest rest between requests, while every place is taken.
    pub hurried: Duration,
    /// Without a byte in either direction, with or without a request under way.
    pub quiet: Duration,
}

/// What has moved on one connection.
#[derive(Debug)]
pub struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    under_way: usize,
    moved: Instant,
    head_since: Option<Instant>,
    /// HTTP/2 says more than requests, such as pings: what arrives then is not the beginning of a head.
    multiplexed: bool,
}

impl Activity {
    /// A connection that owes us its first request.
    pub const fn new(now: Instant) -> Self {
        Self(Mutex::new(State { under_way: 0, moved: now, head_since: Some(now), multiplexed: false }))
    }

    /// Bytes arrived.
    pub fn heard(&self, now: Instant) {
        self.change(|state| {
            state.moved = now;
            if state.under_way == 0 && !state.multiplexed {
                state.head_since.get_or_insert(now);
            }
        });
    }

    /// Bytes left.
    pub fn said(&self, now: Instant) {
        self.change(|state| state.moved = now);
    }

    /// The head of a request is whole.
    pub fn began(&self, multiplexed: bool) {
        self.change(|state| {
            state.under_way += 1;
            state.head_since = None;
            state.multiplexed = multiplexed;
        });
    }

    /// The last byte of an answer was handed over, or the request given up.
    pub fn ended(&self, now: Instant) {
        self.change(|state| {
            state.under_way = state.under_way.saturating_sub(1);
            state.moved = now;
        });
    }

    /// Why the connection must end now, if it must; `crowded` when others may be waiting for its place.
    pub fn overdue(&self, now: Instant, crowded: bool, bounds: &Bounds) -> Option<&'static str> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = |since: Instant, bound: Duration| now.saturating_duration_since(since) >= bound;
        let head = if crowded { bounds.hurried } else { bounds.head };
        if state.head_since.is_some_and(|since| passed(since, head)) {
            Some("its request did not come in time")
        } else if crowded && state.under_way == 0 && passed(state.moved, bounds.hurried) {
            Some("it rested while every place was taken")
        } else if passed(state.moved, bounds.quiet) {
            Some("nothing moved on it")
        } else {
            None
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds =
        Bounds { places: 1, head: Duration::from_secs(10), hurried: Duration::from_secs(2), quiet: Duration::from_secs(100) };

    /// What happens to a connection, and after how many seconds of its life.
    #[derive(Clone, Copy)]
    enum Event {
        Heard(u64),
        Began,
        BeganMultiplexed,
        Said(u64),
        Ended(u64),
    }
    use Event::{Began, BeganMultiplexed, Ended, Heard, Said};

    fn check(events: &[Event], crowded: bool, lasts: u64) {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let activity = Activity::new(start);
        for event in events {
            match *event {
                Heard(seconds) => activity.heard(at(seconds)),
                Began => activity.began(false),
                BeganMultiplexed => activity.began(true),
                Said(seconds) => activity.said(at(seconds)),
                Ended(seconds) => activity.ended(at(seconds)),
            }
        }
        assert_eq!(activity.overdue(at(lasts - 1), crowded, &BOUNDS), None, "too early");
        assert!(activity.overdue(at(lasts), crowded, &BOUNDS).is_some(), "too late");
    }

    #[test]
    fn who_says_nothing_or_half_a_request_is_not_waited_for() {
        check(&[], false, 10);
        check(&[Heard(5), Heard(9)], false, 10);
        check(&[Heard(1)], true, 2);
        check(&[Heard(1), Began, Said(2), Ended(2), Heard(30), Heard(39)], false, 40);
    }

    #[test]
    fn a_scraper_may_rest_between_its_requests() {
        check(&[Heard(1), Began, Said(2), Ended(2)], false, 102);
        check(&[Heard(1), Began, Said(2), Ended(2)], true, 4);
    }

    #[test]
    fn a_request_under_way_is_not_hurried_but_must_move() {
        check(&[Heard(1), Began], true, 101);
        check(&[Heard(1), Began, Heard(50), Said(60)], false, 160);
    }

    #[test]
    fn a_ping_is_not_half_a_request() {
        check(&[Heard(1), BeganMultiplexed, Said(2), Ended(2), Heard(30)], false, 130);
    }
}
