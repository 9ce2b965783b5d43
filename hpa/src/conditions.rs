//! The conditions of an autoscaler's status: their types, and how one is set. Which one to set when is decided elsewhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `HorizontalPodAutoscalerConditionType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionType {
    /// The scale can be read and written.
    AbleToScale,
    /// Replicas can be computed.
    ScalingActive,
    /// Bounds or policies cut what was computed.
    ScalingLimited,
    /// The last step to no replicas was ours.
    ScaledToZero,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Which one.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// `True` or `False`.
    #[serde(serialize_with = "as_word")]
    pub status: bool,
    /// One word.
    pub reason: String,
    /// One sentence.
    pub message: String,
    /// When the status last changed.
    #[serde(skip)]
    pub since: Option<Timestamp>,
}

fn as_word<S: serde::Serializer>(status: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*status))
}

/// A condition's status as the API writes it.
#[must_use]
pub const fn word(status: bool) -> &'static str {
    if status { "True" } else { "False" }
}

/// All conditions, in the order in which they were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Conditions(pub Vec<Condition>);

impl Conditions {
    /// The condition of this type.
    #[must_use]
    pub fn get(&self, kind: ConditionType) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.kind == kind)
    }

    /// Changes the condition in its place, or appends it. Its time moves only with its status.
    pub fn set(&mut self, kind: ConditionType, status: bool, reason: &str, message: impl Into<String>, now: Timestamp) {
        let (reason, message) = (reason.to_owned(), message.into());
        match self.0.iter_mut().find(|condition| condition.kind == kind) {
            Some(known) => {
                let since = if known.status == status { known.since } else { Some(now) };
                *known = Condition { kind, status, reason, message, since };
            }
            None => self.0.push(Condition { kind, status, reason, message, since: Some(now) }),
        }
    }

    /// Takes the condition away.
    pub fn remove(&mut self, kind: ConditionType) {
        self.0.retain(|condition| condition.kind != kind);
    }
}
