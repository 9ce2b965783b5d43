//! What wakes the reader's thread: hints of file events, room for another batch, the end. Rings are merged while it works,
//! so nothing queues up here.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Watches that are remembered one by one; with more at once, looking at everything is cheaper.
const MOST_WATCHES: usize = 1024;

/// Why the bell was rung.
#[derive(Debug, Default)]
pub struct Rung {
    /// File events: the watches that saw one.
    pub watches: Vec<i32>,
    /// More events than can be told apart.
    pub everything: bool,
    /// The program ends.
    pub stop: bool,
    room: bool,
}

/// Rung by tasks, heard by one thread.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<Rung>,
    heard: Condvar,
}

impl Bell {
    /// A watch saw an event.
    pub fn watch(&self, watch: i32) {
        self.ring(|rung| {
            if rung.watches.len() >= MOST_WATCHES {
                rung.everything = true;
            } else if !rung.watches.contains(&watch) {
                rung.watches.push(watch);
            }
        });
    }

    /// Events were lost.
    pub fn everything(&self) {
        self.ring(|rung| rung.everything = true);
    }

    /// There is room for another batch.
    pub fn room(&self) {
        self.ring(|rung| rung.room = true);
    }

    /// The program ends; this stays rung.
    pub fn stop(&self) {
        self.ring(|rung| rung.stop = true);
    }

    /// Whether the program ends.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner).stop
    }

    fn ring(&self, ring: impl FnOnce(&mut Rung)) {
        ring(&mut self.rung.lock().unwrap_or_else(PoisonError::into_inner));
        self.heard.notify_one();
    }

    /// Waits until somebody rings, at most until `until`; what was rung meanwhile counts.
    #[must_use]
    pub fn wait(&self, until: Instant) -> Rung {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = |rung: &mut Rung| !(rung.stop || rung.room || rung.everything) && rung.watches.is_empty();
        let patience = until.saturating_duration_since(Instant::now());
        let (mut rung, _) = self.heard.wait_timeout_while(rung, patience, silent).unwrap_or_else(PoisonError::into_inner);
        let stop = rung.stop;
        std::mem::replace(&mut *rung, Rung { stop, ..Rung::default() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn rings_are_merged_and_heard_once() {
        let bell = Bell::default();
        (0..2).for_each(|_| bell.watch(7));
        bell.room();
        let rung = bell.wait(Instant::now() + Duration::from_secs(60));
        assert_eq!((rung.watches.as_slice(), rung.everything, rung.stop), (&[7][..], false, false));
        assert!(bell.wait(Instant::now()).watches.is_empty());
        for watch in 0..2000 {
            bell.watch(watch);
        }
        let rung = bell.wait(Instant::now());
        assert!(rung.everything && rung.watches.len() == MOST_WATCHES);
        bell.stop();
        assert!(bell.wait(Instant::now()).stop && bell.wait(Instant::now()).stop, "an end is not taken back");
    }
}
