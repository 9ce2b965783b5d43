//! Pods as Kubernetes lists them, reduced to what decides. One pod that makes no sense is one that is not ready; a list that
//! is none is a fault.

use std::collections::BTreeMap;

use metrics_api::{Quantity, Time};
use serde::Deserialize;

use crate::client::{Client, RequestError};
use crate::pods::requests::{Amounts, Container, Requests, Role};
use crate::pods::{Phase, Pod, Readiness};

/// The pods of a namespace that the selector finds.
///
/// # Errors
/// The server gave no list of pods.
pub async fn list(client: &Client, namespace: &str, selector: &str) -> Result<Vec<Pod>, RequestError> {
    let url = client.url(&["api", "v1", "namespaces", namespace, "pods"], &[("labelSelector", selector)]);
    let list: PodList = client.get(url).await?;
    Ok(list.items.into_iter().map(pod).collect())
}

#[derive(Deserialize)]
struct PodList {
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    deletion_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    containers: Vec<ContainerSpec>,
    init_containers: Vec<ContainerSpec>,
    resources: Option<Resources>,
    overhead: BTreeMap<String, Quantity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerSpec {
    #[serde(default)]
    name: String,
    #[serde(default)]
    resources: Resources,
    #[serde(default)]
    restart_policy: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: BTreeMap<String, Quantity>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: String,
    start_time: Option<Time>,
    conditions: Vec<PodCondition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default)]
    last_transition_time: Option<Time>,
}

fn pod(item: Item) -> Pod {
    let Item { metadata, spec, status } = item;
    let start = status.start_time.map(|time| time.0);
    let ready = status.conditions.iter().find(|condition| condition.kind == "Ready").map(|condition| Readiness {
        status: match condition.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        },
        since: condition.last_transition_time.map(|time| time.0).or(start).unwrap_or_default(),
    });
    let amounts = |given: BTreeMap<String, Quantity>| -> Amounts {
        given.into_iter().map(|(name, amount)| (name, amount.milli_value())).collect()
    };
    let container = |given: ContainerSpec, init: bool| Container {
        role: match given.restart_policy.as_deref() {
            _ if !init => Role::Main,
            Some("Always") => Role::Sidecar,
            _ => Role::Init,
        },
        name: given.name,
        requests: amounts(given.resources.requests),
    };
    let mut containers: Vec<Container> = spec.containers.into_iter().map(|given| container(given, false)).collect();
    containers.extend(spec.init_containers.into_iter().map(|given| container(given, true)));
    let requests =
        Requests { containers, pod: amounts(spec.resources.unwrap_or_default().requests), overhead: amounts(spec.overhead) };
    Pod {
        name: metadata.name,
        labels: metadata.labels,
        phase: Phase::parse(&status.phase),
        deleting: metadata.deletion_timestamp.is_some(),
        ready,
        start,
        requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_pod_becomes_what_decides() {
        let text = r#"{"kind":"PodList","items":[{"metadata":{"name":"p","labels":{"app":"a"},"deletionTimestamp":"2026-01-01T00:00:00Z"},
            "spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"100m"}}}],
                    "initContainers":[{"name":"s","restartPolicy":"Always"},{"name":"i"}]},
            "status":{"phase":"Running","startTime":"2026-01-01T00:00:00Z",
                      "conditions":[{"type":"Ready","status":"False","lastTransitionTime":"2026-01-01T00:00:05Z"}]}},
            {"metadata":{"name":"bare"}}]}"#;
        let list: PodList = serde_json::from_str(text).unwrap();
        let pods: Vec<Pod> = list.items.into_iter().map(pod).collect();
        let first = &pods[0];
        assert!(first.deleting && first.phase == Phase::Running && !first.is_ready());
        assert_eq!(first.ready.unwrap().since.duration_since(first.start.unwrap()).as_secs(), 5);
        assert_eq!(first.requests.containers[0].requests["cpu"], 100);
        let roles: Vec<Role> = first.requests.containers.iter().map(|container| container.role).collect();
        assert_eq!(roles, [Role::Main, Role::Sidecar, Role::Init]);
        assert_eq!((pods[1].phase, pods[1].ready), (Phase::Unknown, None));
    }
}
