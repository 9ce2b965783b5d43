//! Dependency homes: the rooms in which each large library may be used, so that it can be replaced and nothing else moves.

use crate::workspace::{Faults, files};

/// A library, the path beginnings under which it may be used, and why there. Tests may use what they test with.
const HOMES: &[(&str, &[&str], &str)] = &[
    (
        "prometheus_client",
        &[
            "daemon/src/admin",
            "metrics-adapter/src/metrics",
            "hpa/src/monitor",
            "log-agent/src/metrics",
            "binnacle/src/log_store/metrics",
        ],
        "own metrics",
    ),
    (
        "axum",
        &[
            "daemon/src/",
            "node-exporter/src/http",
            "metrics-adapter/src/apiserver",
            "hpa/src/http",
            "log-agent/src/http",
            "binnacle/src/log_store/",
            "binnacle/src/sample_app",
            "binnacle/src/up/cluster",
            "binnacle/src/up/dashboard",
        ],
        "serving",
    ),
    (
        "reqwest",
        &[
            "tests/src/http",
            "metrics-adapter/src/scraper/",
            "hpa/src/client",
            "log-agent/src/elasticsearch",
            // One client for the whole of `up`, handed to whoever asks a part.
            "binnacle/src/up/",
        ],
        "asking servers",
    ),
    ("hyper", &["daemon/src/serve/"], "the accept loop"),
    ("tantivy", &["binnacle/src/log_store"], "the embedded index"),
    ("promql_parser", &["metrics-adapter/src/promql"], "PromQL"),
    ("rcgen", &["daemon/src/tls"], "self-signed certificates"),
    ("comfy_table", &["binnacle/src/"], "tables on a terminal"),
    ("indicatif", &["binnacle/src/", "xtask/src/test/progress", "xtask/src/servers/progress"], "progress"),
];

#[test]
fn every_large_dependency_stays_in_its_rooms() {
    let mut faults = Faults::default();
    for file in files(".rs") {
        for (number, line) in file.code() {
            for (library, rooms, what) in HOMES {
                let used = line.contains(&format!("{library}::")) || line.contains(&format!("use {library}"));
                if used && !rooms.iter().any(|room| file.path.starts_with(room)) {
                    let advice = format!(
                        "{library} ({what}) is at home in {}: ask that room, or add this one here with its reason",
                        rooms.join(", ")
                    );
                    faults.add(&file.path, number, advice);
                }
            }
        }
    }
    faults.report();
}
