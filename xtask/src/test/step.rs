//! Runs one command of a stage: its output line by line as it comes, and its end, within a deadline. What the lines mean
//! is not known here.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::process;

/// How often a silent command is looked at, and the spinner turned.
const TICK: Duration = Duration::from_millis(100);
/// How long output may still come after the command ended: a process that it left behind may hold the pipe for ever.
const LEFTOVER_OUTPUT: Duration = Duration::from_secs(2);
/// Lines that wait to be shown; a command that prints faster waits.
const QUEUE_LINES: usize = 1024;

/// What is told of a running command.
pub enum Event {
    /// It printed a line.
    Line {
        /// The line, invalid UTF-8 replaced.
        text: String,
        /// False for standard error.
        is_stdout: bool,
    },
    /// Some time has passed.
    Tick,
}

/// Runs `command` without standard input and tells `each` what happens. The inner result is the reason of a failure, in
/// words.
pub fn run(command: &mut Command, deadline: Instant, mut each: impl FnMut(Event)) -> anyhow::Result<Result<(), String>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let (sender, lines) = sync_channel(QUEUE_LINES);
    forward(child.stdout.take(), true, sender.clone());
    forward(child.stderr.take(), false, sender);
    let status = wait(&mut child, deadline, &lines, &mut each)?;
    let ended = Instant::now();
    while let Ok(line) = lines.recv_timeout((ended + LEFTOVER_OUTPUT).saturating_duration_since(Instant::now())) {
        each(line);
    }
    Ok(match status {
        None => Err(format!("`{}` was still running at the time limit and was ended", spelt_out(command))),
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("`{}` failed: {status}", spelt_out(command))),
    })
}

/// The command as one would type it, the folder of the program left out.
pub fn spelt_out(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.contains(' ') { format!("'{word}'") } else { word.into_owned() }
    }));
    words.join(" ")
}

fn forward(stream: Option<impl Read + Send + 'static>, is_stdout: bool, lines: SyncSender<Event>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if lines.send(Event::Line { text, is_stdout }).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// Waits for the end; `None` when the deadline passed first and the command was killed with all that it started.
fn wait(
    child: &mut Child,
    deadline: Instant,
    lines: &Receiver<Event>,
    each: &mut impl FnMut(Event),
) -> anyhow::Result<Option<ExitStatus>> {
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => each(line),
            Err(RecvTimeoutError::Timeout) => each(Event::Tick),
            // Both pipes are closed, so the end is near; without a pause this loop would spin until it comes.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(TICK),
        }
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            process::kill_tree(child.id());
            child.wait()?;
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, limit: Duration, expected_lines: &[&str], expected_end: Result<(), &str>) {
        let mut lines = Vec::new();
        let begun = Instant::now();
        let end = run(Command::new("sh").args(["-c", script]), begun + limit, |event| {
            if let Event::Line { text, .. } = event {
                lines.push(text);
            }
        });
        assert_eq!(lines, expected_lines, "{script}");
        match (end.unwrap(), expected_end) {
            (Ok(()), Ok(())) => {}
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
            (end, _) => panic!("{script} ended with {end:?}"),
        }
    }

    #[test]
    fn gives_every_line_and_the_end() {
        let minute = Duration::from_secs(60);
        check("echo one; echo two", minute, &["one", "two"], Ok(()));
        check("printf 'no line end'", minute, &["no line end"], Ok(()));
        check("echo last >&2; exit 3", minute, &["last"], Err("exit status: 3"));
        check("printf '\\377\\n'", minute, &["\u{fffd}"], Ok(()));
    }

    #[test]
    fn a_hung_command_is_ended_with_its_children() {
        let begun = Instant::now();
        check("echo begun; (sleep 600) & sleep 600", Duration::from_millis(300), &["begun"], Err("time limit"));
        assert!(begun.elapsed() < LEFTOVER_OUTPUT, "the children held the pipe for {:?}", begun.elapsed());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program"), Instant::now(), |_| {}).unwrap_err();
        assert!(format!("{error:#}").contains("no-such-program"), "{error:#}");
    }
}
