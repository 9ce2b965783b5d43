//! The end of a headless run: a table of what happened and what it cost, and whether the story held. It measures nothing
//! new; it reads what the parts say of themselves once more and puts it next to the targets.

use std::io::IsTerminal as _;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;

use super::cost;
use super::part::State;
use super::stack::Stack;
use super::story::Story;
use super::watch;

/// What the table says of one matter, and the fault if it does not hold.
struct Line {
    what: &'static str,
    value: String,
    wanted: String,
    fault: Option<String>,
}

/// The table, and what did not hold.
#[derive(Debug)]
pub struct Summary {
    /// As it is printed.
    pub table: String,
    /// One sentence each; none if the story held.
    pub faults: Vec<String>,
}

/// Bounds that the project has set itself for one machine of two cores (missed ones show in the table and fail no run: the
/// machine may be busy with other things).
const MAX_EXPORTER_CPU_MS: f64 = 3.0;
const MAX_EXPORTER_BYTES: f64 = 8e6;
const MAX_STACK_BYTES: u64 = 150_000_000;
const MAX_IDLE_PERCENT: f64 = 5.0;

/// Puts the table together; plain text in a pipe. The stack must still be running.
#[must_use]
pub fn summarize(stack: &Stack, story: &Story) -> Summary {
    let lines =
        [scrapes(stack), exporter(stack), load(stack, story), rate(stack, story), replicas(story), reaction(stack, story)];
    let lines: Vec<Line> = lines.into_iter().chain([books(stack), parts(stack), whole(stack)]).collect();
    let mut table = Table::new();
    let style = if std::io::stdout().is_terminal() { presets::UTF8_FULL_CONDENSED } else { presets::NOTHING };
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["", "measured", "wanted"]);
    for line in &lines {
        table.add_row([line.what, &line.value, &line.wanted]);
    }
    Summary { table: table.to_string(), faults: lines.into_iter().filter_map(|line| line.fault).collect() }
}

fn line(what: &'static str, value: String, wanted: impl Into<String>, fault: Option<String>) -> Line {
    Line { what, value, wanted: wanted.into(), fault }
}

/// The value beside its bound, for bounds that are shown and not enforced.
fn within(holds: bool) -> &'static str {
    if holds { "" } else { "  (missed)" }
}

fn scrapes(stack: &Stack) -> Line {
    let scrapes = stack.seen().scrapes();
    let fault = (scrapes < 1.0).then(|| "node-exporter was never scraped".to_owned());
    line("scrapes of this machine", format!("{scrapes:.0}"), "1 or more", fault)
}

fn exporter(stack: &Stack) -> Line {
    let (readings, cpu_ms) = {
        let seen = stack.seen();
        (seen.readings, seen.cpu_ms_per_scrape().unwrap_or(0.0))
    };
    let Some((_, last)) = readings else {
        return line("node-exporter", "-".to_owned(), "", None);
    };
    // The parts are one large binary here, of which every process maps what its neighbours use as well.
    let share = stack
        .parts
        .first()
        .and_then(|part| part.status().pid)
        .and_then(|pid| Some(cost::measure([pid]).get(&pid)?.pss_bytes as f64));
    let share = share.unwrap_or(last.exporter_rss_bytes);
    let holds = cpu_ms <= MAX_EXPORTER_CPU_MS && share <= MAX_EXPORTER_BYTES;
    let resident = last.exporter_rss_bytes / 1e6;
    let value =
        format!("{cpu_ms:.2} ms of CPU a scrape, {:.1} MB ({resident:.1} MB with shared pages){}", share / 1e6, within(holds));
    line("node-exporter", value, format!("≤ {MAX_EXPORTER_CPU_MS} ms, ≤ {:.0} MB", MAX_EXPORTER_BYTES / 1e6), None)
}

fn load(stack: &Stack, story: &Story) -> Line {
    let script = stack.load.script();
    let fault = (script.sent == 0).then(|| "no request was answered".to_owned());
    let value =
        format!("{} requests answered, {} failed, at most {:.0} a second", script.sent, script.failed, story.peak_offered);
    line("load", value, "", fault)
}

