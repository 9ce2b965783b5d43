//! Rules on packages: who the members are, who may depend on whom, that versions and features stand in one place, and
//! that nothing is depended on in vain.

use std::collections::BTreeSet;
use std::process::Command;

use integration_tests::binary::root;
use serde_json::Value;

use crate::workspace::{Faults, files, text};

/// The members, in the order of the root manifest, and the members that each may depend on.
const MEMBERS: &[(&str, &[&str])] = &[
    ("binnacle", &["daemon", "hpa", "log-agent", "metrics-adapter", "metrics-api", "node-exporter"]),
    ("daemon", &[]),
    ("hpa", &["daemon", "metrics-api"]),
    ("log-agent", &["daemon"]),
    ("metrics-adapter", &["daemon", "metrics-api"]),
    ("metrics-api", &[]),
    ("node-exporter", &["daemon"]),
    ("integration-tests", &["binnacle", "daemon", "hpa", "log-agent", "metrics-adapter", "metrics-api", "node-exporter"]),
    ("xtask", &[]),
];

/// Packages that must not come in by the back door: each builds for minutes, wants CMake or a C library, or is a second
/// stack beside one that we have.
const UNWANTED: &[&str] = &["aws-lc-rs", "aws-lc-sys", "bindgen", "cmake", "native-tls", "openssl", "openssl-sys"];
/// Packages of which two versions would mean two runtimes, two HTTP stacks or two TLS stacks in one program.
const ONE_VERSION: &[&str] =
    &["axum", "http", "hyper", "regex-automata", "reqwest", "ring", "rustix", "rustls", "serde", "tokio", "tower"];

/// One package as cargo describes it.
struct Package {
    name: String,
    manifest: String,
    dependencies: Vec<(String, bool)>,
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version", "1", "--no-deps"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo starts");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let root = metadata["workspace_root"].as_str().expect("a root").to_owned();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let package = |package: &Value| Package {
        name: word(&package["name"]),
        manifest: word(&package["manifest_path"]).trim_start_matches(&root).trim_start_matches('/').to_owned(),
        dependencies: package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|dependency| (word(&dependency["name"]), dependency["kind"] == "dev"))
            .collect(),
    };
    metadata["packages"].as_array().expect("packages").iter().map(package).collect()
}

#[test]
fn members_and_their_dependencies_follow_the_design() {
    let mut faults = Faults::default();
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    for (name, _) in MEMBERS.iter().filter(|(name, _)| !names.contains(name)) {
        faults.add(
            "Cargo.toml",
            1,
            format!("{name} is no member: bring it back, or take it out of the design and of this table"),
        );
    }
    for package in &packages {
        let Some((_, allowed)) = MEMBERS.iter().find(|(name, _)| *name == package.name) else {
            faults.add(&package.manifest, 1, format!("{} is not in the design: add it there and to this table", package.name));
            continue;
        };
        for (dependency, _) in package.dependencies.iter().filter(|(name, _)| names.contains(name.as_str())) {
            if !allowed.contains(&dependency.as_str()) {
                let advice =
                    format!("{} may not depend on {dependency}: components know only daemon; binnacle joins them", package.name);
                faults.add(&package.manifest, 1, advice);
            }
        }
    }
    faults.report();
}

#[test]
fn versions_and_features_stand_in_the_root_manifest() {
    let mut faults = Faults::default();
    for package in packages() {
        let manifest = text(&package.manifest);
        let mut section = "";
        for (number, line) in (1..).zip(manifest.lines()) {
            if line.starts_with('[') {
                section = line;
            } else if section.contains("dependencies") && !line.trim().is_empty() && !line.starts_with('#') {
                let ours = line.ends_with(".workspace = true") || line.ends_with("= { workspace = true, optional = true }");
                if !ours {
                    faults.add(
                        &package.manifest,
                        number,
                        "write `NAME.workspace = true`, and the version and features in the root",
                    );
                }
            }
        }
        if !manifest.contains("[lints]\nworkspace = true") {
            faults.add(&package.manifest, 1, "add `[lints]` with `workspace = true`");
        }
    }
    faults.report();
}

