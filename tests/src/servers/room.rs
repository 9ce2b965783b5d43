//! A temporary folder with the programs that work in it. A keeper, which is a shell that starts them all, waits for the end
//! of its standard input, which comes with the end of the test however that ends; then it kills them and removes the folder.
//! When the keeper itself is killed, the system kills what it started. A lasting room is kept until it is told to close.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::installed;

/// Between two looks at a server that starts.
const PAUSE: Duration = Duration::from_millis(50);
/// Lines of a log that are shown when a test fails.
const TAIL_LINES: usize = 25;
/// A shell writes a file at once.
const KEEPER_LIMIT: Duration = Duration::from_secs(5);

/// The file of a lasting room through which its keeper is told what to do, and the one that says who that is.
const ORDERS: &str = "orders";
const KEEPER_PID: &str = "keeper.pid";
/// Killing some programs and removing some files takes seconds at worst.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// What the keeper does: commands come line by line. Removal is tried again while the last process is still dying. With a
/// second argument it reads a pipe that it holds open itself, so that the end never comes. Who enters the namespaces of a
/// process that was killed first has a moment to see it, and takes the place of his child in the process table along.
const KEEPER: &str = r#"
folder=$1 programs= first= finally=:
[ -z "$2" ] || exec <>"$2"
while IFS= read -r line; do eval "$line"; done
[ -z "$first" ] || { kill -KILL $first; sleep 0.3; }
[ -z "$programs" ] || kill -KILL $programs
wait
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  eval "$finally" && rm -rf "$folder" && break
  sleep 0.1
done
"#;

/// A folder and what runs in it.
#[derive(Debug)]
pub struct Room {
    path: PathBuf,
    keeper: u32,
    /// To wait for its end; none of a lasting room.
    child: Option<Child>,
    orders: Mutex<Option<File>>,
    programs: Mutex<Vec<Program>>,
}

/// A program that was started.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it was called.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// Where its output goes.
    pub log: PathBuf,
}

