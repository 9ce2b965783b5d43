//! Looks at the parts as a person with curl would, and remembers what it saw last: the exporter's scrape, the autoscaler's
//! decisions, the log agent's state, the store's count, and what the stack costs. A part that does not answer is shown by
//! what is missing; the others are looked at all the same.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use daemon::Shutdown;
use hpa::report::Report;
use jiff::Timestamp;

use super::cost::{self, Cost};
use super::history::Row;
use super::host::{Host, Reading};
use super::stack::Stack;

/// How often the charts of this machine get a point: each costs a scrape.
const HOST_PERIOD: Duration = Duration::from_secs(2);
/// How often decisions are asked for: a change should show at once.
const DECISION_PERIOD: Duration = Duration::from_millis(500);
/// How often the books of the log lines are compared.
const LOG_PERIOD: Duration = Duration::from_secs(1);
/// How often the stack's own cost is measured: the kernel walks all page tables for it.
const COST_PERIOD: Duration = Duration::from_secs(5);
/// A part that takes longer is shown as not answering by its probe.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Decisions that the page lists; more are in the autoscaler's own report.
const MAX_DECISIONS: usize = 200;

/// Looks at everything until `shutdown`.
pub async fn run(stack: Arc<Stack>, shutdown: Shutdown) {
    let all = async {
        tokio::join!(
            every(HOST_PERIOD, || exporter(&stack)),
            every(DECISION_PERIOD, || decisions(&stack)),
            every(LOG_PERIOD, || logs(&stack)),
            costs(&stack),
            seconds(&stack),
        )
    };
    tokio::select! {
        _ = all => {}
        () = shutdown.cancelled() => {}
    }
}

async fn every<F: Future<Output = ()>>(period: Duration, mut look: impl FnMut() -> F) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        look().await;
    }
}

async fn text(stack: &Stack, url: String) -> Option<String> {
    let answer = stack.client.get(url).timeout(TIMEOUT).send().await.ok()?;
    answer.error_for_status().ok()?.text().await.ok()
}

async fn exporter(stack: &Stack) {
    let begun = Instant::now();
    let scrape = text(stack, format!("{}/metrics", stack.links.exporter)).await;
    let took = begun.elapsed();
    let mut seen = stack.seen();
    let Some(reading) = scrape.map(|text| Reading::parse(&text)) else {
        (seen.host, seen.scrape) = (None, None);
        return;
    };
    // A restarted exporter counts from zero again.
    let first = seen.readings.filter(|(_, last)| last.scrapes <= reading.scrapes).map_or(reading, |(first, _)| first);
    seen.host = seen.readings.zip(seen.read_at).map(|((_, before), at)| reading.since(&before, begun.duration_since(at)));
    (seen.readings, seen.read_at) = (Some((first, reading)), Some(begun));
    seen.scrape = Some(took);
}

async fn decisions(stack: &Stack) {
    let since = stack.seen().decisions.last().map_or(0, |entry| entry.time);
    let Some(report) = text(stack, format!("{}/decisions?since={since}", stack.links.hpa)).await else { return };
    let Ok(report) = serde_json::from_str::<Report>(&report) else { return };
    let mut seen = stack.seen();
    for entry in report.decisions.into_iter().filter(|entry| entry.time > since) {
        if entry.scaled {
            let count = |count: Option<i32>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
            tracing::info!("{} → {} replicas: {}", count(entry.current), count(entry.desired), entry.why);
        }
        seen.decisions.push(entry);
    }
    let surplus = seen.decisions.len().saturating_sub(MAX_DECISIONS);
    seen.decisions.drain(..surplus);
}

async fn logs(stack: &Stack) {
    let (count, state) = tokio::join!(stack.stored(), text(stack, format!("{}/state", stack.links.agent)));
    let mut seen = stack.seen();
    seen.agent = state.and_then(|state| serde_json::from_str(&state).ok());
    match count {
        Ok(count) => {
            let now = Instant::now();
            let before = seen.stored.zip(seen.counted_at);
            seen.log_rate = before.map(|(before, at)| count.saturating_sub(before) as f64 / now.duration_since(at).as_secs_f64());
            (seen.stored, seen.counted_at, seen.store_error) = (Some(count), Some(now), None);
        }
        Err(error) => (seen.log_rate, seen.store_error) = (None, Some(error)),
    }
}

async fn costs(stack: &Stack) {
    let mut before: HashMap<u32, Cost> = HashMap::new();
    let mut measured = Instant::now();
    every(COST_PERIOD, || {
        let now = measure(stack);
        let elapsed = measured.elapsed().as_secs_f64();
        let mut seen = stack.seen();
        if !before.is_empty() {
            seen.cpu_percent = Some(100.0 * cost::cpu_between(&before, &now) / elapsed);
        }
        seen.memory_bytes = now.values().map(|cost| cost.pss_bytes).sum();
        drop(seen);
        before = now;
        measured = Instant::now();
        std::future::ready(())
    })
    .await;
}

/// What the whole stack costs now, by process.
pub fn measure(stack: &Stack) -> HashMap<u32, Cost> {
    let parts = stack.parts.iter().filter_map(|part| part.status().pid);
    let replicas = stack.deployment.replicas();
    let replicas = replicas.iter().filter_map(|replica| u32::try_from(replica.pid.load(Ordering::Relaxed)).ok());
    cost::measure(parts.chain(replicas).filter(|pid| *pid != 0).chain([std::process::id()]))
}

/// Once a second: the rates of the pods, and a row for the charts.
async fn seconds(stack: &Stack) {
    let mut before: HashMap<String, u64> = HashMap::new();
    let mut last = Instant::now();
    every(Duration::from_secs(1), || {
        let replicas = stack.deployment.replicas();
        let now: HashMap<String, u64> =
            replicas.iter().map(|replica| (replica.uid.clone(), replica.requests.load(Ordering::Relaxed))).collect();
        let elapsed = last.elapsed().as_secs_f64().max(f64::EPSILON);
        let rate = |(uid, count): (&String, &u64)| {
            let before = before.get(uid).copied().unwrap_or(0);
            (uid.clone(), count.saturating_sub(before) as f64 / elapsed)
        };
        stack.seen().pod_rates = now.iter().map(rate).collect();
        stack.deployment.judge();
        let row = row(stack);
        stack.history.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        (before, last) = (now, Instant::now());
        std::future::ready(())
    })
    .await;
}

fn row(stack: &Stack) -> Row {
    let (metric, lag) = (stack.metric(), stack.lag_lines());
    let ready = stack.deployment.ready().len();
    let seen = stack.seen();
    let target = seen.decisions.last().and_then(|entry| entry.metrics.first()?.target());
    let host = |value: fn(&Host) -> f64| seen.host.as_ref().map(value);
    Row {
        time: Timestamp::now().as_millisecond(),
        values: [
            Some(stack.load.script().rate),
            metric,
            target,
            Some(f64::from(stack.deployment.scale().0)),
            Some(ready as f64),
            host(|host| host.cpu_percent),
            host(|host| host.load1),
            host(|host| host.memory_used),
            host(|host| host.memory_total),
            host(|host| host.net_rx),
            host(|host| host.net_tx),
            host(|host| host.disk_read),
            host(|host| host.disk_write),
            seen.log_rate,
            lag.map(|lag| lag as f64),
            seen.stored.map(|stored| stored as f64),
        ],
    }
}
