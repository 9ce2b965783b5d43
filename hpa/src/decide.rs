//! The algorithm: one sync of one autoscaler as a pure function. What was observed goes in, time included; the decision with
//! status, conditions, events, new history and trace comes out. It has no client and no clock, and changes nothing.

mod selection;
mod sync;

use jiff::Timestamp;

use crate::events::Event;
use crate::history::History;
use crate::pods::Pod;
use crate::sample::Sample;
use crate::settings::Settings;
use crate::spec::Autoscaler;
use crate::status::Status;
use crate::trace::Trace;

/// The scale subresource of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scale {
    /// The replicas that are asked for.
    pub spec_replicas: i32,
    /// The replicas that there are.
    pub status_replicas: i32,
    /// Which pods are the target's, in text form.
    pub selector: String,
}

/// Why there is no scale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// The target's apiVersion is none.
    #[error("{0}")]
    ApiVersion(String),
    /// No resource has the target's kind.
    #[error("{0}")]
    Kind(String),
    /// The scale could not be fetched.
    #[error("{0}")]
    Query(String),
}

/// An autoscaler of the same namespace and the pods it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// Its target's selector, in text form.
    pub selector: String,
}

/// Everything that one decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The autoscaler, with the API server's defaults filled in.
    pub autoscaler: &'a Autoscaler,
    /// Its status after the last sync.
    pub status: &'a Status,
    /// Its target's scale.
    pub scale: &'a Result<Scale, ScaleError>,
    /// The pods of the namespace; the selector chooses among them.
    pub pods: &'a [Pod],
    /// The answer for each metric, in the order of the spec.
    pub samples: &'a [Sample],
    /// What it remembers.
    pub history: &'a History,
    /// The other autoscalers of the namespace.
    pub neighbours: &'a [Neighbour],
    /// When the decision is made.
    pub now: Timestamp,
    /// The controller's settings.
    pub settings: &'a Settings,
}

/// What is to be done, and everything that is to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The change of the scale, if there is one: try it, then say so with [`Decision::rescaled`].
    pub rescale: Option<Rescale>,
    /// Why that change failed, if it was tried and did.
    pub failed_rescale: Option<String>,
    /// The status after the sync.
    pub status: Status,
    /// What is told to the autoscaler's audience, in order.
    pub events: Vec<Event>,
    /// What it remembers now.
    pub history: History,
    /// Why the sync counts as failed, though it may have scaled.
    pub error: Option<SyncError>,
    /// How it came about.
    pub trace: Trace,
}

/// A change of the scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescale {
    /// The replicas before.
    pub from: i32,
    /// The replicas after.
    pub to: i32,
    /// Why, in upstream's words; empty if only a past recommendation wants it.
    pub reason: String,
}

/// A sync that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyncError {
    /// Whose fault it is.
    pub kind: ErrorKind,
    /// What went wrong, in upstream's words.
    pub message: String,
}

/// Whose fault a failed sync is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The autoscaler's own: somebody must change it.
    Spec,
    /// Anything else: trying again may help.
    Internal,
}

/// Decides. A change of the scale counts as not yet made: call [`Decision::rescaled`] with what came of it.
#[must_use]
pub fn decide(observation: &Observation<'_>) -> Decision {
    sync::Sync::new(observation).run()
}

impl Decision {
    /// Completes the decision with what came of the change of the scale; nothing happens if there was none.
    pub fn rescaled(&mut self, observation: &Observation<'_>, outcome: Result<(), String>) {
        sync::rescaled(self, observation, outcome);
    }
}
