//! `cargo xtask image`: container images of our programs, as OCI layout tarballs in `target/images/`: static binaries on
//! nothing. It needs no engine, and pushes nothing anywhere.

mod oci;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use clap::ValueEnum;

use crate::test::{packages, step, workspace_root};
use oci::Image;

/// An image of all programs that is larger costs each node's disk and each start.
const MAX_BYTES: u64 = 40_000_000;
/// The source of the pause program, which is too small for a package.
const PAUSE: &str = "xtask/src/image/pause.rs";

/// Make container images of our programs
#[derive(clap::Args)]
pub struct Args {
    /// Quick to build, slow to run and large: for tests
    #[arg(long)]
    dev: bool,
    /// Only these
    #[arg(value_enum)]
    names: Vec<Name>,
}

/// An image.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// All programs: `binnacle PROGRAM`
    Binnacle,
    /// What holds a pod's namespaces on the test cluster's node
    Pause,
}

/// Makes the chosen images.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    make(if args.names.is_empty() { Name::value_variants() } else { &args.names }, args.dev)?;
    Ok(ExitCode::SUCCESS)
}

/// Where an image is.
pub fn tarball(root: &Path, name: Name, dev: bool) -> PathBuf {
    let file = match name {
        Name::Binnacle if dev => "binnacle-dev.tar",
        Name::Binnacle => "binnacle.tar",
        Name::Pause => "pause.tar",
    };
    root.join("target/images").join(file)
}

/// Makes images, or makes them anew from the sources as they are now.
pub fn make(names: &[Name], dev: bool) -> anyhow::Result<()> {
    let root = workspace_root();
    let folder = root.join("target/images");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let target = target()?;
    for mut command in packages::installation(&[packages::IMAGE_TOOLS])? {
        let status = command.status().with_context(|| format!("cannot start {}", step::spelt_out(&command)))?;
        anyhow::ensure!(status.success(), "`{}` failed: {status}", step::spelt_out(&command));
    }
    add_target(&target)?;
    for name in names {
        let (program, image) = match name {
            Name::Binnacle => (binnacle(&root, &target, dev)?, binnacle_image()),
            Name::Pause => (pause(&root, &target, &folder)?, pause_image()),
        };
        let tarball = tarball(&root, *name, dev);
        let bytes = image.write(&program, &tarball)?;
        println!("{}  {:.1} MB  {}", image.name, bytes as f64 / 1e6, tarball.display());
        anyhow::ensure!(dev || bytes <= MAX_BYTES, "{} is larger than {} MB", image.name, MAX_BYTES / 1_000_000);
    }
    Ok(())
}

fn binnacle_image() -> Image {
    let version = env!("CARGO_PKG_VERSION");
    // The number that images without a user table use for nobody in particular.
    Image { name: format!("docker.io/library/binnacle:{version}"), program: "binnacle", user: "65532:65532" }
}

fn pause_image() -> Image {
    Image { name: "docker.io/library/binnacle-pause:1".to_owned(), program: "pause", user: "65535:65535" }
}

/// The static target of this machine.
fn target() -> anyhow::Result<String> {
    let machine = std::env::consts::ARCH;
    anyhow::ensure!(["x86_64", "aarch64"].contains(&machine), "no image for {machine}: only for x86_64 and aarch64");
    Ok(format!("{machine}-unknown-linux-musl"))
}

/// Gets the target's standard library, unless it is there.
fn add_target(target: &str) -> anyhow::Result<()> {
    let print = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let folder = print.context("cannot start rustc")?.stdout;
    if Path::new(String::from_utf8_lossy(&folder).trim()).exists() {
        return Ok(());
    }
    let status = Command::new("rustup").args(["target", "add", target]).status();
    let advice =
        || format!("Rust's standard library for {target} is missing: `rustup target add {target}`, or your system's package");
    anyhow::ensure!(status.with_context(advice)?.success(), advice());
    Ok(())
}

fn binnacle(root: &Path, target: &str, dev: bool) -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--package", "binnacle", "--target", target]).current_dir(root);
    if dev {
        // Nobody debugs in there, and without it the program is a fifth as large.
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "false").env("CARGO_PROFILE_DEV_STRIP", "symbols");
    } else {
        cargo.arg("--release");
    }
    let status = cargo.status().context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "`{}` failed: {status}", step::spelt_out(&cargo));
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    Ok(folder.join(target).join(if dev { "debug" } else { "release" }).join("binnacle"))
}

fn pause(root: &Path, target: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let program = folder.join("pause");
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "--target", target, "-C", "opt-level=s", "-C", "panic=abort", "-C", "strip=symbols", "-o"]);
    let status = rustc.arg(&program).arg(root.join(PAUSE)).status().context("cannot start rustc")?;
    anyhow::ensure!(status.success(), "`{}` failed: {status}", step::spelt_out(&rustc));
    Ok(program)
}
