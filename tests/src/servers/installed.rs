//! Where the servers' programs are: in `target/servers/`, or on the machine.

use std::path::{Path, PathBuf};

use crate::binary::root;

/// Names a folder with Kubernetes' programs to use instead of ours, as other projects do.
const KUBERNETES_FOLDER: &str = "KUBEBUILDER_ASSETS";

/// One of Kubernetes' programs, or etcd.
///
/// # Errors
/// It is not there; the message says what gets it.
pub fn kubernetes(program: &str) -> Result<PathBuf, String> {
    let named = std::env::var_os(KUBERNETES_FOLDER).map(|folder| Path::new(&folder).join(program));
    match named.filter(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => ours("kubernetes", program),
    }
}

/// A program from Debian's packages; where there are none, the machine's own.
///
/// # Errors
/// It is nowhere; the message says what gets it.
pub fn debian(server: &str, program: &str) -> Result<PathBuf, String> {
    let ours = ["usr/bin", "usr/sbin"].iter().map(|folder| ours(server, &format!("{folder}/{program}")));
    let mut missing = String::new();
    for found in ours {
        match found {
            Ok(path) => return Ok(path),
            Err(reason) => missing = reason,
        }
    }
    on_machine(program).ok_or(missing)
}

/// A program of the machine, also when the user's path has no folders of administration.
pub fn on_machine(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A file or folder of a server that `cargo xtask servers` got.
///
/// # Errors
/// It is not there; the message says what gets it.
pub fn ours(server: &str, path: &str) -> Result<PathBuf, String> {
    let full = root().join("target/servers").join(server).join(path);
    if full.exists() { Ok(full) } else { Err(format!("{} is not there: run `cargo xtask servers {server}`", full.display())) }
}
