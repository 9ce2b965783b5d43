//! Starts `binnacle up` for a test: free ports, a folder of its own, its output kept and its end shown when the test
//! fails. Dropping it kills all that it started.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{self, Mark};
use crate::{binary, http, wait::eventually};

/// From the start of a debug build to its first answer, on a busy machine of two cores.
pub const START_LIMIT: Duration = Duration::from_secs(30);
/// Lines of its output that are shown when a test fails.
const TAIL_LINES: usize = 40;

/// The flags that choose an address, each of which gets a free port.
const ADDRESS_FLAGS: [&str; 6] =
    ["--page-address", "--exporter-address", "--adapter-address", "--hpa-address", "--agent-address", "--store-address"];

/// Mounts a disk with the options `$1` at `$2` and becomes the rest of the arguments.
const MOUNT: &str = r#"mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@""#;

/// A command line of `up` that has not been started yet.
#[derive(Debug)]
pub struct Launch {
    flags: Vec<(String, OsString)>,
    switches: Vec<String>,
    folder: TempDir,
    disk: Option<String>,
}

impl Launch {
    /// Free ports, and a data directory that does not exist yet.
    ///
    /// # Panics
    /// The machine has no free port or no room for a folder.
    #[expect(clippy::new_without_default, reason = "it takes ports and makes a folder, which no default should do")]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("binnacle-test-").tempdir().expect("a temporary folder");
        // All are held until the last is found, so that none comes twice.
        let held: io::Result<Vec<TcpListener>> = ADDRESS_FLAGS.iter().map(|_| TcpListener::bind("127.0.0.1:0")).collect();
        let held = held.expect("free ports on 127.0.0.1");
        let address = |listener: &TcpListener| listener.local_addr().expect("a bound address").to_string().into();
        let mut flags: Vec<_> = ADDRESS_FLAGS.iter().zip(&held).map(|(flag, held)| ((*flag).to_owned(), address(held))).collect();
        flags.push(("--data-dir".to_owned(), folder.path().join("data").into()));
        Self { flags, switches: Vec::new(), folder, disk: None }
    }

    /// With `flag` set to `value` instead of what it was.
    #[must_use]
    pub fn with(mut self, flag: &str, value: impl Into<OsString>) -> Self {
        self.flags.retain(|(name, _)| name != flag);
        self.flags.push((flag.to_owned(), value.into()));
        self
    }

    /// With a flag that takes no value.
    #[must_use]
    pub fn switch(mut self, flag: &str) -> Self {
        self.switches.push(flag.to_owned());
        self
    }

    /// With a data directory that is a small disk of its own, mounted with `options` such as `size=16k`.
    #[must_use]
    pub fn on_a_disk(mut self, options: &str) -> Self {
        self.disk = Some(options.to_owned());
        self
    }

    /// The folder of this run: the data directory is to be in it, a test may put more there. It goes with the run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The value of a flag, such as the address that was chosen for it.
    ///
    /// # Panics
    /// The flag is not set.
    pub fn value(&self, flag: &str) -> String {
        let found = self.flags.iter().find(|(name, _)| name == flag);
        found.unwrap_or_else(|| panic!("{flag} is not set")).1.to_string_lossy().into_owned()
    }

    /// Starts it and returns at once.
    ///
    /// # Panics
    /// The program cannot be built or started.
    pub fn spawn(self) -> Up {
        let mark = Mark::new();
        let mut command = self.program();
        command.arg("up").args(&self.switches);
        for (flag, value) in &self.flags {
            command.arg(flag).arg(value);
        }
        mark.put_on(&mut command);
        let (stdout, stderr) = (self.folder().join("stdout.txt"), self.folder().join("stderr.txt"));
        let child = start(&mut command, &stdout, &stderr);
        Up { launch: self, child, mark, stdout, stderr }
    }

    /// What is started: the program, or a shell that mounts the disk where only its own processes see it, and becomes the
    /// program.
    fn program(&self) -> Command {
        let binnacle = binary::binnacle().as_os_str();
        let Some(options) = &self.disk else { return process::dying_with_us(binnacle) };
        let folder = self.folder().join("data");
        fs::create_dir_all(&folder).expect("a folder in a folder of our own");
        let mut command = process::dying_with_us(OsStr::new("unshare"));
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "sh", "-c", MOUNT, "sh", options]).arg(folder).arg(binnacle);
        command
    }

    /// Starts it and waits until its page answers.
    ///
    /// # Panics
    /// It does not.
    pub fn start(self) -> Up {
        let mut up = self.spawn();
        eventually("the page answers", START_LIMIT, || {
            if let Some(status) = up.child.try_wait().map_err(|error| error.to_string())? {
                panic!("`binnacle up` ended at its start with {status}");
            }
            up.state().map(drop)
        });
        up
    }
}

fn start(command: &mut Command, stdout: &Path, stderr: &Path) -> Child {
    let file = |path: &Path| Stdio::from(File::create(path).expect("a file in a folder of our own"));
    command.stdin(Stdio::null()).stdout(file(stdout)).stderr(file(stderr));
    command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", command.get_program().display()))
}

/// A running stack.
#[derive(Debug)]
pub struct Up {
    launch: Launch,
    child: Child,
    mark: Mark,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Up {
    /// The address of the page, or of something that is served beside it: `url("/api/state")`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.launch.value("--page-address"))
    }

    /// How it was started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// What `/api/state` says.
    ///
    /// # Errors
    /// It says nothing that can be understood.
    pub fn state(&self) -> Result<Value, String> {
        http::get(&self.url("/api/state"))?.json()
    }

    /// One part of `/api/state`.
    ///
    /// # Errors
    /// There is no such part, or no state.
    pub fn part(&self, name: &str) -> Result<Value, String> {
        let state = self.state()?;
        let part = state["parts"].as_array().into_iter().flatten().find(|part| part["name"] == name);
        part.cloned().ok_or_else(|| format!("no part {name} in {}", state["parts"]))
    }

    /// The process of a part.
    ///
    /// # Panics
    /// It has none within the time that a start may take.
    pub fn pid_of(&self, name: &str) -> u32 {
        eventually(&format!("{name} has a process"), START_LIMIT, || {
            let part = self.part(name)?;
            part["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).ok_or_else(|| part.to_string())
        })
    }

    /// The process of `up` itself.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All processes of this run that are alive, `up` included.
    pub fn processes(&self) -> Vec<(u32, String)> {
        self.mark.alive()
    }

    /// Sends a signal to `up` alone.
    pub fn signal(&self, signal: Signal) {
        process::signal(self.pid(), signal);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It does not end within `limit`.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let child = &mut self.child;
        eventually("`binnacle up` ends", limit, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!("{other:?}")),
        })
    }

    /// A path as its processes see it, which matters when the data directory is a disk of its own.
    pub fn inside(&self, path: &Path) -> PathBuf {
        let path = path.strip_prefix("/").unwrap_or(path);
        Path::new("/proc").join(self.pid().to_string()).join("root").join(path)
    }

    /// What it has printed to standard output.
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// What it has printed to standard error.
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if thread::panicking() {
            for (name, text) in [("standard output", self.stdout()), ("standard error", self.stderr())] {
                let lines: Vec<&str> = text.lines().collect();
                let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
                eprintln!("--- the end of its {name}:\n{}", tail.join("\n"));
            }
        }
        self.mark.kill_all();
        // It is dead already, or was killed just now: this only takes its place in the process table.
        let _status = self.child.wait();
        // Once more for what was being started meanwhile.
        self.mark.kill_all();
    }
}

fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
