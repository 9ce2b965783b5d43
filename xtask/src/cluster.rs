//! `cargo xtask cluster`: the one-node cluster of the tests, for a person to play with. The tests' harness starts it; this
//! gets what it needs and passes the wish on.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use clap::Subcommand;

use crate::test::workspace_root;
use crate::{image, servers};

const EXAMPLES: &str = "\
Examples:
  cargo xtask cluster up                 start it, getting what it needs first
  cargo xtask cluster load-image         put the image of our programs on its node
  cargo xtask cluster kubeconfig > file  let another program in
  cargo xtask cluster down               end it; nothing is left behind";

/// A one-node Kubernetes on this machine, as root
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    wish: Wish,
}

#[derive(Subcommand)]
enum Wish {
    /// Start the cluster, and wait until its node is ready
    Up,
    /// End it with everything in it
    Down,
    /// Print the kubeconfig file of its administrator
    Kubeconfig,
    /// Put an image on its node
    LoadImage {
        /// A tarball in the OCI image layout; without one, the image of our programs as they are now
        tarball: Option<PathBuf>,
    },
}

/// Does what is wished.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let root = workspace_root();
    match &args.wish {
        Wish::Up => {
            anyhow::ensure!(rustix::process::geteuid().is_root(), "a node needs root: run this as root");
            servers::get_missing(&["kubernetes", "node"])?;
            image::make(&[image::Name::Pause], false)?;
            harness(&root, &["up".as_ref(), &image::tarball(&root, image::Name::Pause, false)])
        }
        Wish::Down => harness(&root, &["down".as_ref()]),
        Wish::Kubeconfig => harness(&root, &["kubeconfig".as_ref()]),
        Wish::LoadImage { tarball: Some(tarball) } => {
            let tarball = std::path::absolute(tarball)?;
            anyhow::ensure!(tarball.is_file(), "{} is no file", tarball.display());
            harness(&root, &["load-image".as_ref(), &tarball])
        }
        Wish::LoadImage { tarball: None } => {
            image::make(&[image::Name::Binnacle], false)?;
            harness(&root, &["load-image".as_ref(), &image::tarball(&root, image::Name::Binnacle, false)])
        }
    }
}

fn harness(root: &Path, arguments: &[&Path]) -> anyhow::Result<ExitCode> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--package", "integration-tests", "--bin", "cluster", "--"]).args(arguments);
    let status = cargo.current_dir(root).status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
