//! The gate before the index: a few searches run, some wait, the others are told to come later.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::log_store::failure::Failure;

/// Searches at once: with more, each would only wait longer for the same disk and the same two cores.
const RUNNING: usize = 2;
/// Searches running or waiting; each waiting one holds a body.
const INSIDE: usize = 34;

/// The gate.
pub struct Gate {
    inside: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// A right to search.
pub struct Turn {
    _inside: OwnedSemaphorePermit,
    _running: OwnedSemaphorePermit,
}

impl Default for Gate {
    fn default() -> Self {
        Self { inside: Arc::new(Semaphore::new(INSIDE)), running: Arc::new(Semaphore::new(RUNNING)) }
    }
}

impl Gate {
    /// Waits for a turn.
    ///
    /// # Errors
    /// Too many are waiting.
    pub async fn enter(&self) -> Result<Turn, Failure> {
        let busy = || Failure::busy(format!("{INSIDE} searches are running or waiting: ask again later"));
        let inside = self.inside.clone().try_acquire_owned().map_err(|_| busy())?;
        let running = self.running.clone().acquire_owned().await.map_err(|_| busy())?;
        Ok(Turn { _inside: inside, _running: running })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn some_run_some_wait_and_the_others_are_told() {
        let gate = Arc::new(Gate::default());
        let mut turns = Vec::new();
        for _ in 0..RUNNING {
            turns.push(gate.enter().await.unwrap());
        }
        let waiting: Vec<_> = (RUNNING..INSIDE)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.enter().await.map(drop) })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(gate.enter().await.err().map(|failure| failure.status.as_u16()), Some(429));
        drop(turns);
        for waiting in waiting {
            waiting.await.unwrap().unwrap();
        }
        gate.enter().await.unwrap();
    }
}
