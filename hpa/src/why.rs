//! The sentence under each decision: what was measured, what it asks for, what held or limited it and until when, what was
//! done. Plain words for people who do not know the algorithm; it reads the trace and decides nothing.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::behavior;
use crate::decide::Decision;
use crate::history::Direction;
use crate::spec::{PolicyKind, SelectPolicy};
use crate::trace::{Course, Filled, Limit, MetricTrace, PodsTrace, PolicyTrace, Rule, Stabilization, Target, Trace};

/// Why a decision is what it is, after its change was tried; `target` is what it scales, and `trouble` the first request that
/// failed, which says the same as the decision's error in fewer words.
#[must_use]
pub fn why(decision: &Decision, target: &str, trouble: Option<&str>, now: Timestamp) -> String {
    let trace = &decision.trace;
    let error = || trouble.or_else(|| Some(decision.error.as_ref()?.message.as_str())).unwrap_or("no reason was given");
    let current = trace.current.unwrap_or_default();
    let mut said = match trace.course {
        Course::ScaleUnknown => return format!("The scale of {target} cannot be read, so nothing is changed: {}.", error()),
        Course::Paused => {
            return format!(
                "{target} has 0 replicas, and not by this autoscaler: that pauses it until somebody asks for 1 or more."
            );
        }
        Course::SelectorUnusable => return format!("The pods of {target} cannot be told, so nothing is changed: {}.", error()),
        Course::MetricsFailed => return failed(trace, current, trouble),
        Course::AboveMax => {
            format!("{} more than maxReplicas {}, whatever the metrics say.", are(current), trace.max)
        }
        Course::BelowMin => {
            format!("{} fewer than minReplicas {}, whatever the metrics say.", are(current), trace.min)
        }
        Course::Metrics => measured(trace),
    };
    if let Some(stage) = trace.stabilization.filter(|stage| stage.result != stage.proposal) {
        let _written = write!(said, " {}", held(stage, trace.desired.is_some_and(|desired| desired > current), current, now));
    }
    let same = trace.desired == trace.current && trace.stabilization.is_some_and(|stage| stage.held_by.is_some());
    // What would have been cut of replicas that stay for another reason is of no interest.
    if let Some(stage) = trace.limit.as_ref().filter(|_| !same) {
        said.push_str(&limited(stage, trace, current, now));
    }
    let _written = match (&decision.rescale, &decision.failed_rescale) {
        (None, _) => write!(said, " {}.", stay(current)),
        (Some(change), Some(error)) => {
            write!(said, " The change from {} to {} failed: {error}.", change.from, change.to)
        }
        (Some(change), _) => write!(said, " Scaled from {} to {}.", change.from, change.to),
    };
    said
}

/// Too many metrics failed.
fn failed(trace: &Trace, current: i32, trouble: Option<&str>) -> String {
    let mut said = String::new();
    if let Some((metric, error)) = trace.metrics.iter().find_map(|metric| Some((metric, metric.error.as_deref()?))) {
        let _written = write!(said, "{} asks for nothing: {}. ", named(metric), trouble.unwrap_or(error));
    }
    let (bad, all) = (trace.metrics.iter().filter(|metric| metric.error.is_some()).count(), trace.metrics.len());
    if bad < all {
        let _written = write!(said, "The other metrics ask for fewer replicas, and nothing shrinks on a part of them. ");
    } else if all > 1 {
        let _written = write!(said, "All {all} metrics failed. ");
    }
    let _written = write!(said, "Nothing is changed: {}.", stay(current));
    said
}

/// What the winning metric is and asks for; the others in short.
fn measured(trace: &Trace) -> String {
    let Some(metric) = trace.winner.and_then(|winner| trace.metrics.get(winner)) else {
        return "No metric asks for anything.".to_owned();
    };
    let mut said = one(metric);
    let others = trace.metrics.len().saturating_sub(1);
    let bad: Vec<&MetricTrace> = trace.metrics.iter().filter(|metric| metric.error.is_some()).collect();
    if others > bad.len() {
        let _written = write!(said, " No other of the {} metrics asks for more.", trace.metrics.len());
    }
    if let Some(first) = bad.first() {
        let error = first.error.as_deref().unwrap_or_default();
        let _written = write!(said, " {} of {} metrics failed, first: {error}.", bad.len(), trace.metrics.len());
    }
    said
}

