//! A part of the stack as a child process: started, watched, asked whether it is ready, restarted when it dies, drained
//! at the end. It knows how a part is run, not what it does.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use daemon::Shutdown;
use daemon::admin::STARTING;
use daemon::backoff::Backoff;
use jiff::Timestamp;
use rustix::process::{Pid, Signal};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};

/// Set for every child: the process without which it has no purpose.
const PARENT: &str = "BINNACLE_PARENT";
/// Log lines kept of each part, and the longest of them: 200 lines fill a few screens.
const LOG_LINES: usize = 200;
const LOG_LINE_BYTES: usize = 4096;
/// A part is asked whether it is ready this often, and more often while it starts.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const START_PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// What a part says against itself this soon after its start is no trouble yet: its neighbours are starting too.
const SETTLE: Duration = Duration::from_secs(20);
/// A part that does not answer its probe within this is shown as not answering.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Restart delays: at once feels broken, and a crash loop must not eat the machine.
const RESTART: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// After SIGTERM a part may drain this long; the whole stack has 5 s.
const DRAIN: Duration = Duration::from_millis(2800);

/// Has this process end when the one that started it for `binnacle up` ends, however it ends. False if that one is gone
/// already: then there is nothing to do here. Does nothing elsewhere.
#[must_use]
pub fn follow_parent() -> bool {
    let Ok(parent) = std::env::var(PARENT) else { return true };
    // Older kernels in sandboxes may refuse; then only an orderly end is left.
    let _set = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
    rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().to_string() == parent)
}

/// A command that runs this binary as `program` on the inherited `listener`, apart from the terminal's signals.
///
/// # Errors
/// The listener cannot be shared, or this binary's own path is not known.
pub fn command(program: &str, arguments: &[OsString], listener: &TcpListener) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(program).args(arguments).arg("--listener-from-stdin");
    command.stdin(Stdio::from(OwnedFd::from(listener.try_clone()?))).stdout(Stdio::null()).stderr(Stdio::piped());
    command.env(PARENT, std::process::id().to_string()).process_group(0).kill_on_drop(true);
    Ok(command)
}

/// Sends SIGTERM to `child`, waits for it to drain, and kills it if it does not.
pub async fn stop(child: &mut Child, drain: Duration) {
    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
        // It may have ended a moment ago, which is what was wanted.
        let _sent = rustix::process::kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(drain, child.wait()).await.is_err() {
        let _killed = child.kill().await;
    }
}

/// What one part is and how it is asked for its health.
#[derive(Debug)]
pub struct PartSpec {
    /// The subcommand, which is also its name on the page.
    pub name: &'static str,
    /// Its flags.
    pub arguments: Vec<OsString>,
    /// Settings that other users of this machine must not see, as its environment.
    pub environment: Vec<(&'static str, OsString)>,
    /// The socket it serves on; kept open here so that callers wait while it restarts.
    pub listener: TcpListener,
    /// Answers 200 once it does its job.
    pub probe_url: String,
    /// Where a person looks at it.
    pub address: String,
}

/// Whether a part does its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum State {
    Starting,
    Up,
    Degraded,
    Down,
}

/// A part as the page shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Its name.
    pub name: &'static str,
    /// Whether it does its job.
    pub state: State,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u32,
    /// Since when it is in this state, in milliseconds since 1970.
    pub since: i64,
    /// Why it is not up, in words.
    pub detail: String,
    /// Where a person looks at it.
    pub address: Option<String>,
}

/// A part that is being kept running.
#[derive(Debug)]
pub struct Part {
    status: Mutex<Status>,
    log: Mutex<VecDeque<String>>,
}

impl Part {
    /// A part that has not been started yet.
    #[must_use]
    pub fn new(name: &'static str, address: Option<String>) -> Arc<Self> {
        let since = Timestamp::now().as_millisecond();
        let status = Status { name, state: State::Starting, pid: None, restarts: 0, since, detail: String::new(), address };
        Arc::new(Self { status: Mutex::new(status), log: Mutex::default() })
    }

