//! The one-node cluster of the tests, for a person: `cargo xtask cluster` calls this and explains it. It lives in
//! `target/cluster/` and belongs to no test.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use integration_tests::binary::root;
use integration_tests::servers::room::{self, Room};
use integration_tests::servers::sandbox::{Sandbox, remove_abandoned_groups};
use integration_tests::servers::{Cluster, node};

/// The file that says that the start came to its end.
const READY: &str = "ready";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let folder = root().join("target/cluster");
    let done = match words[..] {
        ["up", pause_image] => up(&folder, pause_image.as_ref()),
        ["down"] => down(&folder),
        ["kubeconfig"] => kubeconfig(&folder),
        ["load-image", tarball] => Sandbox::of(&folder).and_then(|sandbox| node::load_image(&sandbox, tarball.as_ref())),
        _ => Err("call this as `cargo xtask cluster`".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn up(folder: &Path, pause_image: &Path) -> Result<(), String> {
    if room::keeper_of(folder).is_some() && folder.join(READY).exists() {
        return say(&format!("it is up already\n{}", advice(folder)));
    }
    // Whatever an interrupted start has left goes first.
    down(folder)?;
    match Room::lasting(folder).and_then(|room| Cluster::start_in(room, pause_image)) {
        Ok(cluster) => {
            fs::write(folder.join(READY), "").map_err(|error| format!("{}: {error}", folder.display()))?;
            say(&format!("up after {:.1} s\n{}", cluster.ready_after.as_secs_f64(), advice(folder)))
        }
        // What came up must not stay behind.
        Err(reason) => down(folder).and(Err(reason)),
    }
}

fn advice(folder: &Path) -> String {
    let kubectl = root().join("target/servers/kubernetes/kubectl");
    format!("  export KUBECONFIG={}\n  {} get nodes\n", file(folder).display(), kubectl.display())
}

/// Prints, also into a pipe that nobody reads to its end.
fn say(text: &str) -> Result<(), String> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        _ => Ok(()),
    }
}

/// Also after a kill: then only a folder and empty control groups are left.
fn down(folder: &Path) -> Result<(), String> {
    room::close(folder)?;
    remove_abandoned_groups();
    Ok(())
}

fn kubeconfig(folder: &Path) -> Result<(), String> {
    Sandbox::of(folder)?;
    let path = file(folder);
    say(&fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn file(folder: &Path) -> PathBuf {
    folder.join("admin.kubeconfig")
}
