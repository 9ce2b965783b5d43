//! From a file to whole lines: one read of a piece that begins a little before the place reached, so that each read also
//! proves that the file still holds what was read before. It keeps no state and owns no file.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use crate::generation::{FIRST_LINE_BYTES, GUARD_BYTES, Guard, holes};

/// One read takes so much: enough that the system call costs nothing, little enough to stay in the processor's cache.
const PIECE_BYTES: usize = 256 * 1024;
/// A longer line is dropped. Runtimes cut lines at 16 KiB; escaped and with its attributes, such an entry stays far below.
pub const LONGEST_LINE_BYTES: usize = 1024 * 1024;
/// The first look at a file, where its first line is wanted: most lines are shorter.
const FIRST_LOOK_BYTES: usize = 4096;
/// Zeros that stand on the disk are passed over so far: log files are rotated at some 10 MB, and this is 64.
const MOST_ZERO_PIECES: usize = 256;

/// What a file has from a place on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Whole lines, with their ends, in this part of the buffer.
    Lines {
        /// Where in the buffer; what is before it in the buffer is before it in the file.
        range: Range<usize>,
        /// Bytes of the file that follow in the buffer: the start of a line.
        rest: usize,
        /// The file may go on behind the buffer.
        is_cut: bool,
    },
    /// No whole line: a part of one, here in the buffer.
    Rest(Range<usize>),
    /// A line that is longer than any may be; this part of the buffer is in the midst of it.
    Long(Range<usize>),
    /// The file does not hold what was read before.
    Replaced,
}

/// The buffer that all files share, one after the other.
#[derive(Debug)]
pub struct Buffer(Vec<u8>);

impl Default for Buffer {
    fn default() -> Self {
        Self(vec![0; PIECE_BYTES])
    }
}

impl Buffer {
    /// What is in it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what `file` has from `offset` on; `guard` is what stands before it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn piece(&mut self, file: &File, offset: u64, guard: Guard) -> io::Result<Piece> {
        if self.0.len() > PIECE_BYTES {
            // A long line is rare; its buffer is not kept.
            self.0.truncate(PIECE_BYTES);
            self.0.shrink_to_fit();
        }
        let piece = self.piece_of(file, offset, guard)?;
        if !matches!(piece, Piece::Long(_)) {
            return Ok(piece);
        }
        self.0.resize(LONGEST_LINE_BYTES + GUARD_BYTES, 0);
        self.piece_of(file, offset, guard)
    }

    fn piece_of(&mut self, file: &File, offset: u64, guard: Guard) -> io::Result<Piece> {
        let before = usize::from(guard.length);
        let from = offset.saturating_sub(before as u64);
        // A short read means the end of a file nearly always; where much hangs on it, the end is made sure of.
        let length = match file.read_at(&mut self.0, from) {
            Ok(length) if length >= before => length,
            _ => read(file, from, &mut self.0)?,
        };
        let Some((covered, new)) = self.0[..length].split_at_checked(before) else { return Ok(Piece::Replaced) };
        if Guard::of(covered) != guard {
            return Ok(Piece::Replaced);
        }
        let is_cut = length == self.0.len();
        Ok(match memchr::memrchr(b'\n', new) {
            Some(end) => Piece::Lines { range: before..before + end + 1, rest: new.len() - end - 1, is_cut },
            None if is_cut => Piece::Long(before..length),
            None => Piece::Rest(before..length),
        })
    }

    /// The first line of `file` after the hole that it may begin with, without its end, or its first [`FIRST_LINE_BYTES`];
    /// where nothing `follows` any more, what there is of it. `None`: it is not whole yet.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn first_line(&mut self, file: &File, follows: bool) -> io::Result<Option<&[u8]>> {
        let mut from = 0;
        for look in [FIRST_LOOK_BYTES, FIRST_LINE_BYTES] {
            let mut length = read(file, from, &mut self.0[..look])?;
            if from == 0 && self.0[..length].first() == Some(&0) {
                from = self.after_hole(file)?;
                length = read(file, from, &mut self.0[..look])?;
            }
            let end = memchr::memchr(b'\n', &self.0[..length]).or((length == FIRST_LINE_BYTES).then_some(length));
            if let Some(end) = end.or((length < look && !follows).then_some(length)) {
                return Ok(Some(&self.0[..end]));
            }
            if length < look {
                break;
            }
        }
        Ok(None)
    }

    /// Where the hole ends that `file` begins with.
    fn after_hole(&mut self, file: &File) -> io::Result<u64> {
        // Where the file system knows no holes, it says that there is none.
        let mut from = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(0)) {
            Ok(from) => from,
            Err(rustix::io::Errno::NXIO) => return Ok(file.metadata()?.len()),
            Err(_) => 0,
        };
        for _ in 0..MOST_ZERO_PIECES {
            let length = read(file, from, &mut self.0[..PIECE_BYTES])?;
            let zeros = holes(&self.0[..length]);
            from += zeros as u64;
            if zeros < length || length == 0 {
                break;
            }
        }
        Ok(from)
    }

    /// Whether `guard` stands before `offset` in `file`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn holds(&mut self, file: &File, offset: u64, guard: Guard) -> io::Result<bool> {
        let before = usize::from(guard.length);
        let length = read(file, offset.saturating_sub(before as u64), &mut self.0[..before])?;
        Ok(length == before && Guard::of(&self.0[..before]) == guard)
    }
}

