//! Who a container is, as Docker's `config.v2.json` beside its log tells: the labels that Kubernetes gives it. It asks no
//! API server; what is not there is left out of the documents.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use serde::Deserialize;

/// Docker's own files have some 10 KiB; labels may be long, and a file without end must not fill the memory.
const LONGEST_CONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// What is known of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The namespace of its pod.
    pub namespace: Option<String>,
    /// The name of its pod.
    pub pod: Option<String>,
    /// Its name in the pod.
    pub container: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    config: Config,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    labels: Option<Labels>,
}

#[derive(Default, Deserialize)]
struct Labels {
    #[serde(rename = "io.kubernetes.pod.namespace")]
    namespace: Option<String>,
    #[serde(rename = "io.kubernetes.pod.name")]
    pod: Option<String>,
    #[serde(rename = "io.kubernetes.container.name")]
    container: Option<String>,
}

/// Reads the labels of the container whose folder this is.
///
/// # Errors
/// The file is not there (yet), cannot be read, or holds something else (it may be half written).
pub fn docker(folder: &Path) -> io::Result<Metadata> {
    let file = File::open(folder.join("config.v2.json"))?;
    let Container { config } = serde_json::from_reader(BufReader::new(file.take(LONGEST_CONFIG_BYTES)))?;
    let Labels { namespace, pod, container } = config.labels.unwrap_or_default();
    Ok(Metadata { namespace, pod, container })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &str, expected: Option<[Option<&str>; 3]>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.v2.json"), config).unwrap();
        let read = docker(folder.path()).ok().map(|Metadata { namespace, pod, container }| [namespace, pod, container]);
        assert_eq!(read, expected.map(|names| names.map(|name| name.map(str::to_owned))), "{config}");
    }

    #[test]
    fn labels() {
        let labels =
            r#"{"io.kubernetes.pod.name":"p","io.kubernetes.pod.namespace":"n","io.kubernetes.container.name":"c","x":"y"}"#;
        check(
            &format!(r#"{{"ID":"1","State":{{"Pid":7}},"Config":{{"Image":"i","Labels":{labels}}}}}"#),
            Some([Some("n"), Some("p"), Some("c")]),
        );
        check(r#"{"Config":{"Labels":{}}}"#, Some([None, None, None]));
        check(r#"{"Config":{"Labels":null}}"#, Some([None, None, None]));
        check(r#"{"Config":{"#, None);
        check("", None);
    }

    #[test]
    fn no_file_is_an_error() {
        assert_eq!(docker(Path::new("nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
