//! What is told to the autoscaler's audience at a sync, as Kubernetes events. Sending them is the controller's business.

use serde::Serialize;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// How bad it is.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// One word.
    pub reason: &'static str,
    /// One sentence.
    pub message: String,
}

/// How bad an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum EventType {
    Normal,
    Warning,
}

impl Event {
    /// Something that went as it should.
    #[must_use]
    pub fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind: EventType::Normal, reason, message: message.into() }
    }

    /// Something that did not.
    #[must_use]
    pub fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind: EventType::Warning, reason, message: message.into() }
    }
}
