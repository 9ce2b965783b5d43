//! What the charts draw: one row a second for a quarter of an hour, oldest first.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// A quarter of an hour; the page keeps as many.
const MAX_ROWS: usize = 900;
/// The columns after the time, in the order of [`Row::values`].
const COLUMNS: [&str; 16] = [
    "load",
    "metric",
    "target",
    "replicas",
    "ready",
    "cpu_percent",
    "load1",
    "memory_used",
    "memory_total",
    "net_rx",
    "net_tx",
    "disk_read",
    "disk_write",
    "log_rate",
    "lag_lines",
    "stored",
];

/// One second: the time in milliseconds since 1970, and a value for each column, none where nothing is known.
#[derive(Clone, Debug)]
pub struct Row {
    /// When.
    pub time: i64,
    /// As [`COLUMNS`] names them.
    pub values: [Option<f64>; COLUMNS.len()],
}

/// The rows of the last quarter of an hour.
#[derive(Debug, Default)]
pub struct History(VecDeque<Row>);

impl History {
    /// Adds the newest row.
    pub fn push(&mut self, row: Row) {
        if self.0.len() == MAX_ROWS {
            self.0.pop_front();
        }
        self.0.push_back(row);
    }

    /// The rows after `time`, with the names of their columns.
    #[must_use]
    pub fn since(&self, time: i64) -> Value {
        let columns: Vec<&str> = std::iter::once("time").chain(COLUMNS).collect();
        let begin = self.0.partition_point(|row| row.time <= time);
        let cells = |row: &Row| std::iter::once(json!(row.time)).chain(row.values.iter().map(|value| json!(value))).collect();
        let rows: Vec<Vec<Value>> = self.0.range(begin..).map(cells).collect();
        json!({"columns": columns, "rows": rows})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_is_new_and_keeps_a_quarter_of_an_hour() {
        let mut history = History::default();
        for time in 0..1000 {
            history.push(Row { time, values: [Some(1.5); COLUMNS.len()] });
        }
        let answer = history.since(997);
        assert_eq!(answer["rows"].as_array().unwrap().len(), 2);
        assert_eq!((&answer["rows"][0][0], &answer["rows"][1][1]), (&json!(998), &json!(1.5)));
        assert_eq!(answer["columns"].as_array().unwrap().len(), answer["rows"][0].as_array().unwrap().len());
        assert_eq!(history.since(i64::MIN)["rows"].as_array().unwrap().len(), MAX_ROWS);
    }
}
