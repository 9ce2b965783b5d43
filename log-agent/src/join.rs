//! Entries to lines: runtimes cut long lines into entries, and the parts of one stream may lie apart and in two files.
//! Pieces are kept as the inside of a JSON string, ready for the document. No timers: a line that is cut open stays open
//! until its end comes or its source is gone, so that its document is the same however often it is read.

use crate::generation::Guard;
use crate::parse::{Entry, Stream};

/// A line's text is cut at about so many bytes, escapes included: sinks refuse texts far beyond it, and every open line
/// is held in memory.
pub const LONGEST_MESSAGE_BYTES: usize = 1024 * 1024;

/// A place in a file: where a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's key in the ledger.
    pub file: u64,
    /// Bytes before it.
    pub offset: u64,
    /// What those bytes are.
    pub guard: Guard,
}

/// A line of which the end has not been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLine {
    /// Where it begins.
    pub start: Place,
    /// The fingerprint of its first entry.
    pub fingerprint: u64,
    /// The time of its first entry.
    pub time: String,
    /// Its text so far, as the inside of a JSON string.
    pub text: Vec<u8>,
    /// Some of its text was left out.
    pub is_cut: bool,
}

/// The open lines of one source.
#[derive(Clone, Debug, Default)]
pub struct Joiner {
    open: [Option<Box<OpenLine>>; Stream::COUNT],
}

impl Joiner {
    /// Whether an entry is a line by itself: it ends one, and none is open in its stream.
    #[must_use]
    pub fn is_whole(&self, entry: &Entry<'_>) -> bool {
        entry.ends_line && self.open[entry.stream as usize].is_none()
    }

    /// Adds an entry to the open line of its stream, or opens one with its place and fingerprint; gives the line back if it
    /// ends.
    pub fn add(&mut self, entry: &Entry<'_>, first: impl FnOnce() -> (Place, u64)) -> Option<Box<OpenLine>> {
        let open = self.open[entry.stream as usize].get_or_insert_with(|| {
            let (start, fingerprint) = first();
            Box::new(OpenLine { start, fingerprint, time: entry.time.to_owned(), text: Vec::new(), is_cut: false })
        });
        let before = open.text.len();
        if !open.is_cut {
            entry.text.write(&mut open.text);
            if open.text.len() > LONGEST_MESSAGE_BYTES {
                // Whole entries only, so that no escape is cut through.
                open.text.truncate(before);
                open.is_cut = true;
            }
        }
        if entry.ends_line { self.open[entry.stream as usize].take() } else { None }
    }

    /// Where reading must start again so that every open line is whole: the first start in this file.
    #[must_use]
    pub fn first_open(&self, file: u64) -> Option<Place> {
        self.open.iter().flatten().map(|open| open.start).filter(|start| start.file == file).min_by_key(|start| start.offset)
    }

    /// Whether any line is open.
    #[must_use]
    pub fn is_any_open(&self) -> bool {
        self.open.iter().any(Option::is_some)
    }

    /// Ends every open line, when nothing can follow any more.
    pub fn end(&mut self) -> impl Iterator<Item = (Stream, Box<OpenLine>)> + '_ {
        [Stream::Stdout, Stream::Stderr]
            .into_iter()
            .zip(self.open.iter_mut())
            .filter_map(|(stream, open)| Some((stream, open.take()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Text;

    fn entry(text: &str, ends_line: bool, stream: Stream) -> Entry<'_> {
        Entry { text: Text::Plain(text), ends_line, stream, time: "2026-11-24T05:00:00Z" }
    }

    fn place(file: u64, offset: u64) -> Place {
        Place { file, offset, guard: Guard::default() }
    }

    fn add(joiner: &mut Joiner, entry: Entry<'_>, at: Place) -> Option<(String, u64, bool)> {
        joiner.add(&entry, || (at, 0)).map(|line| (String::from_utf8(line.text).unwrap(), line.start.offset, line.is_cut))
    }

    #[test]
    fn parts_of_two_streams_and_two_files_are_joined_each_with_its_own() {
        let mut joiner = Joiner::default();
        assert_eq!(add(&mut joiner, entry("one ", false, Stream::Stdout), place(1, 10)), None);
        assert!(joiner.is_whole(&entry("x", true, Stream::Stderr)) && !joiner.is_whole(&entry("x", true, Stream::Stdout)));
        assert_eq!(add(&mut joiner, entry("\"err\" ", false, Stream::Stderr), place(1, 20)), None);
        assert_eq!((joiner.first_open(1), joiner.first_open(2)), (Some(place(1, 10)), None));
        assert_eq!(add(&mut joiner, entry("line", true, Stream::Stdout), place(2, 0)), Some(("one line".into(), 10, false)));
        assert_eq!(joiner.first_open(1), Some(place(1, 20)));
        let ended: Vec<_> = joiner.end().map(|(stream, line)| (stream, String::from_utf8(line.text).unwrap())).collect();
        assert_eq!(ended, [(Stream::Stderr, "\\\"err\\\" ".to_owned())]);
        assert_eq!(joiner.first_open(1), None);
    }

    #[test]
    fn a_line_without_end_is_cut_and_not_kept_in_memory() {
        let mut joiner = Joiner::default();
        let part = "x".repeat(16 * 1024);
        for number in 0..100 {
            assert_eq!(add(&mut joiner, entry(&part, false, Stream::Stdout), place(1, number)), None);
        }
        let (text, start, is_cut) = add(&mut joiner, entry("end", true, Stream::Stdout), place(1, 100)).unwrap();
        assert_eq!((text.len(), start, is_cut), (LONGEST_MESSAGE_BYTES, 0, true));
    }
}
