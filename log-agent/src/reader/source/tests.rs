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
        Self::with(folder, Ledger::default(), waiting_batches)
    }

    /// Killed, and started again with what is acknowledged.
    fn killed(self) -> Self {
        let ledger = Ledger::new(self.desk.ledger.entries(0));
        Self { clock: self.clock, ..Self::with(self.folder, ledger, 100) }
    }

    fn with(folder: tempfile::TempDir, ledger: Ledger, waiting_batches: usize) -> Self {
        let (outbox, inbox) = mpsc::channel(waiting_batches);
        let bounds = Bounds { bulk_bytes: 1, flush_after: Duration::ZERO, open_files: 10 };
        let desk = Desk::new(parse::DOCKER_JSON, Arc::new(ledger), outbox, Arc::default(), bounds);
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

    /// Empties the log.
    fn truncate(&self) {
        OpenOptions::new().write(true).open(self.path("")).unwrap().set_len(0).unwrap();
    }

    /// Lists and reads until nothing is left.
    fn settle(&mut self) {
        for _ in 0..3 {
            self.list();
            while self.turn() != Turn::Done {}
        }
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

/// Text that fills an entry, so that the line goes on in the next one.
fn fragment(text: &str) -> String {
    format!("{text:~<16384}")
}

#[test]
fn a_truncation_that_is_seen_before_its_copy_tears_no_line_apart() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.list();
    bench.turn();
    assert_eq!(bench.messages(), ["first"]);
    bench.write(&fragment("begun "));
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    bench.truncate();
    bench.write("and ended\n");
    bench.turn();
    assert_eq!(bench.messages(), [""; 0], "the younger part waits for the older");
    bench.list();
    while bench.turn() != Turn::Done || bench.source.is_due {
        bench.source.is_due = false;
    }
    assert_eq!(bench.messages(), [fragment("begun ") + "and ended"]);
    assert_eq!(bench.desk.ledger.view().0.lost_bytes, 0);
}

#[test]
fn a_truncation_that_is_seen_after_a_rotation_keeps_the_order() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.list();
    bench.turn();
    bench.truncate();
    bench.write(&fragment("begun "));
    fs::rename(bench.path(""), bench.path(".1")).unwrap();
    bench.write("and ended\n");
    for _ in 0..4 {
        bench.list();
        bench.turn();
    }
    assert_eq!(bench.messages(), ["first".to_owned(), fragment("begun ") + "and ended"]);
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
    bench.truncate();
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
        bench.write(&if suffix.is_empty() { text.to_owned() } else { fragment(text) });
        if !suffix.is_empty() {
            fs::rename(bench.path(""), bench.path(suffix)).unwrap();
        }
    }
    bench.list();
    while bench.turn() != Turn::Done {}
    assert_eq!(bench.messages(), [["one ", "two ", "three "].map(fragment).concat() + "four"]);
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

#[test]
fn a_log_of_which_a_copy_was_there_first_is_read_on_after_it_is_emptied() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    bench.write("second\n");
    bench.settle();
    assert_eq!(bench.messages(), ["first", "second"]);
    // The copy is made anew, as copytruncate does, and the log emptied.
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    bench.truncate();
    bench.write("third\n");
    bench.settle();
    bench.truncate();
    bench.write("fourth\n");
    bench.settle();
    assert_eq!(bench.messages(), ["third", "fourth"]);
    assert_eq!(bench.desk.ledger.view().0.lost_bytes, 0);
}

#[test]
fn a_line_left_open_in_the_later_of_two_copies_is_ended_by_the_file_after_it() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    fs::copy(bench.path(""), bench.path(".2")).unwrap();
    bench.write(&fragment("begun "));
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    bench.truncate();
    bench.write("and ended\n");
    bench.write("next\n");
    bench.settle();
    assert_eq!(bench.messages(), ["first".to_owned(), fragment("begun ") + "and ended", "next".to_owned()]);
}

