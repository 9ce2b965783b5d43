//! The agent's own metrics, taken from the ledger when they are asked for.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::ledger::{Books, Ledger, Reason};
use crate::state::State;

#[derive(Debug)]
struct Own(Arc<Ledger>);

/// A registry that shows what `ledger` holds.
#[must_use]
pub fn registry(ledger: Arc<Ledger>) -> Registry {
    let mut registry = Registry::with_prefix("log_agent");
    registry.register_collector(Box::new(Own(ledger)));
    registry
}

type Counter = (&'static str, &'static str, Option<Unit>, u64);

fn counters(books: &Books) -> [Counter; 14] {
    [
        ("read_lines", "Lines read from files", None, books.read),
        ("stored_lines", "Lines that the sink has", None, books.stored),
        ("existed_lines", "Stored lines that the sink had before, from an earlier try", None, books.existed),
        ("dead_lines", "Lines that the sink will never take, kept as dead letters", None, books.dead),
        ("cut_lines", "Lines of which some text was left out because they are too long", None, books.cut),
        ("malformed_lines", "Lines that are not what their format says, shipped as they stand", None, books.malformed),
        ("read", "Bytes read from files", Some(Unit::Bytes), books.read_bytes),
        ("lost", "Bytes that were truncated or deleted before they could be read", Some(Unit::Bytes), books.lost_bytes),
        ("bulk_requests", "Bulk requests sent", None, books.requests),
        ("failed_bulk_requests", "Bulk requests that came to nothing and were sent again", None, books.failed_requests),
        ("refused_items", "Items that the sink refused for now and that were sent again", None, books.refused_items),
        ("read_errors", "Times that a file could not be read", None, books.read_errors),
        ("checkpoints", "Checkpoints written", None, books.checkpoints),
        ("failed_checkpoints", "Times that the checkpoint could not be written", None, books.failed_checkpoints),
    ]
}

impl Collector for Own {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (books, files) = self.0.view();
        for (name, help, unit, value) in counters(&books) {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, unit.as_ref(), metric.metric_type())?)?;
        }
        let metric = ConstCounter::new(0_u64);
        let mut dropped = encoder.encode_descriptor("dropped_lines", "Lines dropped, by reason", None, metric.metric_type())?;
        for reason in Reason::ALL {
            let labels = [("reason", reason.name())];
            ConstCounter::new(books.dropped[reason as usize]).encode(dropped.encode_family(&labels)?)?;
        }
        let (lag_bytes, lag_seconds) = State::lag(&files, jiff::Timestamp::now().as_millisecond());
        let gauges = [
            ("in_flight_lines", "Lines read that have no fate yet", None, books.in_flight as f64),
            ("files", "Files that are followed", None, files.len() as f64),
            ("lag", "Bytes in files that are not acknowledged", Some(Unit::Bytes), lag_bytes as f64),
            ("lag", "Age of the oldest line that is not acknowledged", Some(Unit::Seconds), lag_seconds),
        ];
        for (name, help, unit, value) in gauges {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, unit.as_ref(), metric.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Tally;

    #[test]
    fn the_books_are_shown() {
        let ledger = Arc::new(Ledger::default());
        let mut tally = Tally { taken: 3, bytes: 100, ..Tally::default() };
        tally.drop(Reason::TooLong);
        ledger.tally(tally);
        ledger.stored(2, 1);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry(ledger)).unwrap();
        for line in [
            "log_agent_read_lines_total 4",
            "log_agent_stored_lines_total 2",
            "log_agent_dropped_lines_total{reason=\"too_long\"} 1",
            "log_agent_dropped_lines_total{reason=\"empty\"} 0",
            "log_agent_read_bytes_total 100",
            "log_agent_in_flight_lines 1.0",
            "log_agent_lag_seconds 0.0",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is not in\n{text}");
        }
    }
}