impl Room {
    /// An empty room.
    ///
    /// # Errors
    /// There is no place for a folder, or no shell.
    pub fn new(name: &str) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix(&format!("binnacle-{name}-")).tempdir();
        let path = folder.map_err(|error| format!("cannot make a temporary folder: {error}"))?.keep();
        let mut command = Command::new("sh");
        // A group of its own: Ctrl-C in a terminal must not end the one who cleans up.
        command.args(["-c", KEEPER, "keeper"]).arg(&path).current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("cannot start sh: {error}"))?;
        let orders = Mutex::new(child.stdin.take().map(|pipe| File::from(OwnedFd::from(pipe))));
        Ok(Self { path, keeper: child.id(), child: Some(child), orders, programs: Mutex::default() })
    }

    /// An empty room at `path` that stays when this process ends, until [`close`].
    ///
    /// # Errors
    /// There is one already, or no place for a folder.
    pub fn lasting(path: &Path) -> Result<Self, String> {
        let fault = |error: io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(path)).and_then(|()| fs::create_dir(path)).map_err(fault)?;
        let orders = path.join(ORDERS);
        let made = Command::new("mkfifo").arg(&orders).status().map_err(fault)?;
        if !made.success() {
            return Err(format!("cannot make a pipe at {}", orders.display()));
        }
        let mut command = Command::new("setsid");
        // A session of its own: it outlives the terminal.
        command.args(["sh", "-c", KEEPER, "keeper"]).arg(path).arg(&orders).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let keeper = command.spawn().map_err(fault)?.id();
        fs::write(path.join(KEEPER_PID), keeper.to_string()).map_err(fault)?;
        let pipe = OpenOptions::new().read(true).write(true).open(&orders).map_err(fault)?;
        Ok(Self { path: path.to_owned(), keeper, child: None, orders: Mutex::new(Some(pipe)), programs: Mutex::default() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The process that keeps it.
    pub fn keeper(&self) -> u32 {
        self.keeper
    }

    /// Writes a file and gives its path.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf, String> {
        let path = self.path.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, content))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// Starts a program whose output goes to a log in the folder.
    ///
    /// # Errors
    /// The keeper is gone.
    pub fn start(&self, name: &str, command: &Command) -> Result<Program, String> {
        let (log, pid) = (self.path.join(format!("{name}.log")), self.path.join(format!("{name}.pid")));
        File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let _old = fs::remove_file(&pid);
        let pidfile = quoted(&pid.to_string_lossy());
        // Written beside and moved, so that it is never seen half.
        let noted = format!("echo $! >{pidfile}.new; mv {pidfile}.new {pidfile}");
        let line = format!(
            "setpriv --pdeathsig KILL -- {} </dev/null >>{} 2>&1 & programs=\"$programs $!\"; {noted}",
            shell(command),
            quoted(&log.to_string_lossy()),
        );
        self.order(&line)?;
        let pid = poll(&format!("the start of {name}"), KEEPER_LIMIT, || {
            fs::read_to_string(&pid).map_err(|error| error.to_string())?.trim().parse().map_err(|_| "no number".to_owned())
        })?;
        let program = Program { name: name.to_owned(), pid, log };
        if let Ok(mut programs) = self.programs.lock() {
            programs.retain(|other| other.name != program.name);
            programs.push(program.clone());
        }
        Ok(program)
    }

    /// What the keeper is to do at the end, when all programs are dead: one line of shell, done again while it fails.
    ///
    /// # Errors
    /// The keeper is gone.
    pub fn at_the_end(&self, line: &str) -> Result<(), String> {
        self.order(&format!("finally={}", quoted(line)))
    }

    /// Everything started so far is killed first at the end, and what lives in its namespaces dies with it.
    ///
    /// # Errors
    /// The keeper is gone.
    pub fn kill_these_first(&self) -> Result<(), String> {
        self.order("first=$programs")
    }

    fn order(&self, line: &str) -> Result<(), String> {
        let mut orders = self.orders.lock().map_err(|error| error.to_string())?;
        let orders = orders.as_mut().ok_or("the keeper is gone")?;
        writeln!(orders, "{line}").map_err(|error| format!("the keeper is gone: {error}"))
    }

    /// The ends of all logs, for one who wonders.
    pub fn tails(&self) -> String {
        let programs = self.programs.lock().map(|programs| programs.clone()).unwrap_or_default();
        programs.iter().fold(String::new(), |mut text, program| {
            let _written = writeln!(text, "--- the end of {}:\n{}", program.log.display(), program.tail());
            text
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if thread::panicking() {
            eprint!("{}", self.tails());
        }
        if let Ok(mut orders) = self.orders.lock() {
            drop(orders.take());
        }
        if let Some(keeper) = &mut self.child {
            let _ended = keeper.wait();
        }
    }
}

/// The keeper of the lasting room at `path`, if it is alive.
pub fn keeper_of(path: &Path) -> Option<u32> {
    let keeper = fs::read_to_string(path.join(KEEPER_PID)).ok()?.trim().parse().ok()?;
    is_keeper(keeper).then_some(keeper)
}

/// Whether a process is a keeper.
pub fn is_keeper(pid: u32) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|word| word == b"keeper")
}

/// Closes the lasting room at `path`: ends its programs and removes it. A room whose keeper was killed has no programs left.
///
/// # Errors
/// It does not end in time, or the folder cannot be removed.
pub fn close(path: &Path) -> Result<(), String> {
    let fault = |error: io::Error| format!("{}: {error}", path.display());
    if keeper_of(path).is_some() {
        let mut orders = OpenOptions::new().read(true).write(true).open(path.join(ORDERS)).map_err(fault)?;
        writeln!(orders, "break").map_err(fault)?;
        let gone = || if keeper_of(path).is_none() { Ok(()) } else { Err("it works still".to_owned()) };
        poll("the end of the keeper", CLOSE_LIMIT, gone)?;
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault(error)),
        _ => Ok(()),
    }
}

impl Program {
    /// A program of the room at `path` that was started as `name`.
    ///
    /// # Errors
    /// None was.
    pub fn of(path: &Path, name: &str) -> Result<Self, String> {
        let file = path.join(format!("{name}.pid"));
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let pid = text.trim().parse().map_err(|_| format!("{}: no number", file.display()))?;
        Ok(Self { name: name.to_owned(), pid, log: path.join(format!("{name}.log")) })
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        // A process that has ended and was not yet waited for has no command line.
        fs::read(format!("/proc/{}/cmdline", self.pid)).is_ok_and(|line| !line.is_empty())
    }

