//! The document of `/api/state`: everything that the page shows of now. It asks nobody; it puts together what was seen.

use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

use super::log_sink::INDEX;
use super::stack::{Stack, metric_path};

/// The state now.
#[must_use]
pub fn document(stack: &Stack) -> Value {
    let now = Timestamp::now();
    let (written, lag) = (stack.deployment.lines_written(), stack.lag_lines());
    let parts: Vec<_> = stack.parts.iter().map(|part| part.status()).collect();
    let seen = stack.seen();
    let agent_error = seen.agent.as_ref().and_then(|agent| agent.error.clone());
    let exporter = seen.readings.map(|(_, last)| {
        json!({
            "scrape_ms": seen.scrape.map(|scrape| scrape.as_secs_f64() * 1000.0),
            "rss_bytes": last.exporter_rss_bytes,
            "cpu_ms_per_scrape": seen.cpu_ms_per_scrape(),
        })
    });
    let logs = json!({
        "written": written,
        "stored": seen.stored,
        "lag_lines": lag,
        "lag_seconds": seen.agent.as_ref().and_then(|agent| agent.lag_seconds),
        "error": agent_error.or_else(|| seen.store_error.clone()),
    });
    let stack_cost = json!({"rss_bytes": seen.memory_bytes, "cpu_percent": seen.cpu_percent});
    let decisions: Vec<Value> = seen.decisions.iter().map(decision).collect();
    let metric = seen.decisions.last().and_then(metric);
    drop(seen);
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "now": now.as_millisecond(),
        "started": stack.started.as_millisecond(),
        "parts": parts,
        "load": stack.load.script(),
        "metric": metric,
        "replicas": replicas(stack),
        "decisions": decisions,
        "logs": logs,
        "exporter": exporter,
        "stack": stack_cost,
        "try_it": commands(stack),
    })
}

fn decision(entry: &hpa::report::Entry) -> Value {
    let current = entry.current.or(entry.desired).unwrap_or(0);
    json!({
        "time": entry.time,
        "current": current,
        "desired": entry.desired.unwrap_or(current),
        "reason": entry.reason,
        "why": entry.why,
        "error": entry.error,
        "conditions": entry.conditions,
    })
}

fn metric(entry: &hpa::report::Entry) -> Option<Value> {
    let metric = entry.metrics.first()?;
    Some(json!({
        "number": metric.value(),
        "target": metric.target(),
        "tolerance": metric.tolerance,
        "window_seconds": metric.window_seconds,
        "error": metric.error,
    }))
}

fn replicas(stack: &Stack) -> Value {
    let rates = stack.seen().pod_rates.clone();
    let replicas = stack.deployment.replicas();
    let pods: Vec<Value> = replicas
        .iter()
        .map(|replica| {
            let pid = replica.pid.load(Ordering::Relaxed);
            json!({
                "name": replica.pod,
                "pid": (pid != 0).then_some(pid),
                "ready": replica.readiness().0,
                "terminating": replica.terminating.load(Ordering::Relaxed),
                "requests": replica.requests.load(Ordering::Relaxed),
                "rate": rates.get(&replica.uid),
            })
        })
        .collect();
    json!({
        "spec": stack.deployment.scale().0,
        "ready": stack.deployment.ready().len(),
        "min": stack.autoscaler.spec.min(),
        "max": stack.autoscaler.spec.max_replicas,
        "pods": pods,
    })
}

fn commands(stack: &Stack) -> Value {
    let links = &stack.links;
    let sink = stack.sink.shown();
    json!([
        {"title": "The rate that the autoscaler reads", "command": format!("curl -k {}/apis/custom.metrics.k8s.io/v1beta1/{}", links.adapter, metric_path())},
        {"title": "What this machine's kernel says", "command": format!("curl {}/metrics", links.exporter)},
        {"title": "Every decision and its reason", "command": format!("curl {}/decisions", links.hpa)},
        {"title": "The log lines with the word error", "command": format!("curl '{sink}/{INDEX}/_search?q=error&size=3'")},
        {"title": "Kill a part and watch it come back", "command": "pkill -f 'binnacle log-agent'"},
    ])
}
