//! The one-node cluster of the tests, for a person: `cargo xtask cluster` calls this and explains it. It lives in
//! `target/cluster/` and belongs to no test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use integration_tests::binary::root;
use integration_tests::servers::room::{self, Room};
use integration_tests::servers::sandbox::{Sandbox, remove_abandoned_groups};
use integration_tests::servers::{Cluster, node};

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
    if room::keeper_of(folder).is_some() {
        println!("it is up already");
        return said(folder);
    }
    down(folder)?;
    match Room::lasting(folder).and_then(|room| Cluster::start_in(room, pause_image)) {
        Ok(cluster) => {
            println!("up after {:.1} s", cluster.ready_after.as_secs_f64());
            said(folder)
        }
        // What came up must not stay behind.
        Err(reason) => down(folder).and(Err(reason)),
    }
}

fn said(folder: &Path) -> Result<(), String> {
    println!("  export KUBECONFIG={}", file(folder).display());
    println!("  {} get nodes", root().join("target/servers/kubernetes/kubectl").display());
    Ok(())
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
    print!("{}", fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    Ok(())
}

fn file(folder: &Path) -> PathBuf {
    folder.join("admin.kubeconfig")
}
