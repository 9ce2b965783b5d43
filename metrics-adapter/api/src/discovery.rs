//! Discovery documents: which groups, versions and resources a server has, and what it is (`/apis`, `/version`).

use serde::{Deserialize, Serialize};

/// The answer to `/apis`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiGroupList {
    /// Always `APIGroupList`.
    pub kind: String,
    /// Always `v1`.
    pub api_version: String,
    /// The groups, in order of preference.
    pub groups: Vec<ApiGroup>,
}

/// One group: an entry of `/apis`, or the answer to `/apis/GROUP`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiGroup {
    /// `APIGroup` when the document stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `v1` when the document stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// The group's name.
    pub name: String,
    /// Every version served, in order of preference.
    pub versions: Vec<GroupVersion>,
    /// The version that clients without a wish should use.
    pub preferred_version: GroupVersion,
}

/// One version of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupVersion {
    /// `GROUP/VERSION`.
    pub group_version: String,
    /// The version alone.
    pub version: String,
}

/// The answer to `/apis/GROUP/VERSION`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiResourceList {
    /// Always `APIResourceList`.
    pub kind: String,
    /// Always `v1`.
    pub api_version: String,
    /// `GROUP/VERSION`.
    pub group_version: String,
    /// The resources.
    pub resources: Vec<ApiResource>,
}

/// One resource; of the custom metrics API one pair of resource and metric, such as `pods/http_requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiResource {
    /// The name in paths.
    pub name: String,
    /// Empty here.
    pub singular_name: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// The kind of the answer.
    pub kind: String,
    /// What can be done with it.
    pub verbs: Vec<String>,
}

/// The answer to `/version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    /// The major version.
    pub major: String,
    /// The minor version.
    pub minor: String,
    /// The version with its `v`.
    pub git_version: String,
    /// The commit, if the build knew it.
    pub git_commit: String,
    /// `clean` or `dirty`, if the build knew it.
    pub git_tree_state: String,
    /// When it was built, if the build knew it.
    pub build_date: String,
    /// The language version of the build.
    pub go_version: String,
    /// The compiler.
    pub compiler: String,
    /// Operating system and architecture.
    pub platform: String,
}

impl ApiGroupList {
    /// The list of these groups.
    #[must_use]
    pub fn new(groups: Vec<ApiGroup>) -> Self {
        Self { kind: "APIGroupList".to_owned(), api_version: "v1".to_owned(), groups }
    }
}

impl ApiGroup {
    /// A group with these versions, the first of them preferred.
    #[must_use]
    pub fn new(name: &str, first: &str, others: &[&str]) -> Self {
        let version = |version: &str| GroupVersion { group_version: format!("{name}/{version}"), version: version.to_owned() };
        let preferred_version = version(first);
        let versions = std::iter::once(preferred_version.clone()).chain(others.iter().map(|other| version(other))).collect();
        Self { kind: None, api_version: None, name: name.to_owned(), versions, preferred_version }
    }

    /// The same as a document of its own, with kind and version.
    #[must_use]
    pub fn document(self) -> Self {
        Self { kind: Some("APIGroup".to_owned()), api_version: Some("v1".to_owned()), ..self }
    }
}

impl ApiResourceList {
    /// The resources of one version of a group.
    #[must_use]
    pub fn new(group: &str, version: &str, resources: Vec<ApiResource>) -> Self {
        let group_version = format!("{group}/{version}");
        Self { kind: "APIResourceList".to_owned(), api_version: "v1".to_owned(), group_version, resources }
    }
}
