//! Marks move in file order, whatever order the answers come in.

use super::*;
use crate::join::Place;

const GENERATION: &str = "first";

fn generation() -> GenerationId {
    GenerationId::new("c", GENERATION.as_bytes())
}

fn ledger() -> Ledger {
    let ledger = Ledger::default();
    for file in [1, 2] {
        let marks = FileMarks::new("c".into(), "path".into(), GenerationId::new("c", &[file]), (0, Guard::default()), 1000);
        ledger.opened(file.into(), marks);
    }
    ledger
}

fn batch(number: u64, ends: &[(u64, u64)]) -> Batch {
    let mut batch = Batch::new(number, Vec::new());
    for (file, offset) in ends {
        batch.note(
            Place { file: *file, offset: *offset, guard: Guard { length: 1, hash: *offset } },
            Some(1000 + number.cast_signed()),
        );
    }
    batch
}

fn acknowledged(ledger: &Ledger) -> [u64; 2] {
    let (_, files) = ledger.view();
    let mut marks: Vec<(GenerationId, u64)> = files.iter().map(|file| (file.generation, file.acknowledged)).collect();
    marks.sort_unstable_by_key(|(generation, _)| *generation == GenerationId::new("c", &[2]));
    [marks[0].1, marks[1].1]
}

#[test]
fn answers_out_of_order_move_marks_in_order() {
    let ledger = ledger();
    let (one, two, three) = (batch(1, &[(1, 10)]), batch(2, &[(1, 20), (2, 5)]), batch(3, &[(1, 30)]));
    for batch in [&one, &two, &three] {
        ledger.queued(batch);
    }
    ledger.delivered(&two);
    assert_eq!(acknowledged(&ledger), [0, 5], "the other file's mark moves");
    ledger.delivered(&three);
    assert_eq!(acknowledged(&ledger), [0, 5]);
    ledger.delivered(&one);
    assert_eq!(acknowledged(&ledger), [30, 5]);
    let entries = ledger.entries(7);
    assert!(entries.iter().any(|entry| entry.acknowledged == 30 && entry.guard.hash == 30 && entry.seen == 7), "{entries:?}");
}

#[test]
fn a_file_is_settled_when_all_that_was_read_is_acknowledged() {
    let ledger = ledger();
    ledger.observed(1, 10, 10, None);
    assert!(!ledger.is_settled(1));
    let batch = batch(1, &[(1, 10)]);
    ledger.queued(&batch);
    assert!(!ledger.is_settled(1));
    ledger.delivered(&batch);
    assert!(ledger.is_settled(1) && ledger.is_settled(99));
    ledger.forget(1);
    assert_eq!(ledger.view().1.len(), 1);
}

#[test]
fn the_oldest_line_is_the_first_in_flight_else_the_first_unread() {
    let ledger = ledger();
    ledger.observed(1, 0, 1000, Some(500));
    ledger.observed(1, 10, 1000, Some(600));
    let oldest = |ledger: &Ledger| ledger.view().1.iter().filter_map(FileMarks::oldest_millis).min();
    assert_eq!(oldest(&ledger), Some(500));
    ledger.observed(1, 1000, 1000, None);
    assert_eq!(oldest(&ledger), None);
    ledger.queued(&batch(1, &[(1, 10)]));
    assert_eq!(oldest(&ledger), Some(1001));
}

#[test]
fn entries_of_a_checkpoint_are_claimed_once_and_kept_for_a_day() {
    let entry = Entry {
        source: "c".into(),
        path: "path".into(),
        generation: generation(),
        acknowledged: 10,
        size: 25,
        guard: Guard::default(),
        seen: 1000,
    };
    let ledger = Ledger::new(vec![entry.clone()]);
    assert_eq!(ledger.entries(2000), std::slice::from_ref(&entry));
    assert_eq!(ledger.restored("c", generation()), Some(entry.clone()));
    assert_eq!(ledger.restored("c", generation()), Some(entry), "it could not be opened, and is tried again");
    ledger.opened(1, FileMarks::new("c".into(), "path".into(), generation(), (10, Guard::default()), 10));
    assert_eq!((ledger.restored("c", generation()), ledger.missing("c")), (None, 0));
}

#[test]
fn what_was_not_read_of_a_file_that_is_gone_is_counted_once() {
    let entry = |source: &str| Entry {
        source: source.into(),
        path: "path".into(),
        generation: generation(),
        acknowledged: 10,
        size: 25,
        guard: Guard::default(),
        seen: 1000,
    };
    let ledger = Ledger::new(vec![entry("c"), entry("d")]);
    assert_eq!((ledger.missing("c"), ledger.missing("c"), ledger.entries(2000).len()), (15, 0, 1));
    for _ in 0..2 {
        assert_eq!(ledger.entries(1000 + KEEP_UNSEEN_SECONDS), []);
        assert_eq!(ledger.view().0.lost_bytes, 30);
    }
}

#[test]
fn books_balance() {
    let ledger = Ledger::default();
    let mut tally = Tally { taken: 10, ..Tally::default() };
    tally.drop(Reason::Empty);
    ledger.tally(tally);
    ledger.stored(6, 1);
    ledger.dead(1);
    let (books, _) = ledger.view();
    assert!(books.balance(), "{books:?}");
    assert_eq!((books.read, books.stored, books.dead, books.in_flight), (11, 6, 1, 3));
}
