//! Processes of a test: found by a mark in their environment, which children inherit even when their parent is gone. Only
//! marked processes and own children are ever signalled.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

/// The variable that carries the mark.
const VARIABLE: &str = "BINNACLE_TEST_RUN";

/// A mark that no other run on this machine has.
#[derive(Clone, Debug)]
pub struct Mark(String);

impl Mark {
    /// A new one.
    #[expect(clippy::new_without_default, reason = "each is another, which no default should be")]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Marks what `command` will start.
    pub fn put_on(&self, command: &mut Command) {
        command.env(VARIABLE, &self.0);
    }

    /// The marked processes that are alive now, zombies left out, each with its command line.
    pub fn alive(&self) -> Vec<(u32, String)> {
        let wanted = format!("{VARIABLE}={}", self.0);
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let marked = |pid: u32| {
            // A zombie has no environment left, a process of another user none that we may read.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| marked(*pid)).map(|pid| (pid, command_line(pid))).collect()
    }

    /// Kills all that is marked.
    pub fn kill_all(&self) {
        for (pid, _) in self.alive() {
            signal(pid, Signal::KILL);
        }
    }
}

/// Sends a signal; a process that has ended needs none.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _sent = kill_process(pid, signal);
    }
}

fn command_line(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> =
        bytes.split(|byte| *byte == 0).map(|word| OsStr::from_bytes(word).to_string_lossy().into_owned()).collect();
    words.join(" ").trim_end().to_owned()
}

/// A command that starts `program` so that the system kills it when the thread that started it ends, however that ends.
pub fn dying_with_us(program: &OsStr) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wait::eventually;

    #[test]
    fn marked_processes_are_found_with_their_children_and_killed() {
        let mark = Mark::new();
        let mut command = dying_with_us("sh".as_ref());
        command.args(["-c", "sleep 601 & sleep 602"]);
        mark.put_on(&mut command);
        let mut child = command.spawn().unwrap();
        eventually("shell and two children", Duration::from_secs(10), || {
            let alive = mark.alive();
            if alive.len() == 3 && alive.iter().any(|(_, line)| line == "sleep 601") { Ok(()) } else { Err(format!("{alive:?}")) }
        });
        mark.kill_all();
        child.wait().unwrap();
        eventually("nothing left", Duration::from_secs(10), || {
            let alive = mark.alive();
            if alive.is_empty() { Ok(()) } else { Err(format!("{alive:?}")) }
        });
    }

    #[test]
    fn a_child_dies_with_the_thread_that_started_it() {
        let mark = Mark::new();
        let mut command = dying_with_us("sleep".as_ref());
        command.arg("603");
        mark.put_on(&mut command);
        let starting = mark.clone();
        let started = std::thread::spawn(move || {
            let child = command.spawn().unwrap();
            eventually("the child has started", Duration::from_secs(10), || {
                if starting.alive().iter().any(|(_, line)| line == "sleep 603") { Ok(()) } else { Err(String::new()) }
            });
            child
        });
        let mut child = started.join().unwrap();
        eventually("the child's end", Duration::from_secs(10), || match child.try_wait() {
            Ok(Some(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }
}
