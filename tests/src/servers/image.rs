//! Container images of the programs as they are now. `cargo xtask image` makes them; this only asks for one.

use std::path::PathBuf;
use std::process::Command;

use crate::binary::root;

/// The OCI layout tarball of an image, made or made anew: `binnacle` has all programs, `pause` is what a pod's namespaces
/// live in.
///
/// # Errors
/// It cannot be made: the end of what the command says.
pub fn file(name: &str) -> Result<PathBuf, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let command = cargo.args(["run", "--quiet", "--package", "xtask", "--", "image", "--dev", name]).current_dir(root());
    let output = command.output().map_err(|error| format!("cannot start cargo: {error}"))?;
    if output.status.success() {
        return Ok(root().join(format!("target/images/{name}.tar")));
    }
    Err(format!("`cargo xtask image {name}` failed:\n{}", String::from_utf8_lossy(&output.stderr)))
}
