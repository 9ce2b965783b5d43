//! The scale subresource (`autoscaling/v1` Scale) of a target: read, and written back with other replicas. Fields that it does
//! not know go back as they came. Which resource has a kind is told by the rule for plurals; no discovery is asked.

use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, Method, RequestError, Url};
use crate::decide::{Scale, ScaleError};
use crate::spec::Autoscaler;

/// How often a change that conflicts with another is tried, and the pause between: upstream's numbers.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(10);

/// A scale with everything that the server said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleDocument {
    /// What a decision needs.
    pub scale: Scale,
    document: Value,
}

/// The scale of the autoscaler's target.
///
/// # Errors
/// The target's apiVersion is none, or the server gave no scale.
pub async fn get(client: &Client, autoscaler: &Autoscaler) -> Result<ScaleDocument, ScaleError> {
    let url = url(client, autoscaler)?;
    fetch(client, url).await.map_err(|error| ScaleError::Query(error.to_string()))
}

/// Sets the replicas of the autoscaler's target. A conflict reads the scale again and tries again; anything else is final.
///
/// # Errors
/// The server refused, or every try conflicted.
pub async fn set(client: &Client, autoscaler: &Autoscaler, replicas: i32) -> Result<(), String> {
    let url = url(client, autoscaler).map_err(|error| error.to_string())?;
    let mut conflict = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let ScaleDocument { mut document, .. } = fetch(client, url.clone()).await.map_err(|error| error.to_string())?;
        document["spec"]["replicas"] = replicas.into();
        match client.put::<Value>(url.clone(), &document).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_conflict() => conflict = error.to_string(),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(conflict)
}

async fn fetch(client: &Client, url: Url) -> Result<ScaleDocument, RequestError> {
    let document: Value = client.get(url.clone()).await?;
    let nonsense = |reason: &str| RequestError::Nonsense { method: Method::GET, url: url.clone(), reason: reason.to_owned() };
    if document["kind"] != "Scale" || !document["spec"].is_object() && !document["spec"].is_null() {
        return Err(nonsense("it is no Scale"));
    }
    let count = |part: &'static str| match &document[part]["replicas"] {
        // Kubernetes leaves out zeros.
        Value::Null => Ok(0),
        number => number.as_i64().and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 0).ok_or(part),
    };
    let (spec, status) = (count("spec"), count("status"));
    let wrong = |part: &str| nonsense(&format!("{part}.replicas is no count of replicas"));
    let scale = Scale {
        spec_replicas: spec.map_err(wrong)?,
        status_replicas: status.map_err(wrong)?,
        selector: document["status"]["selector"].as_str().unwrap_or_default().to_owned(),
    };
    Ok(ScaleDocument { scale, document })
}

fn url(client: &Client, autoscaler: &Autoscaler) -> Result<Url, ScaleError> {
    let target = &autoscaler.spec.scale_target_ref;
    let (group, version) = group_version(&target.api_version).map_err(ScaleError::ApiVersion)?;
    let resource = plural(&target.kind);
    let tail = ["namespaces", &autoscaler.namespace, &resource, &target.name, "scale"];
    let head: &[&str] = if group.is_empty() { &["api", version] } else { &["apis", group, version] };
    Ok(client.url(&[head, &tail].concat(), &[]))
}

/// Group and version of an apiVersion; the group of the core is empty.
///
/// # Errors
/// It has more than one slash.
pub fn group_version(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('/') {
        Some((_, version)) if version.contains('/') => Err(format!("unexpected GroupVersion string: {text}")),
        Some(parts) => Ok(parts),
        None => Ok(("", text)),
    }
}

/// The resource of a kind: its plural in small letters.
#[must_use]
pub fn plural(kind: &str) -> String {
    let singular = kind.to_lowercase();
    match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if singular.ends_with('s') => format!("{singular}es"),
        _ => format!("{singular}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_resources() {
        for (kind, resource) in [
            ("Deployment", "deployments"),
            ("ReplicationController", "replicationcontrollers"),
            ("Ingress", "ingresses"),
            ("NetworkPolicy", "networkpolicies"),
            ("Gateway", "gateways"),
        ] {
            assert_eq!(plural(kind), resource);
        }
    }

    #[test]
    fn an_api_version_has_at_most_one_slash() {
        assert_eq!(group_version("apps/v1"), Ok(("apps", "v1")));
        assert_eq!(group_version("v1"), Ok(("", "v1")));
        assert_eq!(group_version("a/b/c"), Err("unexpected GroupVersion string: a/b/c".to_owned()));
    }
}
