//! One container step by step: what happens between a listing and a turn is chosen, not left to chance.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use tokio::sync::mpsc;

use super::super::desk::Bounds;
use super::*;
use crate::batch::Batch;
use crate::ledger::Ledger;
use crate::parse;

struct Bench {
    folder: tempfile::TempDir,
    source: Source,
    desk: Desk,
    inbox: mpsc::Receiver<Batch>,
    buffer: Buffer,
    clock: u32,
}

impl Bench {
    fn new(waiting_batches: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.v2.json"), r#"{"Config":{"Labels":null}}"#).unwrap();
        let (outbox, inbox) = mpsc::channel(waiting_batches);
        let bounds = Bounds { bulk_bytes: 1, flush_after: Duration::ZERO, open_files: 10 };
        let desk = Desk::new(parse::DOCKER_JSON, Arc::new(Ledger::default()), outbox, Arc::default(), bounds);
        let source = Source::new("c", folder.path().to_owned(), Duration::ZERO);
        Self { folder, source, desk, inbox, buffer: Buffer::default(), clock: 0 }
    }

    fn path(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("c-json.log{suffix}"))
    }

    fn write(&mut self, text: &str) {
        self.clock += 1;
        let entry =
            serde_json::json!({"log": text, "stream": "stdout", "time": format!("2026-11-24T05:00:00.{:09}Z", self.clock)});
        let mut file = OpenOptions::new().create(true).append(true).open(self.path("")).unwrap();
        file.write_all(format!("{entry}\n").as_bytes()).unwrap();
    }

    fn list(&mut self) {
        self.source.list(&mut self.desk).unwrap();
    }

    fn turn(&mut self) -> Turn {
        self.desk.send_waiting();
        self.source.turn(&mut self.buffer, &mut self.desk, Instant::now()).unwrap()
    }

    /// The messages that have come out since the last call; all of it is acknowledged.
    fn messages(&mut self) -> Vec<String> {
        self.desk.close();
        let mut messages = Vec::new();
        while let Ok(batch) = self.inbox.try_recv() {
            for line in std::str::from_utf8(&batch.body).unwrap().lines().skip(1).step_by(2) {
                let document: serde_json::Value = serde_json::from_str(line).unwrap();
                messages.push(document["message"].as_str().unwrap().to_owned());
            }
            self.desk.ledger.delivered(&batch);
        }
        messages
    }
}

#[test]
fn a_truncation_that_is_seen_before_its_copy_tears_no_line_apart() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.list();
    bench.turn();
    assert_eq!(bench.messages(), ["first"]);
    bench.write("begun ");
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    OpenOptions::new().write(true).open(bench.path("")).unwrap().set_len(0).unwrap();
    bench.write("and ended\n");
    bench.turn();
    assert_eq!(bench.messages(), [""; 0], "the younger part waits for the older");
    bench.list();
    while bench.turn() != Turn::Done || bench.source.is_due {
        bench.source.is_due = false;
    }
    assert_eq!(bench.messages(), ["begun and ended"]);
    assert_eq!(bench.desk.ledger.view().0.lost_bytes, 0);
}

#[test]
fn a_truncation_that_is_seen_after_a_rotation_keeps_the_order() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.list();
    bench.turn();
    OpenOptions::new().write(true).open(bench.path("")).unwrap().set_len(0).unwrap();
    bench.write("begun ");
    fs::rename(bench.path(""), bench.path(".1")).unwrap();
    bench.write("and ended\n");
    for _ in 0..4 {
        bench.list();
        bench.turn();
    }
    assert_eq!(bench.messages(), ["first", "begun and ended"]);
}

#[test]
fn a_truncation_without_a_copy_loses_what_was_not_read_and_says_so() {
    let mut bench = Bench::new(1);
    bench.write("first\n");
    bench.write("second\n");
    bench.write("third\n");
    bench.list();
    // There is room for one batch in the channel and one before it.
    assert_eq!(bench.turn(), Turn::Blocked);
    OpenOptions::new().write(true).open(bench.path("")).unwrap().set_len(0).unwrap();
    bench.write("fourth\n");
    assert_eq!(bench.messages(), ["first"]);
    bench.turn();
    for _ in 0..2 {
        bench.list();
        bench.turn();
    }
    assert_eq!(bench.messages(), ["second"]);
    bench.turn();
    assert_eq!(bench.messages(), ["fourth"]);
    let lost = bench.desk.ledger.view().0.lost_bytes;
    assert!((50..150).contains(&lost), "the third line has {lost} bytes");
}

#[test]
fn files_are_read_in_the_order_in_which_they_were_written() {
    let mut bench = Bench::new(100);
    for (text, suffix) in [("one ", ".10"), ("two ", ".9"), ("three ", ".1"), ("four\n", "")] {
        bench.write(text);
        if !suffix.is_empty() {
            fs::rename(bench.path(""), bench.path(suffix)).unwrap();
        }
    }
    bench.list();
    while bench.turn() != Turn::Done {}
    assert_eq!(bench.messages(), ["one two three four"]);
}

#[test]
fn files_without_a_name_are_let_go_when_everything_is_acknowledged() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.list();
    bench.turn();
    fs::rename(bench.path(""), bench.path(".1")).unwrap();
    bench.write("second\n");
    bench.list();
    bench.turn();
    fs::remove_file(bench.path(".1")).unwrap();
    bench.list();
    bench.turn();
    bench.list();
    assert_eq!(bench.desk.ledger.view().1.len(), 2, "nothing is acknowledged");
    assert_eq!(bench.messages(), ["first", "second"]);
    bench.list();
    assert_eq!(bench.desk.ledger.view().1.len(), 1);
    fs::remove_dir_all(bench.folder.path()).unwrap();
    bench.list();
    bench.turn();
    bench.list();
    assert!(bench.source.is_over());
}

#[test]
fn with_no_place_for_another_open_file_the_others_are_followed() {
    let mut bench = Bench::new(100);
    let places: Vec<_> = (0..9).map(|_| bench.desk.open_files.take()).collect();
    bench.write("old\n");
    fs::rename(bench.path(""), bench.path(".1")).unwrap();
    bench.write("new\n");
    let error = bench.source.list(&mut bench.desk).unwrap_err().to_string();
    assert!(error.contains("c-json.log: 10 files are open") && error.contains("ulimit"), "{error}");
    bench.turn();
    assert_eq!(bench.messages(), ["old"]);
    drop(places);
    bench.list();
    bench.turn();
    assert_eq!(bench.messages(), ["new"]);
}
