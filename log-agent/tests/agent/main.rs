//! The agent as a whole: real files, a scripted Elasticsearch, and every line counted. Nothing of a real server is tested
//! here.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails where it stands")]

mod binary;
mod docker;
mod faults;
mod model;
mod program;
mod serving;
mod sink;

use std::time::{Duration, Instant};

/// Waits until `done` says yes.
///
/// # Panics
/// It does not within 30 s; `state` says what was there instead.
pub fn eventually<T: std::fmt::Debug>(what: &str, mut state: impl FnMut() -> T, done: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let now = state();
        if done(&now) {
            return now;
        }
        assert!(Instant::now() < deadline, "{what}: still {now:?}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
