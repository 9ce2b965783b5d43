//! The Kubernetes kinds that metrics can describe: their names in paths, their kind, group and scope. A table, because there
//! may be no cluster to ask; kinds of custom resources come from a cluster's discovery, which this room does not do.

/// One kind of object.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version of the group that objects are described in.
    pub version: &'static str,
    /// The name in paths.
    pub plural: &'static str,
    /// The name of one.
    pub singular: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
}

const fn kind(group: &'static str, plural: &'static str, singular: &'static str, kind: &'static str) -> Kind {
    Kind { group, version: "v1", plural, singular, kind, namespaced: true }
}

const fn cluster_kind(group: &'static str, plural: &'static str, singular: &'static str, kind: &'static str) -> Kind {
    Kind { group, version: "v1", plural, singular, kind, namespaced: false }
}

/// Every kind of the built-in groups that a metric could be about. Of two with one name the first is meant.
pub const ALL: &[Kind] = &[
    kind("", "pods", "pod", "Pod"),
    kind("", "services", "service", "Service"),
    NAMESPACES,
    cluster_kind("", "nodes", "node", "Node"),
    cluster_kind("", "persistentvolumes", "persistentvolume", "PersistentVolume"),
    kind("", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim"),
    kind("", "replicationcontrollers", "replicationcontroller", "ReplicationController"),
    kind("", "configmaps", "configmap", "ConfigMap"),
    kind("", "endpoints", "endpoints", "Endpoints"),
    kind("", "secrets", "secret", "Secret"),
    kind("", "serviceaccounts", "serviceaccount", "ServiceAccount"),
    kind("apps", "deployments", "deployment", "Deployment"),
    kind("apps", "statefulsets", "statefulset", "StatefulSet"),
    kind("apps", "daemonsets", "daemonset", "DaemonSet"),
    kind("apps", "replicasets", "replicaset", "ReplicaSet"),
    kind("batch", "jobs", "job", "Job"),
    kind("batch", "cronjobs", "cronjob", "CronJob"),
    kind("networking.k8s.io", "ingresses", "ingress", "Ingress"),
    Kind {
        version: "v2",
        ..kind("autoscaling", "horizontalpodautoscalers", "horizontalpodautoscaler", "HorizontalPodAutoscaler")
    },
    kind("policy", "poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget"),
    kind("discovery.k8s.io", "endpointslices", "endpointslice", "EndpointSlice"),
    cluster_kind("storage.k8s.io", "storageclasses", "storageclass", "StorageClass"),
];

/// The namespaces themselves.
pub const NAMESPACES: Kind = cluster_kind("", "namespaces", "namespace", "Namespace");

impl Kind {
    /// The name in discovery and messages: `pods`, `deployments.apps`.
    #[must_use]
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// As prometheus-adapter writes it: `apps/v1`, and `/v1` for core kinds.
    #[must_use]
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Whether these are the namespaces themselves.
    #[must_use]
    pub fn is_namespaces(&self) -> bool {
        *self == NAMESPACES
    }
}

/// The kind with this name, plural or singular, in this group; without a group, in the first that has it.
#[must_use]
pub fn find(group: &str, name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| (group.is_empty() || kind.group == group) && (kind.plural == name || kind.singular == name))
}

/// The kind of a path's resource: `pods`, `pod` or `deployments.apps`.
#[must_use]
pub fn of_path(resource: &str) -> Option<&'static Kind> {
    let (name, group) = resource.split_once('.').unwrap_or((resource, ""));
    find(group, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_found_plural_singular_and_with_their_group() {
        let check =
            |resource: &str, expected: Option<&str>| assert_eq!(of_path(resource).map(|kind| kind.kind), expected, "{resource}");
        check("pods", Some("Pod"));
        check("pod", Some("Pod"));
        check("deployments.apps", Some("Deployment"));
        check("deployment.apps", Some("Deployment"));
        check("deployments", Some("Deployment"));
        check("ingresses.networking.k8s.io", Some("Ingress"));
        check("deployments.batch", None);
        check("pods.", Some("Pod"));
        check("", None);
        check("unicorns", None);
        assert_eq!(find("", "ingress").map(Kind::resource).as_deref(), Some("ingresses.networking.k8s.io"));
        assert_eq!(find("", "pods").map(Kind::api_version).as_deref(), Some("/v1"));
        assert!(find("", "namespace").is_some_and(Kind::is_namespaces));
    }
}
