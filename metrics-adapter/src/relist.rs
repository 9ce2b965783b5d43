//! Keeps the registry and the readiness in step with the source: when series come or go the list of metrics is made anew and
//! swapped whole. Rules are independent: one whose series cannot be listed keeps those of before.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use daemon::Shutdown;
use daemon::admin::Readiness;

use crate::labels::Labels;
use crate::metrics::OwnMetrics;
use crate::registry::Registry;
use crate::rule::Rule;
use crate::source::Source;

/// Between two looks at the source, however much it changes: a thousand targets change something every few milliseconds.
const SPACING: Duration = Duration::from_millis(250);

/// The registry of now; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Current(Arc<RwLock<Arc<Registry>>>);

impl Current {
    /// The registry of now.
    #[must_use]
    pub fn get(&self) -> Arc<Registry> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, registry: Registry) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }
}

/// Relists until `shutdown`.
pub async fn run(rules: Vec<Rule>, source: Source, current: Current, readiness: Readiness, own: OwnMetrics, shutdown: Shutdown) {
    let mut listed: Vec<(Arc<Rule>, Vec<Labels>)> = rules.into_iter().map(|rule| (Arc::new(rule), Vec::new())).collect();
    let mut seen = None;
    loop {
        let changes = source.changes();
        if seen.is_none() || changes.is_none() || changes != seen {
            for (rule, series) in &mut listed {
                match source.series(&rule.series).await {
                    Ok(new) => *series = new,
                    Err(error) => tracing::warn!(%error, "cannot list series; those of before stay"),
                }
            }
            let registry = Registry::new(&listed);
            own.relisted(registry.len());
            current.set(registry);
            seen = changes;
        }
        // After the registry: who sees this program ready must find its metrics.
        match source.health() {
            Some(Ok(())) => readiness.ready(),
            Some(Err(problem)) => readiness.troubled(problem),
            None => {}
        }
        tokio::select! {
            () = async { tokio::join!(source.changed(), tokio::time::sleep(SPACING)); } => {}
            () = shutdown.cancelled() => return,
        }
    }
}
