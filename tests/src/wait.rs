//! Waiting for something to become true, with a deadline and the last reason why it was not.

use std::thread;
use std::time::{Duration, Instant};

/// Between two attempts: short against every deadline in use, long against the cost of one attempt.
const PAUSE: Duration = Duration::from_millis(50);

/// Tries until `attempt` succeeds and gives what it found.
///
/// # Panics
/// It did not within `limit`; the message has the last reason.
pub fn eventually<T>(what: &str, limit: Duration, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match attempt() {
            Ok(found) => return found,
            Err(reason) if Instant::now() >= deadline => panic!("not within {limit:?}: {what}; last seen: {reason}"),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_it_found_and_stops_trying() {
        let mut attempts = 0;
        let found = eventually("three attempts", Duration::from_secs(60), || {
            attempts += 1;
            if attempts == 3 { Ok(attempts) } else { Err(format!("{attempts}")) }
        });
        assert_eq!(found, 3);
    }

    #[test]
    fn the_failure_has_the_last_reason() {
        let failure =
            std::panic::catch_unwind(|| eventually::<()>("peace", Duration::ZERO, || Err("war".to_owned()))).unwrap_err();
        let message = failure.downcast_ref::<String>().unwrap();
        assert!(message.contains("peace") && message.contains("war"), "{message}");
    }
}
