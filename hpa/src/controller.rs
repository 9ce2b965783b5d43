//! The loop: observe, decide, act, remember, once every sync period. What an autoscaler remembers is kept in memory only, as
//! upstream keeps it. The algorithm is in `decide`; the requests are in `observe`.

use std::sync::Arc;
use std::time::Duration;

use daemon::Shutdown;
use daemon::admin::Readiness;
use daemon::backoff::Backoff;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::decide::{Decision, Observation, decide};
use crate::decisions::{Decisions, entry};
use crate::history::History;
use crate::monitor::{Action, Failed, Monitor};
use crate::observe::{Observed, Servers, scale};
use crate::settings::Settings;
use crate::spec::Autoscaler;
use crate::status::Status;

/// Servers that start beside the controller are asked again soon, until the first sync that goes well; upstream waits a whole
/// period.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// One autoscaler and everything that its syncs share.
#[derive(Debug)]
pub struct Controller {
    /// What it wants.
    pub autoscaler: Autoscaler,
    /// Whom it asks.
    pub servers: Servers,
    /// The settings of every decision.
    pub settings: Settings,
    /// Where decisions are kept for others to read.
    pub decisions: Arc<Decisions>,
    /// Whether the last sync went well.
    pub readiness: Readiness,
    /// Its own metrics.
    pub monitor: Monitor,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

/// What one sync hands to the next.
#[derive(Debug, Default)]
struct Memory {
    status: Status,
    history: History,
    /// The first request that failed in the last sync, so that a lasting fault is told once.
    trouble: Option<String>,
    /// Whether any sync went well.
    went_well: bool,
}

impl Controller {
    /// Syncs once every `period` until `shutdown`; each wait begins when the sync before it has ended.
    pub async fn run(self, period: Duration, shutdown: Shutdown) {
        self.monitor.autoscalers(1);
        let (mut memory, mut early) = (Memory::default(), Backoff::new(FIRST_RETRY, period));
        loop {
            tokio::select! {
                () = self.sync(&mut memory) => {}
                () = shutdown.cancelled() => return,
            }
            let wait = if memory.went_well { period } else { early.next_delay().min(period) };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn sync(&self, memory: &mut Memory) {
        let begun = Instant::now();
        let Observed { scale, pods, samples, took, trouble } = self.servers.observe(&self.autoscaler).await;
        let now = (self.clock)();
        let observation = Observation {
            autoscaler: &self.autoscaler,
            status: &memory.status,
            scale: &scale,
            pods: &pods,
            samples: &samples,
            history: &memory.history,
            // The only autoscaler of a file knows of no other.
            neighbours: &[],
            now,
            settings: &self.settings,
        };
        let mut decision = decide(&observation);
        if let Some(change) = &decision.rescale {
            let tried = scale::set(&self.servers.kubernetes, &self.autoscaler, change.to).await;
            decision.rescaled(&observation, tried);
        }
        let trouble = trouble.or_else(|| decision.failed_rescale.clone());
        let entry = entry(&decision, &self.autoscaler.target(), trouble.as_deref(), now);
        if let (true, Some(change)) = (entry.scaled, &decision.rescale) {
            tracing::info!(from = change.from, to = change.to, why = entry.why, "scaled");
        } else {
            tracing::debug!(current = entry.current, why = entry.why, "synced");
        }
        self.measured(&decision, entry.scaled, memory.status.current_replicas, &took, begun.elapsed());
        self.decisions.keep(entry);
        let trouble = trouble.or_else(|| decision.error.as_ref().map(ToString::to_string));
        self.told(trouble.as_deref(), memory.trouble.as_deref());
        let went_well = memory.went_well || trouble.is_none();
        *memory = Memory { status: decision.status, history: decision.history, trouble, went_well };
    }

    /// Readiness at every sync, and a log line when it changes.
    fn told(&self, trouble: Option<&str>, before: Option<&str>) {
        match (trouble, before) {
            (Some(trouble), before) => {
                if before != Some(trouble) {
                    tracing::warn!("the sync failed: {trouble}");
                }
                self.readiness.troubled(trouble);
            }
            (None, before) => {
                if before.is_some() {
                    tracing::info!("syncs go well again");
                }
                self.readiness.ready();
            }
        }
    }

    fn measured(&self, decision: &Decision, scaled: bool, before: i32, took: &[Duration], whole: Duration) {
        let error = decision.error.as_ref().map(|error| error.kind);
        let change = decision.rescale.as_ref().filter(|_| scaled);
        let action = change.map_or(Action::none, |change| Action::of(change.from, change.to));
        self.monitor.synced(action, Failed::of(error), whole);
        for (metric, took) in decision.trace.metrics.iter().zip(took) {
            let action = metric.proposal.map_or(Action::none, |proposal| Action::of(before, proposal));
            let failed = metric.error.as_ref().and(Some(crate::decide::ErrorKind::Internal));
            self.monitor.asked(&metric.kind, action, Failed::of(failed), *took);
        }
        let Autoscaler { namespace, name, .. } = &self.autoscaler;
        self.monitor.desires(namespace, name, decision.status.desired_replicas);
    }
}
