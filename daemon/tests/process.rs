//! Programs as the system sees them: how they end by a signal, and without anybody to read their last words. Each test runs
//! this file's own executable again as the program.
#![expect(clippy::unwrap_used, reason = "a step that fails ends its test")]

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};

use daemon::log::{Format, Level, LogArgs};
use rustix::process::{Pid, Signal, kill_process};

const CHILD: &str = "DAEMON_TEST_PROGRAM";
const LOG: LogArgs = LogArgs { level: Level::Info, format: Format::Logfmt };

/// The program: does nothing unless one of the tests below started it.
#[test]
fn program() {
    match env::var(CHILD).as_deref() {
        Ok("waits") => {
            let code = daemon::start(LOG, |shutdown| async move {
                println!("\nready");
                shutdown.cancelled().await;
                println!("\ndrained");
                Ok(())
            });
            assert_eq!(code, ExitCode::SUCCESS);
        }
        Ok("fails") => {
            let code = daemon::start(LOG, |_| async { Err(anyhow::Error::msg("--page-address: no such place")) });
            assert_eq!(code, ExitCode::FAILURE);
        }
        _ => {}
    }
}

/// Starts it with SIGHUP ignored or not, whatever this process was started with.
fn start(hangup: &str, what: &str, stderr: Stdio) -> Child {
    let mut command = Command::new("env");
    command.arg(hangup).arg(env::current_exe().unwrap()).args(["--exact", "program", "--nocapture"]);
    command.env(CHILD, what).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap()
}

/// Sends `signals` to a program that waits; gives all that it printed after, if it ended well.
fn signalled(hangup: &str, signals: &[Signal]) -> String {
    let mut child = start(hangup, "waits", Stdio::null());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == "ready"));
    for signal in signals {
        kill_process(Pid::from_child(&child), *signal).unwrap();
    }
    let said = lines.collect::<Vec<_>>().join("\n");
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {said}");
    said
}

#[test]
fn closing_the_terminal_is_an_orderly_end() {
    assert!(signalled("--default-signal=HUP", &[Signal::HUP]).contains("drained"));
}

#[test]
fn a_terminal_that_says_twice_that_it_closes_does_not_cut_the_drain_off() {
    assert!(signalled("--default-signal=HUP", &[Signal::HUP, Signal::HUP]).contains("drained"));
}

#[test]
fn nohup_outlives_its_terminal() {
    let mut child = start("--ignore-signal=HUP", "waits", Stdio::null());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == "ready"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
    assert_eq!(u64::from_str_radix(caught, 16).unwrap() & 1, 0, "SIGHUP has a handler");
    for signal in [Signal::HUP, Signal::TERM] {
        kill_process(Pid::from_child(&child), signal).unwrap();
    }
    assert!(lines.any(|line| line == "drained"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_closed_stderr_does_not_turn_an_error_into_a_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = start("--default-signal=HUP", "fails", writer.into()).wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stdout));
}
