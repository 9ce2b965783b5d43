//! Bounded retry delays: doubling with full jitter, so that a thousand nodes that fail together do not return together.

use std::time::Duration;

use rand::RngExt as _;

/// The delays between the tries of one operation.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    current: Duration,
}

impl Backoff {
    /// Starts at `first` and doubles up to `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, current: first }
    }

    /// The wait before the next try: between half of the current delay and all of it.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.current;
        self.current = delay.saturating_mul(2).min(self.longest);
        delay.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    /// Call after a success: the next failure waits the first delay again.
    pub const fn reset(&mut self) {
        self.current = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_within_its_bounds_and_starts_again_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for whole in [100, 200, 350, 350] {
            let delay = backoff.next_delay();
            assert!(
                delay <= Duration::from_millis(whole) && delay >= Duration::from_millis(whole) / 2,
                "{delay:?} of {whole} ms"
            );
        }
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(100));
    }
}
