//! Whether the agent does its job, from the parts that it takes: the sink, the state directory, the input. The first that
//! is in trouble is what readiness tells; the log hears of each at most once a minute.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use daemon::admin::Readiness;

use crate::seldom::Seldom;

/// What the job takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Elasticsearch answers and takes lines.
    Sink,
    /// The checkpoint and dead letters can be written.
    State,
    /// The folder of containers can be listed, and its files read.
    Input,
}

/// Every part.
const PARTS: usize = 3;

#[derive(Debug)]
struct Condition {
    /// `None`: nothing is known yet.
    state: Option<Result<(), String>>,
    complaint: Seldom,
    is_told: bool,
}

/// Shared by all tasks.
#[derive(Clone, Debug)]
pub struct Health {
    conditions: Arc<Mutex<[Condition; PARTS]>>,
    readiness: Readiness,
}

impl Health {
    /// The sink is unknown until it answers; the others are well until they are not.
    #[must_use]
    pub fn new(readiness: Readiness) -> Self {
        let conditions =
            [None, Some(Ok(())), Some(Ok(()))].map(|state| Condition { state, complaint: Seldom::default(), is_told: false });
        Self { conditions: Arc::new(Mutex::new(conditions)), readiness }
    }

    /// The part does what it should.
    pub fn well(&self, part: Part) {
        self.set(part, Ok(()));
    }

    /// It does not, for this reason: a sentence that names the address or path.
    pub fn troubled(&self, part: Part, reason: impl Into<String>) {
        self.set(part, Err(reason.into()));
    }

    /// The first reason why the job is not done.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.iter().find_map(|condition| condition.state.clone()?.err())
    }

    fn set(&self, part: Part, state: Result<(), String>) {
        let mut conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        let condition = &mut conditions[part as usize];
        match &state {
            Err(reason) if condition.complaint.may(Instant::now()) => {
                tracing::warn!("{reason}");
                condition.is_told = true;
            }
            Ok(()) if std::mem::take(&mut condition.is_told) => tracing::info!(?part, "well again"),
            _ => {}
        }
        condition.state = Some(state);
        match conditions.iter().find_map(|condition| condition.state.clone()?.err()) {
            Some(reason) => self.readiness.troubled(reason),
            None if conditions.iter().all(|condition| condition.state.is_some()) => self.readiness.ready(),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_the_sink_has_answered_and_nothing_is_wrong() {
        let readiness = Readiness::default();
        let health = Health::new(readiness.clone());
        health.well(Part::State);
        assert_eq!(readiness.get(), Err(daemon::admin::STARTING.to_owned()));
        health.well(Part::Sink);
        assert_eq!(readiness.get(), Ok(()));
        health.troubled(Part::State, "disk full");
        health.troubled(Part::Sink, "http://es:9200 is down");
        assert_eq!(
            (readiness.get(), health.error()),
            (Err("http://es:9200 is down".to_owned()), Some("http://es:9200 is down".to_owned()))
        );
        health.well(Part::Sink);
        assert_eq!(readiness.get(), Err("disk full".to_owned()));
        health.well(Part::State);
        assert_eq!((readiness.get(), health.error()), (Ok(()), None));
    }
}