fn rate(stack: &Stack, story: &Story) -> Line {
    let window = stack.config.rate_window.as_secs_f64();
    let target = target(stack);
    let fault = target.filter(|target| story.peak_metric <= *target);
    let fault =
        fault.map(|target| format!("the metric never rose above its target of {target}: it peaked at {:.1}", story.peak_metric));
    let wanted = target.map_or_else(String::new, |target| format!("above the target of {target}"));
    line("peak of the metric", format!("{:.1} (rate over {window:.0} s)", story.peak_metric), wanted, fault)
}

/// The target of the first metric, in its own unit.
pub fn target(stack: &Stack) -> Option<f64> {
    let target = stack.autoscaler.spec.metrics.first().and_then(|metric| {
        let target = metric.object.as_ref()?.target;
        target.value.or(target.average_value)
    });
    target.map(|target| target.milli_value() as f64 / 1000.0)
}

fn replicas(story: &Story) -> Line {
    let went: Vec<String> =
        story.changes.iter().map(|(at, replicas)| format!("{replicas} at {:.0} s", at.as_secs_f64())).collect();
    let fault = (!story.rose_and_fell()).then(|| format!("replicas did not go up and come back: {}", went.join(", ")));
    line("replicas over time", went.join(", "), "up, and back", fault)
}

fn reaction(stack: &Stack, story: &Story) -> Line {
    let bound = 2 * stack.config.scrape_interval + stack.config.sync_period;
    let took = story.reaction();
    let value = took.map_or_else(|| "-".to_owned(), |took| format!("{:.1} s{}", took.as_secs_f64(), within(took <= bound)));
    let wanted = format!("≤ {:.0} s (2 scrape intervals + 1 sync period)", bound.as_secs_f64());
    line("from the rate's crossing to a new replica", value, wanted, None)
}

fn books(stack: &Stack) -> Line {
    let (written, stored) = (stack.deployment.lines_written(), stack.seen().stored);
    let fault = (written == 0 || Some(written) != stored).then(|| {
        format!(
            "{written} log lines were written and {} are stored",
            stored.map_or("an unknown number".to_owned(), |stored| stored.to_string())
        )
    });
    let sign = if Some(written) == stored { "=" } else { "≠" };
    let stored = stored.map_or_else(|| "?".to_owned(), |stored| stored.to_string());
    line("log lines", format!("{written} written {sign} {stored} stored"), "equal", fault)
}

fn parts(stack: &Stack) -> Line {
    let statuses: Vec<_> = stack.parts.iter().map(|part| part.status()).collect();
    let restarts: u32 = statuses.iter().map(|status| status.restarts).sum();
    let down: Vec<_> = statuses.iter().filter(|status| status.state != State::Up).collect();
    let up = statuses.len() - down.len();
    let fault = down.first().map(|part| format!("{} is not up: {}", part.name, part.detail));
    line("parts", format!("{up} of {} up, {restarts} restarts", statuses.len()), "all up", fault)
}

fn whole(stack: &Stack) -> Line {
    let bytes: u64 = watch::measure(stack).values().map(|cost: &cost::Cost| cost.pss_bytes).sum();
    let cpu = stack.seen().cpu_percent.unwrap_or(0.0);
    let value = format!(
        "{:.0} MB, {cpu:.1} % of one core at the end{}",
        bytes as f64 / 1e6,
        within(bytes <= MAX_STACK_BYTES && cpu <= MAX_IDLE_PERCENT)
    );
    line("the whole stack", value, format!("≤ {} MB, ≤ {MAX_IDLE_PERCENT} % idle", MAX_STACK_BYTES / 1_000_000), None)
}

/// Waits until every line that was written is stored, or `limit` has passed.
pub async fn settle(stack: &Stack, limit: Duration) {
    let settled = async {
        loop {
            let written = stack.deployment.lines_written();
            // Asked here, not taken from what was seen: that may be a second old.
            if stack.stored().await == Ok(written) && written == stack.deployment.lines_written() {
                let mut seen = stack.seen();
                seen.stored = Some(written);
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    if tokio::time::timeout(limit, settled).await.is_err() {
        tracing::warn!(at = %Timestamp::now(), "not every log line was stored within {limit:?}");
    }
}
