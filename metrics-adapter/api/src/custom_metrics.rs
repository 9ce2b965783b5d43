//! The group `custom.metrics.k8s.io`: metrics that describe Kubernetes objects, in its two versions. They differ in how the
//! metric is named and in the spelling of the window; the meaning is the same.

pub mod v1beta1;
pub mod v1beta2;

use serde::{Deserialize, Serialize};

/// The group's name.
pub const GROUP: &str = "custom.metrics.k8s.io";

/// The object that a value describes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReference {
    /// The kind, such as `Service`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Empty for objects that live in no namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The object's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Group and version; prometheus-adapter writes `/v1` for core kinds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
}

#[cfg(test)]
mod tests;
