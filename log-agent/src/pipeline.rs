//! Every thread, task and channel of the agent: the reader's thread fills batches, the sink delivers them, the keeper writes
//! the checkpoint, the server answers; and the order in which they end.

use std::sync::Arc;
use std::time::Duration;

use daemon::Shutdown;
use daemon::admin::Readiness;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Error;
use crate::args::Config;
use crate::batch::Spares;
use crate::bell::Bell;
use crate::checkpoint;
use crate::dead_letter::DeadLetters;
use crate::discover;
use crate::discover::watch::Watcher;
use crate::elasticsearch::{Client, Sink};
use crate::health::{Health, Part};
use crate::http;
use crate::ledger::Ledger;
use crate::parse;
use crate::reader::{Bounds, Desk, Reader};
use crate::state_dir::StateDir;

/// Batches that wait for the sink: with one, it never waits for the reader.
const WAITING_BATCHES: usize = 1;
/// At the end, batches under way may take so long: the whole stack ends within 5 s. What is not acknowledged by then is
/// read again by the next start.
const DRAIN: Duration = Duration::from_secs(2);
/// Open files that are no logs: connections to the sink and from probes, the state directory, the runtime's own.
const OTHER_FILES: usize = 64;
/// The thread that waits for file events holds one buffer of 8 KiB, and logs at most once.
const LISTENER_STACK_BYTES: usize = 128 * 1024;
/// The checkpoint is written so often at most: what a crash makes us send again is bounded by it.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the agent until `shutdown`.
///
/// # Errors
/// It cannot start, or a part of it ended that never should.
pub async fn run(config: Config, listener: std::net::TcpListener, shutdown: Shutdown) -> Result<(), Error> {
    let Config { docker_containers, state_dir, target, bulk_bytes, flush_interval, tempo } = config;
    discover::containers(&docker_containers).map_err(|source| Error::Input { path: docker_containers.clone(), source })?;
    let state_dir = Arc::new(StateDir::open(&state_dir)?);
    let index = target.index.clone();
    let client = Client::new(target)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let bounds = Bounds { bulk_bytes, flush_after: flush_interval, open_files: open_files() };

    let readiness = Readiness::default();
    let health = Health::new(readiness.clone());
    let ledger = Arc::new(Ledger::new(restored(&state_dir)));
    let (bell, spares) = (Arc::new(Bell::default()), Arc::new(Spares::default()));
    let watcher = Watcher::new().unwrap_or_else(|error| {
        tracing::warn!(%error, "no file events: folders are listed every second instead (see fs.inotify.max_user_instances)");
        Watcher::blind()
    });
    let (outbox, inbox) = mpsc::channel(WAITING_BATCHES);
    let router = http::router(ledger.clone(), health.clone(), readiness, client.shown());
    let letters = DeadLetters::new(state_dir.path(), &index);
    let sink = Sink::new(client, ledger.clone(), letters, health.clone());

    let desk = Desk::new(parse::DOCKER_JSON, ledger.clone(), outbox, spares.clone(), bounds);
    listen(watcher.clone(), bell.clone());
    let reader = Reader::new(docker_containers, tempo, bell.clone(), watcher, health.clone(), desk);
    let mut reading = tokio::task::spawn_blocking(move || reader.run());
    let mut sinking = tokio::spawn(sink.run(inbox, bell.clone(), spares, shutdown.clone()));
    let kept = Shutdown::new();
    let keeping = tokio::spawn(keep(ledger.clone(), state_dir.clone(), health.clone(), kept.clone()));
    let serving = tokio::spawn(daemon::serve::http(listener, router, shutdown.clone()));

    let ended = tokio::select! {
        // First, because the others may end right after it.
        biased;
        () = shutdown.cancelled() => Ok(()),
        ended = &mut reading => Err(Error::Ended { part: "reader", fault: ended.err() }),
        ended = &mut sinking => Err(Error::Ended { part: "sink", fault: ended.err() }),
    };
    bell.stop();
    drain(reading, sinking).await;
    // What it may be writing must not come after what is written now.
    kept.cancel();
    let _ended = keeping.await;
    write(&ledger, &state_dir, &health).await;
    // On the way out because of a fault, nobody has told the server.
    shutdown.cancel();
    match serving.await {
        Ok(served) => ended.and(served.map_err(Error::Serve)),
        Err(error) => ended.and(Err(Error::Ended { part: "server", fault: Some(error) })),
    }
}