/// One metric: value, target, ratio, band, and the rule that gave its proposal.
fn one(metric: &MetricTrace) -> String {
    let (value, target) = (value(metric), wanted(metric));
    let times = metric.ratio.map_or_else(String::new, |ratio| format!(", {} times", decimal(ratio)));
    let (low, high) = (decimal(1.0 - metric.tolerance.down), decimal(1.0 + metric.tolerance.up));
    let beyond = match metric.ratio {
        Some(ratio) if ratio > 1.0 => format!("above the tolerance of {high}"),
        Some(_) => format!("below the tolerance of {low}"),
        None => "with no replicas to share it".to_owned(),
    };
    let proposal = replicas(metric.proposal.unwrap_or_default());
    let mut said = format!("{} is {value}{times} the target of {target}", named(metric));
    let ready = metric.shared_among.unwrap_or_default();
    let _written = match metric.rule {
        Some(Rule::WithinTolerance) => write!(said, " and within the tolerance of {low} to {high}."),
        Some(Rule::RatioTimesReady) if ready == 0 => {
            write!(said, " and {beyond}: no pod is ready, and by that rule it asks for {proposal}.")
        }
        Some(Rule::RatioTimesReady) => {
            write!(said, " and {beyond}: with {ready} ready pod{} it asks for {proposal}.", plural(ready))
        }
        Some(Rule::RatioFromZero) => write!(said, ": from 0 replicas, where no tolerance counts, it asks for {proposal}."),
        Some(Rule::ValueByTarget) => write!(said, " and {beyond}: shared out at the target it asks for {proposal}."),
        Some(Rule::NoneReady) => write!(said, " and {beyond}, but no pod is ready to share it: it asks for no change."),
        Some(rule) => write!(said, "; {}.", filled(metric.pods.as_ref(), rule, &proposal)),
        None => write!(said, "."),
    };
    said
}

/// The second look, with values filled in.
fn filled(pods: Option<&PodsTrace>, rule: Rule, proposal: &str) -> String {
    let seen = pods.and_then(|pods| Some((pods, pods.filled?)));
    let Some((pods, Filled { missing_as, unready_idle, counted, ratio })) = seen else {
        return format!("it asks for {proposal}");
    };
    let mut taken = Vec::new();
    let (missing, unready) = (pods.missing.len(), pods.unready.len());
    match missing_as {
        Some(0) => taken.push(format!("{missing} without a sample taken for idle")),
        Some(_) => taken.push(format!("{missing} without a sample taken for busy")),
        None if missing > 0 => taken.push(format!("{missing} without a sample left out")),
        None => {}
    }
    if unready_idle {
        taken.push(format!("{unready} not ready taken for idle"));
    }
    let outcome = match rule {
        Rule::FilledWithinTolerance => "which is within the tolerance: it asks for no change".to_owned(),
        Rule::FilledOtherSide => "which is on the other side of the target: it asks for no change".to_owned(),
        Rule::FilledAgainstRatio => "which would change replicas the wrong way: it asks for no change".to_owned(),
        _ => format!("which asks for {proposal}"),
    };
    format!("with {} that is {} times the target for {counted} pods, {outcome}", taken.join(" and "), decimal(ratio))
}

/// What past recommendations did.
fn held(stage: Stabilization, grows: bool, current: i32, now: Timestamp) -> String {
    let Some(held) = stage.held_by else {
        return format!("Earlier recommendations make that {}.", stage.result);
    };
    let shrinking = stage.result > stage.proposal;
    let window = if shrinking { stage.down_window_seconds } else { stage.up_window_seconds };
    let what = match (shrinking, grows) {
        // Without a behavior a high recommendation may even raise replicas that somebody lowered.
        (true, true) => "The highest recommendation of the window counts".to_owned(),
        (true, false) => format!("Shrinking below {} is held back", stage.result.min(current)),
        (false, _) => format!("Growth beyond {} is held back", stage.result.max(current)),
    };
    format!(
        "{what} until {}, because {} were asked for {} s ago and the window is {window} s.",
        moment(held.until, now),
        replicas(held.replicas),
        held.age_seconds,
    )
}

