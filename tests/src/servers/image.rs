//! Container images of the programs as they are now. `cargo xtask image` makes them; this only asks for one.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::binary::root;

/// The image of all programs, in a build for tests. Pods call it `binnacle:0.1.0`.
///
/// # Errors
/// It cannot be made: what the command says.
pub fn binnacle() -> Result<PathBuf, String> {
    static FILE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FILE.get_or_init(|| made("binnacle", "binnacle-dev.tar")).clone()
}

/// The image in which each pod's namespaces live.
///
/// # Errors
/// It cannot be made: what the command says.
pub fn pause() -> Result<PathBuf, String> {
    static FILE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FILE.get_or_init(|| made("pause", "pause.tar")).clone()
}

/// Makes an image, or makes it anew from the sources as they are now.
fn made(name: &str, file: &str) -> Result<PathBuf, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let command = cargo.args(["run", "--quiet", "--package", "xtask", "--", "image", "--dev", name]).current_dir(root());
    let output = command.output().map_err(|error| format!("cannot start cargo: {error}"))?;
    if output.status.success() {
        return Ok(root().join("target/images").join(file));
    }
    Err(format!("`cargo xtask image {name}` failed:\n{}", String::from_utf8_lossy(&output.stderr)))
}