#[test]
fn a_log_that_was_copied_twice_goes_on_in_the_younger_copy_after_it_is_emptied() {
    for is_read_past_the_older in [true, false] {
        let mut bench = Bench::new(100);
        bench.write("first\n");
        bench.settle();
        if !is_read_past_the_older {
            bench.write("second\n");
        }
        fs::copy(bench.path(""), bench.path(".2")).unwrap();
        if is_read_past_the_older {
            bench.write("second\n");
            bench.settle();
        }
        bench.write(&fragment("begun "));
        fs::copy(bench.path(""), bench.path(".1")).unwrap();
        bench.list();
        bench.truncate();
        bench.write("and ended\n");
        bench.settle();
        assert_eq!(bench.messages(), ["first".to_owned(), "second".to_owned(), fragment("begun ") + "and ended"]);
    }
}

#[test]
fn what_an_emptied_log_goes_on_in_is_not_chosen_before_a_listing() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.settle();
    bench.write("second\n");
    fs::copy(bench.path(""), bench.path(".2")).unwrap();
    bench.list();
    bench.write(&fragment("begun "));
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    bench.truncate();
    bench.write("and ended\n");
    while bench.turn() != Turn::Done {}
    bench.settle();
    assert_eq!(bench.messages(), ["first".to_owned(), "second".to_owned(), fragment("begun ") + "and ended"]);
}

#[test]
fn a_copy_is_read_when_what_it_is_a_copy_of_is_gone() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.settle();
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    bench.settle();
    fs::remove_file(bench.path("")).unwrap();
    let mut copy = OpenOptions::new().append(true).open(bench.path(".1")).unwrap();
    copy.write_all(b"{\"log\":\"second\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T05:00:09Z\"}\n").unwrap();
    bench.write("third\n");
    assert_eq!(bench.messages(), ["first"]);
    bench.settle();
    assert_eq!(bench.messages(), ["third", "first", "second"], "the ids tell the sink that it has the first");
}

#[test]
fn a_log_emptied_under_a_writer_that_keeps_its_place_is_read_behind_the_hole() {
    use std::os::unix::fs::FileExt as _;
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.settle();
    // Smaller and larger than a page, the reader's buffer, and the longest line.
    for (number, place) in [200_u64, 70_000, 3 << 20].into_iter().enumerate() {
        bench.truncate();
        let file = OpenOptions::new().write(true).open(bench.path("")).unwrap();
        let entry = format!("{{\"log\":\"{number}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T05:00:1{number}Z\"}}\n");
        file.write_all_at(entry.as_bytes(), place).unwrap();
        bench.settle();
        file.write_all_at(entry.replace("\\n", " more\\n").as_bytes(), place + entry.len() as u64).unwrap();
        bench.settle();
    }
    assert_eq!(bench.messages(), ["first", "0", "0 more", "1", "1 more", "2", "2 more"]);
    assert_eq!(bench.desk.ledger.view().0.lost_bytes, 0);
}

#[test]
fn a_last_line_that_breaks_off_right_behind_whole_ones_is_shipped_as_it_stands() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.write("second\n");
    OpenOptions::new().append(true).open(bench.path("")).unwrap().write_all(b"{\"log\":\"cut").unwrap();
    fs::rename(bench.path(""), bench.path(".1")).unwrap();
    bench.write("third\n");
    bench.settle();
    assert_eq!(bench.messages(), ["first", "second", "{\"log\":\"cut", "third"]);
}

