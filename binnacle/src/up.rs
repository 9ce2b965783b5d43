//! `binnacle up`: the whole stack on this machine. Every program of it is a child process of the same binary, so that each
//! lives, fails and is measured alone, as in a cluster; the sample application's replicas are processes too. This one keeps
//! them running, plays the part of the cluster, drives the load, and serves the page. It asks the programs over their public
//! endpoints, and knows of their insides only the autoscaler's file and report.

pub mod args;
pub mod container_log;
pub mod load;
pub mod part;
pub mod replicas;

mod cluster;
mod cost;
mod dashboard;
mod data_directory;
mod history;
mod host;
mod log_sink;
mod output;
mod retention;
mod seen;
mod stack;
mod state;
mod story;
mod summary;
mod watch;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use daemon::Shutdown;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use self::stack::{Prepared, Stack};
use self::story::{Moment, Story};

pub use args::{Args, Config};

/// The bands of a tolerance of 10 % that kube-controller-manager has: only above it replicas are added.
const TOLERANCE: f64 = 1.1;
/// How often the story is looked at, and so its resolution.
const STORY_PERIOD: Duration = Duration::from_millis(200);
/// At the end of a headless run every line must be stored within this: a few commits, or a few refreshes of Elasticsearch.
const SETTLE: Duration = Duration::from_secs(20);

/// The command line `args`: the whole stack until a signal or the end of its time.
pub fn main(args: Args) -> ExitCode {
    daemon::start(args.log, async move |shutdown| {
        let prepared = stack::prepare(args.config()?)?;
        run(prepared, shutdown).await
    })
}

/// Runs a prepared stack until `shutdown` or the end of its time; then ends all of it within 5 s.
///
/// # Errors
/// The page cannot be served, or the story of a headless run did not hold: the message says what did not.
pub async fn run(prepared: Prepared, shutdown: Shutdown) -> anyhow::Result<()> {
    let Prepared { stack, page, programs } = prepared;
    // In the order of the end: who writes, then who carries, then who shows.
    let (sources, carriers) = (Shutdown::new(), Shutdown::new());
    let mut writing = JoinSet::new();
    writing.spawn(stack.deployment.clone().run(stack.client.clone(), sources.clone()));
    writing.spawn(stack.load.clone().run(stack.deployment.clone(), stack.client.clone(), sources.clone()));
    let mut carrying = JoinSet::new();
    for (part, spec) in programs {
        carrying.spawn(part::keep_running(part, spec, stack.client.clone(), carriers.clone()));
    }
    carrying.spawn(watch::run(stack.clone(), carriers.clone()));
    let page = daemon::serve::http(tokio::net::TcpListener::from_std(page)?, dashboard::router(stack.clone()), carriers.clone());
    let mut page = tokio::spawn(page);
    greet(&stack);
    let (story, failed) = tokio::select! {
        story = tell(&stack, &shutdown) => (story, None),
        ended = &mut page => (Story::new(Instant::now(), Duration::MAX, 0.0), Some(ended)),
    };
    let verdict = if stack.config.headless && failed.is_none() { conclude(&stack, &story, &shutdown).await } else { Ok(()) };
    sources.cancel();
    while writing.join_next().await.is_some() {}
    carriers.cancel();
    while carrying.join_next().await.is_some() {}
    let ended = match failed {
        Some(ended) => ended,
        None => page.await,
    };
    ended??;
    verdict
}

/// Follows the story until its end.
async fn tell(stack: &Stack, shutdown: &Shutdown) -> Story {
    let began = Instant::now();
    let threshold = summary::target(stack).map_or(f64::INFINITY, |target| target * TOLERANCE);
    let mut story = Story::new(began, stack.config.rate_window, threshold);
    let progress = progress(stack);
    while stack.config.duration.is_none_or(|duration| began.elapsed() < duration) {
        tokio::select! {
            () = tokio::time::sleep(STORY_PERIOD) => {}
            () = shutdown.cancelled() => break,
        }
        let script = stack.load.script();
        let replicas = stack.deployment.scale().0;
        story.observe(Moment {
            at: Instant::now(),
            requests: script.sent,
            offered: script.rate,
            metric: stack.metric(),
            replicas,
            ready: u32::try_from(stack.deployment.ready().len()).unwrap_or(u32::MAX),
        });
        progress.set_position(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        progress.set_message(format!("{} · {:.0} req/s · {replicas} replicas", script.phase, script.rate));
    }
    progress.finish_and_clear();
    story
}

/// A bar for a run whose end is known, on a terminal.
fn progress(stack: &Stack) -> ProgressBar {
    match stack.config.duration {
        Some(duration) if std::io::stderr().is_terminal() => {
            let bar = ProgressBar::new(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
            // The template is a constant; with a broken one the bar would only be plain.
            bar.set_style(ProgressStyle::with_template("{bar:40} {elapsed} {wide_msg}").unwrap_or(ProgressStyle::default_bar()));
            bar
        }
        _ => ProgressBar::hidden(),
    }
}

fn greet(stack: &Stack) {
    say(&format!("Binnacle {}: the page is at {}", env!("CARGO_PKG_VERSION"), stack.links.page));
    for part in &stack.parts {
        let status = part.status();
        let address = status.address.unwrap_or_else(|| "replicas of the sample application".to_owned());
        say(&format!("  {:<16} {address}", status.name));
    }
    say(&format!("  {:<16} {}", "log lines", stack.sink.shown()));
    say(&format!("  {:<16} {}", "data", stack.directory.path().display()));
    say("Ctrl-C ends everything.");
}

/// Prints a line. A reader that has gone, such as `head`, wants to hear no more and is no fault.
fn say(line: &str) {
    let _printed = writeln!(std::io::stdout(), "{line}");
}

/// The end of a headless run: no more load, all lines stored, the table, and the verdict.
async fn conclude(stack: &Arc<Stack>, story: &Story, shutdown: &Shutdown) -> anyhow::Result<()> {
    stack.load.pause();
    tokio::select! {
        () = summary::settle(stack, SETTLE) => {}
        () = shutdown.cancelled() => {}
    }
    let summary = summary::summarize(stack, story);
    say(&summary.table);
    if shutdown.is_cancelled() {
        anyhow::bail!("interrupted: the table shows what was so at that moment, and the story has no end");
    }
    if summary.faults.is_empty() {
        say("The story held.");
        return Ok(());
    }
    anyhow::bail!("the story did not hold: {}", summary.faults.join("; "))
}
