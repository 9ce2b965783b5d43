//! Which targets there are: the document of Prometheus' HTTP service discovery, turned into targets with their labels. It
//! fetches nothing itself.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use serde::Deserialize;

use crate::labels::{Labels, is_label_name};

/// Most targets: twice what one core scrapes every fifteen seconds.
pub const MAX_TARGETS: usize = 2000;

/// A document that says no targets.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// Not the JSON of service discovery.
    #[error("the answer is not a list of target groups: {0}")]
    Json(#[from] serde_json::Error),
    /// Far too many.
    #[error("{0} targets are more than the {MAX_TARGETS} that one scraper takes")]
    TooMany(usize),
}

#[derive(Debug, Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// What its series are labelled with.
    pub labels: Labels,
    /// Where its metrics are, or why there is no such place.
    pub url: Result<String, String>,
}

/// The targets of a document, each once, sorted.
///
/// # Errors
/// It is no such document, or has too many targets.
pub fn targets(document: &[u8]) -> Result<BTreeSet<Target>, DiscoveryError> {
    let groups: Vec<Group> = serde_json::from_slice(document)?;
    let count = groups.iter().map(|group| group.targets.len()).sum();
    if count > MAX_TARGETS {
        return Err(DiscoveryError::TooMany(count));
    }
    let of_group = |group: &Group| group.targets.iter().map(|address| target(address, &group.labels)).collect::<Vec<_>>();
    Ok(groups.iter().flat_map(of_group).collect())
}

fn target(address: &str, labels: &BTreeMap<String, String>) -> Target {
    let of = |name: &str, default| labels.get(name).map_or(default, String::as_str);
    let instance = [("instance", address)].into_iter().filter(|_| !labels.contains_key("instance"));
    // Labels with two underscores say how to scrape, and end there.
    let own = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(|label| !label.0.starts_with("__"));
    let labels_of_target = Labels::new(own.chain(instance));
    let parameters = labels.iter().filter_map(|(name, value)| Some((name.strip_prefix("__param_")?, value)));
    let url = match (of("__scheme__", "http"), labels.keys().find(|name| !is_label_name(name))) {
        (_, Some(name)) => Err(format!("{name:?} is not a label's name")),
        ("http", None) => url(of("__address__", address), of("__metrics_path__", "/metrics"), parameters),
        (scheme, None) => Err(format!("the scheme {scheme:?} is not supported: targets are scraped over http")),
    };
    Target { labels: labels_of_target, url }
}

fn url<'a>(address: &str, path: &str, parameters: impl Iterator<Item = (&'a str, &'a String)>) -> Result<String, String> {
    if address.is_empty() || address.contains(['/', '?', '#', '@']) || !path.starts_with('/') {
        return Err(format!("{address:?} with the path {path:?} is not the address of a target"));
    }
    let parsed = Url::parse(&format!("http://{address}{path}"));
    let mut url = parsed.map_err(|error| format!("{address:?} is not the address of a target: {error}"))?;
    for (name, value) in parameters {
        url.query_pairs_mut().append_pair(name, value);
    }
    Ok(url.into())
}

/// Whether a list of targets can be asked for at this address.
///
/// # Errors
/// Why not.
pub fn check_url(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" if url.has_host() => Ok(()),
        scheme => Err(format!("the scheme {scheme:?} is not supported: targets are asked for over http")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, expected: &[(&str, &str)]) {
        let targets = targets(document.as_bytes()).unwrap();
        let shown: Vec<(String, String)> =
            targets.iter().map(|target| (target.labels.to_string(), target.url.clone().unwrap_or_else(|error| error))).collect();
        let shown: Vec<(&str, &str)> = shown.iter().map(|(labels, url)| (labels.as_str(), url.as_str())).collect();
        assert_eq!(shown, expected, "{document}");
    }

    #[test]
    fn groups_become_targets() {
        check("[]", &[]);
        check(
            r#"[{"targets":["127.0.0.1:1","b:2","b:2"],"labels":{"pod":"p"}}]"#,
            &[
                (r#"{instance="127.0.0.1:1",pod="p"}"#, "http://127.0.0.1:1/metrics"),
                (r#"{instance="b:2",pod="p"}"#, "http://b:2/metrics"),
            ],
        );
        check(r#"[{"targets":["a"],"other":1}]"#, &[(r#"{instance="a"}"#, "http://a/metrics")]);
        check(
            r#"[{"targets":["a:1"],"labels":{"__metrics_path__":"/m","__param_x":"1 2","instance":"i"}}]"#,
            &[(r#"{instance="i"}"#, "http://a:1/m?x=1+2")],
        );
    }

    #[test]
    fn one_impossible_target_is_no_fault_of_the_others() {
        check(
            r#"[{"targets":["a/b","[::1]:9"]}]"#,
            &[
                (r#"{instance="[::1]:9"}"#, "http://[::1]:9/metrics"),
                (r#"{instance="a/b"}"#, r#""a/b" with the path "/metrics" is not the address of a target"#),
            ],
        );
        check(
            r#"[{"targets":["a"],"labels":{"__scheme__":"https"}}]"#,
            &[(r#"{instance="a"}"#, r#"the scheme "https" is not supported: targets are scraped over http"#)],
        );
    }

    #[test]
    fn other_documents_are_refused() {
        for document in ["", "{}", "null", "[{}]", r#"[{"targets":"a"}]"#] {
            assert!(targets(document.as_bytes()).is_err(), "{document}");
        }
        let many = format!("[{{\"targets\":[{}\"x\"]}}]", "\"x\",".repeat(MAX_TARGETS));
        assert!(targets(many.as_bytes()).unwrap_err().to_string().contains("2001 targets"));
    }
}
