//! Lines on their way: a bulk body built in place, where each of its items ends, and how far it takes each file. It is
//! filled by the reader and emptied by the sink; neither copies it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::join::Place;

/// Lines of one batch: beyond some thousands a bulk request gains nothing, and its answer grows with them.
pub const MOST_LINES: usize = 10_000;
/// Emptied bodies that are kept for the next batches: one is filled while two are sent and one waits.
const SPARE_BODIES: usize = 4;

/// How far a batch takes one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// With this batch, the file is shipped up to here.
    pub end: Place,
    /// The time of its first line in here, in milliseconds since 1970.
    pub first_millis: Option<i64>,
}

/// Items of one bulk request, in the order of their files.
#[derive(Debug)]
pub struct Batch {
    /// Batches are numbered from 1 on, in the order of reading.
    pub number: u64,
    /// Pairs of lines: action and document.
    pub body: Vec<u8>,
    /// Where each item ends in the body.
    pub ends: Vec<u32>,
    /// How far it takes each file that it touches; a file that only lost lines has its mark too.
    pub marks: Vec<Mark>,
    /// When its first line was taken.
    pub begun: Instant,
}

impl Batch {
    /// An empty batch that builds its body in `body`.
    #[must_use]
    pub fn new(number: u64, body: Vec<u8>) -> Self {
        Self { number, body, ends: Vec::new(), marks: Vec::new(), begun: Instant::now() }
    }

    /// Whether there is anything to tell the ledger.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.ends.is_empty()
    }

    /// Whether it holds as much as one request may.
    #[must_use]
    pub fn is_full(&self, most_bytes: usize) -> bool {
        self.body.len() >= most_bytes || self.ends.len() >= MOST_LINES
    }

    /// Adds an item: `write` appends it to the body.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.is_empty() {
            self.begun = Instant::now();
        }
        write(&mut self.body);
        self.ends.push(u32::try_from(self.body.len()).unwrap_or(u32::MAX));
    }

    /// Notes that the file is read up to `end`, and when its first line since the last note was written.
    pub fn note(&mut self, end: Place, first_millis: Option<i64>) {
        // Files take turns, so the one at hand is among the last.
        match self.marks.iter_mut().rev().find(|mark| mark.end.file == end.file) {
            Some(mark) => *mark = Mark { end, first_millis: mark.first_millis.or(first_millis) },
            None => self.marks.push(Mark { end, first_millis }),
        }
    }
}

/// Emptied bodies, so that a busy agent allocates none.
#[derive(Debug, Default)]
pub struct Spares(Mutex<Vec<Vec<u8>>>);

impl Spares {
    /// An empty body, with room from an earlier batch if there is one.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes a body back.
    pub fn put(&self, mut body: Vec<u8>) {
        body.clear();
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() < SPARE_BODIES && body.capacity() > 0 {
            spares.push(body);
        }
    }

    /// Gives the memory back, when nothing is to be done.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::Guard;

    fn place(file: u64, offset: u64) -> Place {
        Place { file, offset, guard: Guard::default() }
    }

    #[test]
    fn the_last_note_of_a_file_counts_and_its_first_time_stays() {
        let mut batch = Batch::new(1, Vec::new());
        assert!(batch.is_empty());
        batch.push(|body| body.extend_from_slice(b"item\n"));
        batch.note(place(1, 5), Some(100));
        batch.note(place(2, 9), None);
        batch.note(place(1, 10), Some(200));
        batch.note(place(2, 11), Some(300));
        let marks = [Mark { end: place(1, 10), first_millis: Some(100) }, Mark { end: place(2, 11), first_millis: Some(300) }];
        assert_eq!((batch.marks.as_slice(), batch.ends.as_slice()), (&marks[..], &[5][..]));
        assert!(!batch.is_empty() && batch.is_full(5) && !batch.is_full(6));
    }

    #[test]
    fn bodies_come_back_empty() {
        let spares = Spares::default();
        spares.put(b"used".to_vec());
        assert!(spares.take().is_empty());
        spares.put(b"used".to_vec());
        spares.clear();
        assert_eq!(spares.take().capacity(), 0);
    }
}
