//! What the agent is doing, as a page of JSON: files with their marks, counts of lines, the lag. It is a view, made when it
//! is asked for.

use serde::Serialize;

use crate::ledger::{Books, FileMarks};

/// Files in one page, those furthest behind first: enough for a look, and a node may have ten thousand.
const MOST_FILES: usize = 1000;

/// The page.
#[derive(Debug, Serialize)]
pub struct State {
    output: String,
    files: Vec<File>,
    read_lines: u64,
    stored_lines: u64,
    in_flight_lines: u64,
    dead_lines: u64,
    dropped_lines: u64,
    lag_bytes: u64,
    lag_seconds: f64,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    generation: String,
    read: u64,
    sent: u64,
    acknowledged: u64,
    size: u64,
}

impl State {
    /// The page at `now`, in milliseconds since 1970.
    #[must_use]
    pub fn new(output: &str, (books, files): (Books, Vec<FileMarks>), error: Option<String>, now: i64) -> Self {
        let (lag_bytes, lag_seconds) = Self::lag(&files, now);
        let mut files: Vec<File> = files
            .into_iter()
            .map(|FileMarks { path, generation, read, sent, acknowledged, size, .. }| File {
                path: path.to_string(),
                generation: generation.to_string(),
                read,
                sent,
                acknowledged,
                size,
            })
            .collect();
        files.sort_by_cached_key(|file| (std::cmp::Reverse(file.size.saturating_sub(file.acknowledged)), file.path.clone()));
        files.truncate(MOST_FILES);
        Self {
            output: output.to_owned(),
            files,
            read_lines: books.read,
            stored_lines: books.stored,
            in_flight_lines: books.in_flight,
            dead_lines: books.dead,
            dropped_lines: books.dropped.iter().sum(),
            lag_bytes,
            lag_seconds,
            error,
        }
    }

    /// Bytes that are not acknowledged, and the age of the oldest line among them, in seconds.
    #[must_use]
    pub fn lag(files: &[FileMarks], now: i64) -> (u64, f64) {
        let bytes = files.iter().map(|file| file.size.max(file.read).saturating_sub(file.acknowledged)).sum();
        let oldest = files.iter().filter_map(FileMarks::oldest_millis).min();
        (bytes, oldest.map_or(0.0, |oldest| now.saturating_sub(oldest).max(0) as f64 / 1000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::{GenerationId, Guard};

    #[test]
    fn the_page_is_what_others_read() {
        let id = GenerationId::new("c", b"first");
        let mut file = FileMarks::new("c".into(), "/logs/c-json.log".into(), id, (10, Guard::default()), 40);
        file.behind_since = Some(500);
        let books = Books { read: 9, stored: 5, in_flight: 2, dead: 1, dropped: [1, 0], ..Books::default() };
        let state = State::new("http://es:9200/", (books, vec![file]), Some("no answer".into()), 2500);
        let expected = serde_json::json!({
            "output": "http://es:9200/",
            "files": [{"path": "/logs/c-json.log", "generation": id.to_string(), "read": 10, "sent": 10, "acknowledged": 10, "size": 40}],
            "read_lines": 9, "stored_lines": 5, "in_flight_lines": 2, "dead_lines": 1, "dropped_lines": 1,
            "lag_bytes": 30, "lag_seconds": 2.0, "error": "no answer",
        });
        assert_eq!(serde_json::to_value(state).unwrap(), expected);
    }
}
