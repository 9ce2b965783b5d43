//! Discovery documents: which groups, versions and metrics there are. Sorted, so that equal lists are equal texts.

use metrics_api::{ApiGroup, ApiGroupList, ApiResource, ApiResourceList};

use super::{Groups, Version};
use crate::registry::Registry;

/// The answer to `/apis`.
pub fn groups(groups: &Groups) -> ApiGroupList {
    ApiGroupList::new(groups.0.iter().map(|(name, versions)| of_versions(name, versions)).collect())
}

/// The answer to `/apis/GROUP`.
pub fn group(groups: &Groups, name: &str) -> ApiGroup {
    of_versions(name, groups.versions(name).unwrap_or_default()).document()
}

fn of_versions(name: &str, versions: &[Version]) -> ApiGroup {
    let names: Vec<&str> = versions.iter().map(|version| version.name()).collect();
    let (first, others) = names.split_first().map_or(("", &[][..]), |(first, others)| (*first, others));
    ApiGroup::new(name, first, others)
}

/// The answer to `/apis/GROUP/VERSION`: one resource for each kind and metric.
pub fn resources(group: &str, version: Version, registry: &Registry) -> ApiResourceList {
    let resource = |kind: &crate::rule::kind::Kind, metric: &str| ApiResource {
        name: format!("{}/{metric}", kind.resource()),
        singular_name: String::new(),
        namespaced: kind.namespaced,
        kind: "MetricValueList".to_owned(),
        verbs: vec!["get".to_owned()],
    };
    let resources = registry.iter().map(|metric| resource(metric.kind, &metric.name)).collect();
    ApiResourceList::new(group, version.name(), resources)
}