    /// As it is now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its last log lines, oldest first.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Changes the state; a part that changes is told on the terminal once.
    pub fn set(&self, state: State, detail: impl Into<String>) {
        let detail = detail.into();
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.state != state {
            match state {
                State::Up if status.restarts > 0 || status.state == State::Degraded => {
                    tracing::info!("{} is up again", status.name)
                }
                State::Down | State::Degraded => {
                    tracing::warn!("{} is {}: {detail}", status.name, if state == State::Down { "down" } else { "degraded" })
                }
                _ => {}
            }
            status.since = Timestamp::now().as_millisecond();
            status.state = state;
        }
        status.detail = detail;
    }

    fn remember(&self, mut line: String) {
        line.truncate(line.floor_char_boundary(LOG_LINE_BYTES));
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LOG_LINES {
            log.pop_front();
        }
        log.push_back(line);
    }

    /// A process of it died and is started again.
    pub fn restarted(&self) {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).restarts += 1;
    }

    fn started(&self, pid: Option<u32>, restart: bool) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.pid = pid;
        status.restarts += u32::from(restart);
    }
}

/// Keeps the part running until `shutdown`, then drains it. Returns when its process is gone.
pub async fn keep_running(part: Arc<Part>, spec: PartSpec, client: reqwest::Client, shutdown: Shutdown) {
    let mut backoff = Backoff::new(RESTART.0, RESTART.1);
    let mut restart = false;
    while !shutdown.is_cancelled() {
        let command = command(spec.name, &spec.arguments, &spec.listener);
        let spawned = command.and_then(|mut command| command.envs(spec.environment.iter().cloned()).spawn());
        match spawned {
            Err(error) => part.set(State::Down, format!("cannot start it: {error}")),
            Ok(mut child) => {
                part.started(child.id(), restart);
                part.set(State::Starting, "");
                if let Some(stderr) = child.stderr.take() {
                    tokio::spawn(read_log(part.clone(), stderr));
                }
                let ended = tokio::select! {
                    status = child.wait() => Some(status),
                    () = probe(&part, &spec.probe_url, &client, &mut backoff) => None,
                    () = shutdown.cancelled() => None,
                };
                let Some(status) = ended else { return stop(&mut child, DRAIN).await };
                part.started(None, false);
                let code = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                let last = part.log().lines().last().unwrap_or_default().to_owned();
                part.set(State::Down, format!("ended with {code}; its last words: {last}"));
            }
        }
        restart = true;
        tokio::select! {
            () = tokio::time::sleep(backoff.next_delay()) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// Asks for readiness for ever.
async fn probe(part: &Part, url: &str, client: &reqwest::Client, backoff: &mut Backoff) {
    let begun = Instant::now();
    let mut starting = true;
    loop {
        match client.get(url).timeout(PROBE_TIMEOUT).send().await {
            Ok(answer) if answer.status().is_success() => {
                part.set(State::Up, "");
                starting = false;
                backoff.reset();
            }
            Ok(answer) => {
                let reason = answer.text().await.unwrap_or_default();
                let reason = reason.chars().take(LOG_LINE_BYTES).collect::<String>();
                starting &= reason == STARTING || begun.elapsed() < SETTLE;
                part.set(if starting { State::Starting } else { State::Degraded }, reason);
            }
            // Nothing serves yet.
            Err(_) if starting => {}
            Err(error) if error.is_timeout() => part.set(State::Degraded, format!("it does not answer within {PROBE_TIMEOUT:?}")),
            Err(error) => part.set(State::Degraded, error.to_string()),
        }
        tokio::time::sleep(if starting { START_PROBE_INTERVAL } else { PROBE_INTERVAL }).await;
    }
}

async fn read_log(part: Arc<Part>, stderr: ChildStderr) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    // The parts are our own programs: none writes a line without an end.
    while matches!(reader.read_until(b'\n', &mut line).await, Ok(length) if length > 0) {
        part.remember(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
}