#[test]
fn what_a_late_writer_adds_to_a_file_that_has_lost_its_name_is_read() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.settle();
    let mut writer = OpenOptions::new().append(true).open(bench.path("")).unwrap();
    fs::rename(bench.path(""), bench.path(".1")).unwrap();
    bench.write("second\n");
    bench.settle();
    assert_eq!(bench.messages(), ["first", "second"]);
    let mut late = |bench: &mut Bench, text: &str| {
        bench.clock += 1;
        let time = format!("2026-11-24T05:00:00.{:09}Z", bench.clock);
        writer.write_all(format!("{}\n", serde_json::json!({"log": text, "stream": "stdout", "time": time})).as_bytes()).unwrap();
    };
    // No listing tells of it: nothing has changed in the folder.
    late(&mut bench, "late\n");
    bench.source.look(true, &bench.desk, Instant::now());
    while bench.turn() != Turn::Done {}
    assert_eq!(bench.messages(), ["late"]);
    while bench.turn() != Turn::Done {}
    late(&mut bench, "later\n");
    fs::remove_file(bench.path(".1")).unwrap();
    bench.settle();
    assert_eq!(bench.messages(), ["later"]);
    bench.settle();
    assert_eq!(bench.desk.ledger.view().1.len(), 1);
}

#[test]
fn lag_and_loss_count_what_was_there_while_there_was_no_room() {
    let mut bench = Bench::new(1);
    (0..3).for_each(|_| bench.write("line\n"));
    bench.list();
    assert_eq!(bench.turn(), Turn::Blocked);
    bench.write(&"x".repeat(1000));
    bench.source.look(false, &bench.desk, Instant::now());
    let size = fs::metadata(bench.path("")).unwrap().len();
    assert_eq!(bench.desk.ledger.view().1[0].size, size);
    assert!(bench.desk.ledger.entries(0)[0].unread() > 1000);
}

#[test]
fn a_quiet_file_that_is_rotated_is_not_watched_any_more() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.settle();
    bench.source.file_watch = Some(7);
    bench.settle();
    assert_eq!((bench.source.file_watch, bench.source.stale_watch), (Some(7), None));
    fs::rename(bench.path(""), bench.path(".1")).unwrap();
    bench.write("second\n");
    bench.list();
    assert_eq!((bench.source.file_watch, bench.source.stale_watch), (None, Some(7)));
}

#[test]
fn a_log_copied_and_emptied_before_its_first_line_was_taken_goes_on_in_the_copy() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.list();
    let Bench { source, buffer, desk, .. } = &mut bench;
    source.learn();
    let id = source.birth(0, buffer, Instant::now()).unwrap().unwrap();
    source.identify(0, id, buffer, desk).unwrap();
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    bench.truncate();
    bench.settle();
    assert_eq!(bench.messages(), ["first"]);
}

#[test]
fn a_file_that_cannot_be_read_does_not_keep_its_neighbours_from_being_read_after_a_truncation() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.settle();
    bench.truncate();
    bench.write("second\n");
    fs::copy(bench.path(""), bench.path(".1")).unwrap();
    bench.list();
    // Reading a folder fails, as a broken disk does.
    bench.source.files[0].file = Some(fs::File::open(bench.folder.path()).unwrap());
    for _ in 0..3 {
        let Bench { source, buffer, desk, .. } = &mut bench;
        assert!(source.turn(buffer, desk, Instant::now()).is_err());
        source.list(desk).unwrap();
    }
    assert_eq!(bench.messages(), ["first", "second"]);
}

#[test]
fn a_line_that_ended_in_a_batch_that_overtook_another_does_not_swallow_the_next_one_after_a_kill() {
    let mut bench = Bench::new(100);
    bench.write("first\n");
    bench.write(&fragment("begun "));
    fs::rename(bench.path(""), bench.path(".1")).unwrap();
    bench.write("ended\n");
    bench.settle();
    let _refused_for_now = bench.inbox.try_recv().unwrap();
    while let Ok(batch) = bench.inbox.try_recv() {
        bench.desk.ledger.delivered(&batch);
    }
    let mut bench = bench.killed();
    bench.write("next\n");
    bench.settle();
    assert_eq!(bench.messages(), ["first".to_owned(), fragment("begun ") + "ended", "next".to_owned()]);
}
