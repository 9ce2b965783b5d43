//! Paths below `/apis`, as Kubernetes spells them. Pure: it looks nothing up but the groups that are served.

use super::failure::Failure;
use super::{Groups, Version};
use crate::provider::Objects;

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/apis/GROUP/VERSION`
    Resources(String, Version),
    /// A metric.
    Values { group: String, version: Version, asked: Asked },
}

/// Which metric of which objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub resource: String,
    pub namespace: Option<String>,
    pub objects: Objects,
    pub metric: String,
}

/// Reads a path.
///
/// # Errors
/// It is no path of this API.
pub fn route(path: &str, groups: &Groups) -> Result<Route, Failure> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/').skip(1).map(decoded);
    let mut parts = Vec::new();
    for segment in segments.by_ref() {
        // A segment that is empty or is no text names nothing.
        parts.push(segment.filter(|segment| !segment.is_empty()).ok_or(Failure::NoPath)?);
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let ["apis", rest @ ..] = parts.as_slice() else { return Err(Failure::NoPath) };
    let [group, rest @ ..] = rest else { return Ok(Route::Groups) };
    groups.versions(group).ok_or(Failure::NoPath)?;
    let [version, rest @ ..] = rest else { return Ok(Route::Group((*group).to_owned())) };
    let version = groups.version(group, version).ok_or(Failure::NoPath)?;
    let group = (*group).to_owned();
    if rest.is_empty() {
        return Ok(Route::Resources(group, version));
    }
    Ok(Route::Values { group, version, asked: asked(rest)? })
}

fn asked(parts: &[&str]) -> Result<Asked, Failure> {
    let owned = |text: &str| text.to_owned();
    let (namespace, resource, name, metric) = match parts {
        // A metric of the namespace itself.
        ["namespaces", name, "metrics", metric] => (None, "namespaces", name, metric),
        ["namespaces", namespace, resource, name, metric] => (Some(owned(namespace)), *resource, name, metric),
        ["namespaces", _, _] => return Err(Failure::InvalidPath),
        [resource, name, metric] => (None, *resource, name, metric),
        _ => return Err(Failure::NoPath),
    };
    let objects = if *name == "*" { Objects::All } else { Objects::One(owned(name)) };
    Ok(Asked { resource: owned(resource), namespace, objects, metric: owned(metric) })
}

/// A segment with its `%2A` and the like read; none if that is no text.
fn decoded(segment: &str) -> Option<String> {
    if !segment.contains('%') {
        return Some(segment.to_owned());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        bytes.push(if byte == b'%' { u8::try_from(digit()? * 16 + digit()?).ok()? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups() -> Groups {
        Groups::new(true, vec!["old.metrics.k8s.io".to_owned()])
    }

    fn check(path: &str, expected: Result<Route, Failure>) {
        let path = format!("/apis{path}");
        assert_eq!(
            route(&path, &groups()).map_err(|failure| failure.to_string()),
            expected.map_err(|failure| failure.to_string()),
            "{path}"
        );
    }

    #[test]
    fn discovery_has_three_levels() {
        let custom = || "custom.metrics.k8s.io".to_owned();
        check("", Ok(Route::Groups));
        check("/", Ok(Route::Groups));
        check("/custom.metrics.k8s.io/", Ok(Route::Group(custom())));
        check("/custom.metrics.k8s.io/v1beta2", Ok(Route::Resources(custom(), Version::V1beta2)));
        check("/old.metrics.k8s.io/v1beta1", Ok(Route::Resources("old.metrics.k8s.io".to_owned(), Version::V1beta1)));
        check("/old.metrics.k8s.io/v1beta2", Err(Failure::NoPath));
        check("/apps", Err(Failure::NoPath));
        check("/custom.metrics.k8s.io/v1", Err(Failure::NoPath));
        check("//", Err(Failure::NoPath));
        assert!(matches!(route("/api/v1", &groups()), Err(Failure::NoPath)));
        assert!(matches!(route("/apis/custom.metrics.k8s.io", &Groups::new(false, vec![])), Err(Failure::NoPath)));
    }

    #[test]
    fn values_are_asked_for_by_object() {
        let check = |path: &str, resource: &str, namespace: Option<&str>, name: &str, metric: &str| {
            let objects = if name == "*" { Objects::All } else { Objects::One(name.to_owned()) };
            let (resource, namespace, metric) = (resource.to_owned(), namespace.map(str::to_owned), metric.to_owned());
            let asked = Asked { resource, namespace, objects, metric };
            let group = "custom.metrics.k8s.io".to_owned();
            check(
                &format!("/custom.metrics.k8s.io/v1beta1/{path}"),
                Ok(Route::Values { group, version: Version::V1beta1, asked }),
            );
        };
        check("namespaces/default/services/s/m", "services", Some("default"), "s", "m");
        check("namespaces/default/pods/%2A/m/", "pods", Some("default"), "*", "m");
        check("namespaces/default/metrics/m", "namespaces", None, "default", "m");
        check("namespaces/*/metrics/m", "namespaces", None, "*", "m");
        check("nodes/n/m", "nodes", None, "n", "m");
        check("namespaces/default/deployments.apps/d%2d1/m", "deployments.apps", Some("default"), "d-1", "m");
    }

    #[test]
    fn other_paths_are_none() {
        let path = |rest: &str| format!("/custom.metrics.k8s.io/v1beta1/{rest}");
        check(&path("namespaces/default/m"), Err(Failure::InvalidPath));
        for rest in ["pods", "pods/x", "namespaces/default/pods/x", "namespaces/a/b/c/d/e", "a//m", "a/%zz/m", "a/%ff/m", "a/%2"]
        {
            check(&path(rest), Err(Failure::NoPath));
        }
    }

    proptest! {
        #[test]
        fn no_path_panics(path in "(/apis/custom.metrics.k8s.io/v1beta1)?[/a-z%0-9*.ä]{0,40}") {
            let _route = route(&path, &groups());
        }
    }
}