/// Starts the thread that waits for file events; it ends after the reader has.
fn listen(watcher: Watcher, bell: Arc<Bell>) {
    let heard = std::thread::Builder::new().name("file events".into()).stack_size(LISTENER_STACK_BYTES).spawn(move || {
        if let Err(error) = watcher.listen(&bell) {
            tracing::warn!(%error, "no more file events: folders are listed every second instead");
        }
    });
    if let Err(error) = heard {
        tracing::warn!(%error, "no thread for file events: folders are listed every second instead");
    }
}

/// Waits for the reader to stop and for the sink to deliver what it has, within [`DRAIN`].
async fn drain(reading: JoinHandle<()>, sinking: JoinHandle<()>) {
    let abort = sinking.abort_handle();
    let both = async {
        for task in [reading, sinking] {
            // One whose end brought us here has given its outcome; of the other it only matters that it ends.
            if !task.is_finished() {
                let _ended = task.await;
            }
        }
    };
    if tokio::time::timeout(DRAIN, both).await.is_err() {
        tracing::warn!("the sink did not take everything in time: the next start sends it");
        abort.abort();
    }
}

/// The entries of the checkpoint, or none.
fn restored(state_dir: &StateDir) -> Vec<checkpoint::Entry> {
    let read = state_dir.read(checkpoint::FILE);
    let problem = match read {
        Ok(None) => return Vec::new(),
        Ok(Some(file)) => match checkpoint::decode(&file) {
            Ok(entries) => return entries,
            Err(problem) => problem.to_string(),
        },
        Err(error) => error.to_string(),
    };
    let aside = state_dir.set_aside(checkpoint::FILE).map(|path| path.display().to_string());
    tracing::error!(problem, set_aside = ?aside, "the checkpoint cannot be used: every file is read from its beginning, and the sink knows what it has by the ids");
    Vec::new()
}

/// Writes the checkpoint whenever it has changed, until `kept`.
async fn keep(ledger: Arc<Ledger>, state_dir: Arc<StateDir>, health: Health, kept: Shutdown) {
    let mut written = ledger.version();
    while kept.run_until_cancelled(tokio::time::sleep(CHECKPOINT_INTERVAL)).await.is_some() {
        let version = ledger.version();
        if version != written && write(&ledger, &state_dir, &health).await {
            written = version;
        }
    }
}

async fn write(ledger: &Arc<Ledger>, state_dir: &Arc<StateDir>, health: &Health) -> bool {
    let entries = ledger.entries(jiff::Timestamp::now().as_second());
    let to = state_dir.clone();
    let written = tokio::task::spawn_blocking(move || to.replace(checkpoint::FILE, &checkpoint::encode(&entries))).await;
    let written = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    match &written {
        Ok(()) => {
            ledger.count(|books| books.checkpoints += 1);
            health.well(Part::State);
        }
        Err(error) => {
            ledger.count(|books| books.failed_checkpoints += 1);
            let path = state_dir.path().display();
            health.troubled(
                Part::State,
                format!(
                    "cannot write the checkpoint in {path}: {error}: lines go on being shipped, and a restart sends some again"
                ),
            );
        }
    }
    written.is_ok()
}

/// How many log files may be open, after the limit was raised as far as it goes: every file that is followed is held open,
/// and the usual limit of 1024 is for programs that use select.
fn open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let most = if raised.is_ok() { limit.maximum } else { limit.current };
    most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)).saturating_sub(OTHER_FILES)
}
