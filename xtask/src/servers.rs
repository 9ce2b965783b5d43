//! `cargo xtask servers`: gets the real servers that the tests run against, each once, at a pinned version, into
//! `target/servers/`. How each is got stands in [`recipe`]; starting them is the tests' business.

mod java;
mod progress;
mod recipe;
mod table;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use rustix::fs::{FlockOperation, flock};

use crate::test::{packages, step, workspace_root};
use progress::Progress;
use table::{SERVERS, Server};

/// Kubernetes compiles for 6 minutes on two idle cores; a machine that is busy may take this long.
const LIMIT: Duration = Duration::from_secs(60 * 60);
/// Lines shown of a command that failed.
const TAIL_LINES: usize = 30;
/// The file in each server's folder that says from which recipe it was made, and what came.
const STAMP: &str = "came-from";

const EXAMPLES: &str = "\
Examples:
  cargo xtask servers                    get all that is missing
  cargo xtask servers --list             what is there: version, size, origin
  cargo xtask servers kubernetes         one of them

What was got stays in target/servers/ and is not fetched again. Interrupted, it goes on where it was: the package clients
keep what they have.";

/// Get the real servers that the tests run against
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Say what is there, and get nothing
    #[arg(long)]
    list: bool,
    /// Only these
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(SERVERS.iter().map(|server| server.name)))]
    names: Vec<String>,
}

/// Gets or lists the chosen servers.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let root = workspace_root();
    let folder = root.join("target/servers");
    let chosen: Vec<&Server> =
        SERVERS.iter().filter(|server| args.names.is_empty() || args.names.iter().any(|name| name == server.name)).collect();
    if args.list {
        print!("{}", table::render(chosen.iter().map(|server| (*server, state(server, &root, &folder)))));
        return Ok(ExitCode::SUCCESS);
    }
    get_all(&chosen, &root, &folder)?;
    println!("all {} are in {}: `cargo xtask servers --list` says more", chosen.len(), folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Gets those of the named servers that are missing.
pub fn get_missing(names: &[&str]) -> anyhow::Result<()> {
    let root = workspace_root();
    let chosen: Vec<&Server> = SERVERS.iter().filter(|server| names.contains(&server.name)).collect();
    get_all(&chosen, &root, &root.join("target/servers"))
}

fn get_all(chosen: &[&Server], root: &Path, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let _lock = lock(folder)?;
    let missing: Vec<&&Server> = chosen.iter().filter(|server| state(server, root, folder).is_none()).collect();
    for (index, server) in missing.iter().enumerate() {
        let place = format!("[{}/{}]", index + 1, missing.len());
        get(server, root, folder, &place).with_context(|| format!("cannot get {}", server.name))?;
    }
    Ok(())
}

/// What is known of a server that is there; `None` when it is not, or was made from another recipe.
fn state(server: &Server, root: &Path, folder: &Path) -> Option<table::State> {
    let folder = folder.join(server.name);
    let stamp = fs::read_to_string(folder.join(STAMP)).ok()?;
    let (fingerprint, version) = stamp.split_once('\n')?;
    let wanted = server.recipe.fingerprint(server.version, root).ok()?;
    (fingerprint == wanted).then(|| table::State { version: version.trim().to_owned(), bytes: size(&folder), folder })
}

/// The bytes in a folder, links not followed.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) if metadata.is_file() => metadata.len(),
        _ => 0,
    };
    entries.map(bytes).sum()
}

/// Holds others off: two at once would do everything twice.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        println!("another `cargo xtask servers` is at work: waiting for it");
        flock(&file, FlockOperation::LockExclusive).with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

/// Makes a server in a folder beside its own, and moves it there when it is whole.
fn get(server: &Server, root: &Path, folder: &Path, place: &str) -> anyhow::Result<()> {
    let partial = folder.join(format!("{}.partial", server.name));
    remove(&partial)?;
    fs::create_dir_all(&partial)?;
    let mut progress = Progress::start(place, server.name, server.what);
    let deadline = Instant::now() + LIMIT;
    for mut command in packages::installation(server.needs)? {
        attend(&mut command, deadline, &mut progress)?;
    }
    let whole = server.recipe.expected_lines(root)?;
    progress.expect(whole);
    for mut command in server.recipe.commands(server.version, root, &partial)? {
        attend(&mut command, deadline, &mut progress)?;
    }
    let got = server.recipe.finish(server.version, &partial)?;
    let fingerprint = server.recipe.fingerprint(server.version, root)?;
    fs::write(partial.join(STAMP), format!("{fingerprint}\n{got}\n"))?;
    let home: PathBuf = folder.join(server.name);
    remove(&home)?;
    fs::rename(&partial, &home).with_context(|| format!("cannot move {} to {}", partial.display(), home.display()))?;
    progress.finish(&got, size(&home));
    Ok(())
}

/// Runs a command to its end, and shows how it goes.
fn attend(command: &mut Command, deadline: Instant, progress: &mut Progress) -> anyhow::Result<()> {
    let mut tail = Vec::new();
    let end = step::run(command, deadline, |event| match event {
        step::Event::Line { text, .. } => {
            progress.line(&text);
            if tail.len() == TAIL_LINES {
                tail.remove(0);
            }
            tail.push(text);
        }
        step::Event::Tick => progress.tick(),
    })?;
    end.map_err(|reason| anyhow::anyhow!("{reason}\n{}", tail.join("\n")))
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
