//! The stages, in order: cheap ones first. To add one, add a line to [`STAGES`] and its commands beside it.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::packages::{self, BROWSER, PROCESS_TOOLS, Package};

/// A stage that compiles may take this long on two cores from nothing (the release build with its link-time optimisation
/// is the longest) without being taken for hung.
const BUILD_LIMIT: Duration = Duration::from_secs(40 * 60);
/// Getting the servers compiles Kubernetes and Prometheus once, which takes a quarter of an hour on two cores.
const SERVERS_LIMIT: Duration = Duration::from_secs(60 * 60);
/// A stage whose dependencies are compiled already.
const RUN_LIMIT: Duration = Duration::from_secs(20 * 60);

/// The flags of `up` that choose an address.
const ADDRESS_FLAGS: [&str; 6] =
    ["--page-address", "--exporter-address", "--adapter-address", "--hpa-address", "--agent-address", "--store-address"];

/// One part of the test.
pub struct Stage {
    /// What `--stage` calls it.
    pub name: &'static str,
    /// What it does, for the progress line.
    pub what: &'static str,
    /// Left out by `--quick`.
    pub slow: bool,
    /// What it prints to standard output is worth seeing when all is well.
    pub shows_output: bool,
    /// A stage that takes longer is ended.
    pub limit: Duration,
    /// What it leaves out where the user is not root, for the last lines of a run.
    pub only_root: &'static str,
    needs: &'static [&'static [Package]],
    commands: fn(&Room) -> anyhow::Result<Vec<Command>>,
}

/// Where a stage works.
pub struct Room {
    /// The workspace.
    pub root: PathBuf,
    /// A folder of the stage's own, gone before it starts.
    pub scratch: PathBuf,
}

/// All stages.
pub const STAGES: &[Stage] = &[
    quick("fmt", "formatting", RUN_LIMIT, |_| Ok(vec![cargo(&["fmt", "--all", "--", "--check", "--color", "never"])])),
    quick("clippy", "lints, warnings denied", BUILD_LIMIT, |_| {
        Ok(vec![cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])])
    }),
    quick("unit", "unit and fixture tests of every crate", BUILD_LIMIT, |_| {
        let harness = cargo(&["test", "--package", "integration-tests", "--lib", "--no-fail-fast"]);
        Ok(vec![cargo(&["test", "--workspace", "--exclude", "integration-tests", "--no-fail-fast"]), harness])
    }),
    quick("tidy", "house rules", BUILD_LIMIT, |_| Ok(vec![whole("tidy")])),
    quick("docs", "documentation, warnings denied", RUN_LIMIT, |_| {
        let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
        docs.env("RUSTDOCFLAGS", "-D warnings");
        Ok(vec![docs])
    }),
    Stage {
        needs: &[PROCESS_TOOLS],
        ..quick("up", "the whole stack: bad input, signals, kills", BUILD_LIMIT, |_| Ok(vec![whole("up")]))
    },
    Stage { slow: true, shows_output: true, ..quick("headless", "release build, then the story in 90 s", BUILD_LIMIT, headless) },
    Stage {
        slow: true,
        only_root: "every test of node:: (a kubelet with real pods)",
        needs: &[PROCESS_TOOLS, packages::GO, packages::MAVEN, packages::NODE_TOOLS, packages::IMAGE_TOOLS],
        ..quick("servers", "real Kubernetes with a node, Prometheus, Elasticsearch, OpenSearch", SERVERS_LIMIT, servers)
    },
    Stage {
        slow: true,
        needs: &[PROCESS_TOOLS, BROWSER],
        ..quick("page", "the page in a real headless Chromium", BUILD_LIMIT, |_| Ok(vec![whole("page")]))
    },
];

const fn quick(
    name: &'static str,
    what: &'static str,
    limit: Duration,
    commands: fn(&Room) -> anyhow::Result<Vec<Command>>,
) -> Stage {
    Stage { name, what, slow: false, shows_output: false, limit, only_root: "", needs: &[], commands }
}

impl Stage {
    /// The commands to run one after another, installation of what is missing first.
    ///
    /// # Errors
    /// Something is missing that cannot be installed from here, or the machine has no free ports or no room.
    pub fn steps(&self, room: &Room) -> anyhow::Result<Vec<Command>> {
        match fs::remove_dir_all(&room.scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot empty {}", room.scratch.display()));
            }
            _ => {}
        }
        let mut steps = packages::installation(self.needs)?;
        steps.extend((self.commands)(room)?);
        for step in &mut steps {
            step.current_dir(&room.root);
        }
        Ok(steps)
    }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The output is read by this program and kept in a file.
    command.args(arguments).env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
}

/// A test of the whole, one test at a time: each starts the stack, and two stacks on two cores would measure each other.
fn whole(target: &str) -> Command {
    let mut test = cargo(&["test", "--package", "integration-tests", "--test", target, "--", "--test-threads=1"]);
    // Their messages say what is wrong; where the harness stood says nothing and would push them out of sight.
    test.env("RUST_BACKTRACE", "0");
    test
}

fn servers(_: &Room) -> anyhow::Result<Vec<Command>> {
    let mut tests = whole("servers");
    if !rustix::process::geteuid().is_root() {
        tests.args(["--skip", "node::"]);
    }
    Ok(vec![cargo(&["run", "--quiet", "--package", "xtask", "--", "servers"]), tests])
}

fn headless(room: &Room) -> anyhow::Result<Vec<Command>> {
    let mut story = cargo(&["run", "--quiet", "--release", "--", "up", "--duration", "90s", "--headless", "--data-dir"]);
    story.arg(&room.scratch);
    for flag in ADDRESS_FLAGS {
        // Any free port, chosen when it starts.
        story.args([flag, "127.0.0.1:0"]);
    }
    Ok(vec![cargo(&["build", "--release"]), story])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: HashSet<&str> = STAGES.iter().map(|stage| stage.name).collect();
        assert_eq!(names.len(), STAGES.len());
    }

    #[test]
    fn a_stage_starts_with_an_empty_room() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room { root: folder.path().to_owned(), scratch: folder.path().join("scratch") };
        fs::create_dir(&room.scratch).unwrap();
        fs::write(room.scratch.join("old"), "x").unwrap();
        let steps = STAGES[0].steps(&room).unwrap();
        assert!(!room.scratch.exists());
        assert_eq!(steps[0].get_current_dir(), Some(folder.path()));
    }
}
