//! The sink: batches go to Elasticsearch or OpenSearch as bulk requests until every one of their lines is stored or kept
//! as a dead letter. What is refused for now is sent again, that and nothing else. It moves no marks: the ledger does,
//! when it is told that a batch is done.

mod answer;
mod client;
mod delivery;
mod target;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use daemon::Shutdown;
use daemon::backoff::Backoff;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc};

pub use self::client::{Client, ClientError};
pub use self::target::{Target, TargetError, target};
use crate::batch::{Batch, Spares};
use crate::bell::Bell;
use crate::dead_letter::DeadLetters;
use crate::health::{Health, Part};
use crate::ledger::Ledger;

/// Bulk requests at once: one is on its way while the sink works on the other. With more, a thousand nodes would be a
/// crowd.
const AT_ONCE: usize = 2;
/// Waits between tries: soon enough that a restart of the sink is not noticed, and no more than a sink in trouble bears.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// With nothing to send, the sink is asked this often whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// What every delivery uses.
#[derive(Debug)]
pub struct Sink {
    client: Client,
    ledger: Arc<Ledger>,
    letters: Arc<DeadLetters>,
    health: Health,
    /// Told when the sink answers again: who waits for that need not wait to the end.
    recovered: Notify,
}

impl Sink {
    /// A sink that sends through `client`.
    #[must_use]
    pub fn new(client: Client, ledger: Arc<Ledger>, letters: DeadLetters, health: Health) -> Self {
        Self { client, ledger, letters: Arc::new(letters), health, recovered: Notify::new() }
    }

    /// Delivers what comes through `inbox` until that is closed and empty; rings `bell` when there is room for more. A sink
    /// that has not even said what it is at `shutdown` is not waited for.
    pub async fn run(self, mut inbox: mpsc::Receiver<Batch>, bell: Arc<Bell>, spares: Arc<Spares>, shutdown: Shutdown) {
        let mut deliveries = FuturesUnordered::new();
        let mut is_open = true;
        if shutdown.run_until_cancelled(self.greet()).await.is_none() {
            return;
        }
        while is_open || !deliveries.is_empty() {
            tokio::select! {
                batch = inbox.recv(), if is_open && deliveries.len() < AT_ONCE => match batch {
                    Some(batch) => {
                        bell.room();
                        deliveries.push(self.deliver(batch));
                    }
                    None => is_open = false,
                },
                Some(body) = deliveries.next() => spares.put(body),
                // Dropped when a batch comes, which tells as much.
                () = self.ping(), if deliveries.is_empty() => {}
            }
        }
    }

    /// Waits until the sink says what it is.
    async fn greet(&self) {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        loop {
            match self.client.ping().await {
                Ok(server) => {
                    tracing::info!(url = self.client.shown(), server, "the sink answers");
                    return self.answered();
                }
                Err(failure) => self.complain(&failure),
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }

    async fn ping(&self) {
        tokio::time::sleep(PING_INTERVAL).await;
        match self.client.ping().await {
            Ok(_) => self.answered(),
            Err(failure) => self.complain(&failure),
        }
    }

    fn answered(&self) {
        self.health.well(Part::Sink);
        self.recovered.notify_waiters();
    }

    fn complain(&self, failure: &dyn std::fmt::Display) {
        self.health.troubled(Part::Sink, format!("{}: {failure}: lines wait, none is lost", self.client.shown()));
    }
}
