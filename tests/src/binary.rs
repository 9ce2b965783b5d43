//! The program under test, built from the sources as they are now and in the profile of the tests, so that a test never
//! runs a stale one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The path of `binnacle`; the first call builds it.
///
/// # Panics
/// It does not compile.
pub fn binnacle() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("binnacle"))
}

fn build(package: &str) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--package", package, "--message-format", "json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.current_dir(root()).output().expect("cargo starts");
    assert!(output.status.success(), "{package} does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    let path = messages.lines().filter_map(|line| executable(line, package)).next_back();
    path.unwrap_or_else(|| panic!("cargo names no executable of {package}"))
}

/// The executable in one of cargo's messages, if it is that of `name`.
fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    (message["target"]["name"] == name).then(|| message["executable"].as_str().map(PathBuf::from))?
}

/// The workspace's folder.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_executable_among_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"binnacle"},"executable":"/t/binnacle"}"#;
        assert_eq!(executable(line, "binnacle"), Some("/t/binnacle".into()));
        assert_eq!(executable(line, "hpa"), None);
        assert_eq!(executable(r#"{"target":{"name":"binnacle"},"executable":null}"#, "binnacle"), None);
        assert_eq!(executable("not JSON", "binnacle"), None);
    }
}