#[test]
fn every_dependency_is_used() {
    let mut faults = Faults::default();
    let sources = files(".rs");
    let packages = packages();
    for package in &packages {
        let folder = package.manifest.trim_end_matches("Cargo.toml");
        // A package nested in another's folder has sources of its own.
        let nested: Vec<&str> = packages
            .iter()
            .map(|other| other.manifest.trim_end_matches("Cargo.toml"))
            .filter(|other| other.len() > folder.len() && other.starts_with(folder))
            .collect();
        let own = |path: &str| path.starts_with(folder) && !nested.iter().any(|other| path.starts_with(other));
        for (dependency, is_dev) in &package.dependencies {
            let name = dependency.replace('-', "_");
            let used = sources.iter().filter(|file| own(&file.path)).any(|file| {
                let text = if *is_dev || file.is_test() {
                    file.text.clone()
                } else {
                    file.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
                };
                (*is_dev || !file.is_test() || package.name == "integration-tests") && mentions(&text, &name)
            });
            if !used {
                let line = (1..)
                    .zip(text(&package.manifest).lines())
                    .find(|(_, line)| line.starts_with(dependency))
                    .map_or(1, |(number, _)| number);
                faults.add(&package.manifest, line, format!("{dependency} is not used: take it out"));
            }
        }
    }
    faults.report();
}

/// Whether Rust source uses the crate `name`: as a path's first part, or imported or derived whole.
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(place, _)| {
        let before = text[..place].chars().next_back();
        let after = &text[place + name.len()..];
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
            && (after.starts_with("::") || after.starts_with(';') || after.starts_with(" as "))
    })
}

#[test]
fn mentions_are_paths_and_imports() {
    for (text, expected) in [
        ("use serde::Serialize;", true),
        ("use serde_json::Value;", false),
        ("// about serde", false),
        ("my_serde::x", false),
        ("use serde;", true),
    ] {
        assert_eq!(mentions(text, "serde"), expected, "{text}");
    }
}

#[test]
fn the_root_manifest_lists_nothing_in_vain() {
    let mut faults = Faults::default();
    let used: BTreeSet<String> = packages().into_iter().flat_map(|package| package.dependencies).map(|(name, _)| name).collect();
    let manifest = text("Cargo.toml");
    let mut section = "";
    for (number, line) in (1..).zip(manifest.lines()) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[workspace.dependencies]"
            && let Some((name, _)) = line.split_once(" = ")
            && !line.starts_with('#')
            && !used.contains(name)
            && !MEMBERS.iter().any(|(member, _)| *member == name)
        {
            faults.add("Cargo.toml", number, format!("no member uses {name}: take it out"));
        }
    }
    faults.report();
}

#[test]
fn the_dependency_tree_stays_lean() {
    let mut faults = Faults::default();
    let lock = text("Cargo.lock");
    let lines: Vec<&str> = lock.lines().collect();
    let mut seen = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(name) = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"')) {
            if UNWANTED.contains(&name) {
                faults.add(
                    "Cargo.lock",
                    index + 1,
                    format!("{name} came in: `cargo tree -i {name}` says by whom; switch that feature off"),
                );
            }
            if !seen.insert(name) && ONE_VERSION.contains(&name) {
                faults.add(
                    "Cargo.lock",
                    index + 1,
                    format!("{name} is there twice: `cargo tree -d` says why; bring both to one version"),
                );
            }
        }
        if line.starts_with("source = ") && *line != "source = \"registry+https://github.com/rust-lang/crates.io-index\"" {
            faults.add("Cargo.lock", index + 1, "a dependency from elsewhere than crates.io");
        }
    }
    println!("{} packages in Cargo.lock", seen.len());
    faults.report();
}