/// What policies and bounds cut.
fn limited(stage: &Limit, trace: &Trace, current: i32, now: Timestamp) -> String {
    match stage.reason {
        behavior::TOO_MANY => format!(" maxReplicas allows no more than {}.", trace.max),
        behavior::TOO_FEW => format!(" minReplicas asks for no fewer than {}.", trace.min),
        behavior::SCALE_UP_LIMIT | behavior::SCALE_DOWN_LIMIT => {
            let growing = stage.direction == Some(Direction::Up);
            match stage.select {
                None => format!(" From {current} it may grow to {} in one step.", stage.result),
                Some(SelectPolicy::Disabled) => {
                    format!(" {} is disabled by its policy.", if growing { "Growth" } else { "Shrinking" })
                }
                Some(_) => format!(" {}", policy(stage, growing, now)),
            }
        }
        _ => String::new(),
    }
}

fn policy(stage: &Limit, growing: bool, now: Timestamp) -> String {
    let verb = if growing { "grow" } else { "shrink" };
    let Some(policy) = stage.policies.iter().find(|policy| Some(policy.allows) == stage.rate_limit) else {
        return format!("Policies allow it to {verb} to {}.", stage.result);
    };
    let PolicyTrace { kind, value, period_seconds, start, frees_at, .. } = *policy;
    let unit = if kind == PolicyKind::Percent { " %" } else { plural_pods(value) };
    let mut said = format!("The policy of {value}{unit} in {period_seconds} s allows it to {verb} to {}", stage.result);
    if let Some(frees_at) = frees_at {
        let _written = write!(said, ", counted from {start}; the next change leaves its period at {}", moment(frees_at, now));
    }
    said.push('.');
    said
}

const fn plural_pods(value: i32) -> &'static str {
    if value == 1 { " pod" } else { " pods" }
}

const fn plural(count: i64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn replicas(count: i32) -> String {
    format!("{count} replica{}", plural(i64::from(count)))
}

fn are(count: i32) -> String {
    format!("{} {}", replicas(count), if count == 1 { "is" } else { "are" })
}

fn stay(count: i32) -> String {
    format!("{} stay{}", replicas(count), if count == 1 { "s" } else { "" })
}

/// Name and owner of a metric.
fn named(metric: &MetricTrace) -> String {
    let name = if metric.name.is_empty() { "a metric of an unknown type" } else { &metric.name };
    metric.of.as_ref().map_or_else(|| name.to_owned(), |of| format!("{name} of {of}"))
}

fn value(metric: &MetricTrace) -> String {
    let value = metric.value.unwrap_or_default();
    match metric.target {
        Some(Target::Utilization(_)) => format!("{value} % of what pods request"),
        Some(Target::AverageValueMilli(_)) => format!("{} each", milli(value)),
        _ => milli(value),
    }
}

fn wanted(metric: &MetricTrace) -> String {
    match metric.target {
        Some(Target::Utilization(percent)) => format!("{percent} %"),
        Some(Target::AverageValueMilli(value) | Target::ValueMilli(value)) => milli(value),
        None => "none".to_owned(),
    }
}

/// Thousandths as a decimal number.
fn milli(value: i64) -> String {
    let (whole, part) = (value / 1000, (value % 1000).abs());
    let sign = if value < 0 && whole == 0 { "-" } else { "" };
    let text = format!("{sign}{whole}.{part:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Two decimals, without those that are zero.
fn decimal(value: f64) -> String {
    let text = format!("{value:.2}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A moment of the near future, and in how many seconds it is.
fn moment(time: Timestamp, now: Timestamp) -> String {
    let text = format!("{time:.0}");
    let clock = text.split_once('T').map_or(text.as_str(), |(_, clock)| clock.trim_end_matches('Z'));
    format!("{clock} UTC (in {} s)", time.duration_since(now).as_secs().max(0))
}

#[cfg(test)]
mod tests;
