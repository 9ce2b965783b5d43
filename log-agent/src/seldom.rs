//! Complaints that come again and again are logged once a minute.

use std::time::{Duration, Instant};

/// The least time between two of a kind.
const INTERVAL: Duration = Duration::from_secs(60);

/// One kind of complaint.
#[derive(Debug, Default)]
pub struct Seldom(Option<Instant>);

impl Seldom {
    /// Whether it may be logged now; the caller does so.
    pub fn may(&mut self, now: Instant) -> bool {
        let may = self.0.is_none_or(|last| now.duration_since(last) >= INTERVAL);
        if may {
            self.0 = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_minute() {
        let (mut seldom, now) = (Seldom::default(), Instant::now());
        assert_eq!(
            [0, 1, 59, 60, 61].map(|second| seldom.may(now + Duration::from_secs(second))),
            [true, false, false, true, false]
        );
    }
}