    /// The last lines of its output.
    pub fn tail(&self) -> String {
        let text = fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Waits until `check` succeeds.
    ///
    /// # Errors
    /// It did not within `limit`, or the program ended: the message has the last reason and the end of the log.
    pub fn wait<T>(&self, limit: Duration, mut check: impl FnMut() -> Result<T, String>) -> Result<T, String> {
        let mut ended = false;
        let found = poll(&format!("{} is ready", self.name), limit, || {
            let found = check();
            ended = found.is_err() && !self.is_alive();
            // The outer result ends the wait, the inner one tells how.
            if ended { Ok(Err("it ended".to_owned())) } else { found.map(Ok) }
        });
        found.and_then(|inner| inner).map_err(|reason| format!("{}: {reason}\n{}", self.name, self.tail()))
    }
}

/// Tries until `attempt` succeeds; unlike `eventually` it gives the failure to the caller.
///
/// # Errors
/// It did not within `limit`.
pub fn poll<T>(what: &str, limit: Duration, mut attempt: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let deadline = Instant::now() + limit;
    loop {
        match attempt() {
            Ok(found) => return Ok(found),
            Err(reason) if Instant::now() >= deadline => {
                return Err(format!("not within {limit:?}: {what}; last seen: {reason}"));
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// The command as a line of shell.
fn shell(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let found = if program.contains('/') { None } else { installed::on_machine(&program) };
    let program = found.map_or_else(|| program.into_owned(), |path| path.display().to_string());
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let settings = variables.map(|(name, value)| quoted(&format!("{}={}", name.to_string_lossy(), value.to_string_lossy())));
    let words = command.get_args().map(|word| quoted(&word.to_string_lossy()));
    let all: Vec<String> =
        std::iter::once("env".to_owned()).chain(settings).chain(std::iter::once(quoted(&program))).chain(words).collect();
    all.join(" ")
}

/// A word that the shell takes as it is.
///
/// # Panics
/// It has a line end, at which the keeper would stop reading.
fn quoted(word: &str) -> String {
    assert!(!word.contains('\n'), "a line end in {word:?}");
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use rustix::process::Signal;

    use super::*;
    use crate::{eventually, process};

    #[test]
    fn a_lasting_room_stays_until_it_is_closed() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("room");
        let room = Room::lasting(&path).unwrap();
        let program = room.start("sleeper", Command::new("sleep").arg("606")).unwrap();
        drop(room);
        assert!(program.is_alive() && keeper_of(&path).is_some());
        assert_eq!(Program::of(&path, "sleeper").unwrap().pid, program.pid);
        close(&path).unwrap();
        assert!(!program.is_alive() && !path.exists());
        close(&path).unwrap();
    }

    fn gone(what: &str, check: impl Fn() -> bool) {
        eventually(what, Duration::from_secs(10), || if check() { Ok(()) } else { Err("still there".to_owned()) });
    }

    #[test]
    fn a_dropped_room_takes_its_programs_and_its_folder_along() {
        let room = Room::new("test").unwrap();
        let folder = room.path().to_owned();
        let program = room.start("sleeper", Command::new("sleep").arg("604")).unwrap();
        assert!(program.is_alive() && folder.is_dir());
        drop(room);
        assert!(!program.is_alive() && !folder.exists());
    }

    #[test]
    fn words_and_variables_arrive_as_they_are() {
        let room = Room::new("test").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", r#"printf '%s %s' "$1" "$X""#, "sh", r#"it's "a" $HOME \n"#]).env("X", "y z");
        let program = room.start("echo", &command).unwrap();
        let log = program.log.clone();
        eventually("its output", Duration::from_secs(10), || match fs::read_to_string(&log) {
            Ok(text) if text.trim_end() == r#"it's "a" $HOME \n y z"# => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    #[test]
    fn a_program_that_ends_is_reported_with_its_output() {
        let room = Room::new("test").unwrap();
        let program = room.start("failing", Command::new("sh").args(["-c", "echo a reason"])).unwrap();
        let failure = program.wait::<()>(Duration::from_secs(60), || Err("no answer".to_owned())).unwrap_err();
        assert!(failure.contains("it ended") && failure.contains("a reason"), "{failure}");
    }

    #[test]
    fn programs_die_with_a_killed_keeper() {
        let room = Room::new("test").unwrap();
        let program = room.start("sleeper", Command::new("sleep").arg("605")).unwrap();
        process::signal(room.keeper(), Signal::KILL);
        gone("the sleeper", || !program.is_alive());
        fs::remove_dir_all(room.path()).unwrap();
    }
}