/// Fills `buffer` from `offset` on, as far as the file goes.
fn read(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], offset + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn check(content: &[u8], offset: usize, guard: Guard, expected: Piece) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let piece = Buffer::default().piece(&file, offset as u64, guard).unwrap();
        assert_eq!(piece, expected, "{} bytes from {offset}", content.len());
    }

    #[test]
    fn pieces() {
        let lines = |range, rest| Piece::Lines { range, rest, is_cut: false };
        check(b"", 0, Guard::default(), Piece::Rest(0..0));
        check(b"one\ntwo\nthr", 0, Guard::default(), lines(0..8, 3));
        check(b"one\ntwo\nthr", 4, Guard::of(b"one\n"), lines(4..8, 3));
        check(b"one\ntwo\nthr", 8, Guard::of(b"one\ntwo\n"), Piece::Rest(8..11));
        check(b"one\ntwo\nthr", 8, Guard::of(b"one\ntwx\n"), Piece::Replaced);
        check(b"one", 8, Guard::of(b"one\ntwo\n"), Piece::Replaced);
        check(b"", 8, Guard::of(b"one\ntwo\n"), Piece::Replaced);
    }

    #[test]
    fn long_lines_are_read_as_long_as_they_may_be() {
        let mut line = vec![b'x'; PIECE_BYTES * 2];
        line.push(b'\n');
        check(&line, 0, Guard::default(), Piece::Lines { range: 0..line.len(), rest: 0, is_cut: false });
        let line = vec![b'x'; LONGEST_LINE_BYTES * 2];
        check(&line, 0, Guard::default(), Piece::Long(0..LONGEST_LINE_BYTES + GUARD_BYTES));
    }

    #[test]
    fn first_lines() {
        let read = |content: &[u8], follows: bool| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(content).unwrap();
            Buffer::default().first_line(&file, follows).unwrap().map(<[u8]>::to_vec)
        };
        let first = |content: &[u8]| read(content, true);
        assert_eq!(read(b"begun", false), Some(b"begun".to_vec()));
        assert_eq!(read(b"\0\0begun", false), Some(b"begun".to_vec()));
        assert_eq!(read(b"\0\0", false), Some(vec![]));
        assert_eq!(first(b"\0\0\0one\ntwo"), Some(b"one".to_vec()));
        assert_eq!(first(&[vec![0; PIECE_BYTES * 3], b"one\n".to_vec()].concat()), Some(b"one".to_vec()));
        assert_eq!(first(&vec![0; PIECE_BYTES * 3]), None);
        assert_eq!(first(b""), None);
        assert_eq!(first(b"begun"), None);
        assert_eq!(first(b"one\ntwo"), Some(b"one".to_vec()));
        assert_eq!(first(&vec![b'x'; FIRST_LINE_BYTES - 1]), None);
        assert_eq!(first(&vec![b'x'; FIRST_LINE_BYTES + 1]).map(|line| line.len()), Some(FIRST_LINE_BYTES));
    }
}
