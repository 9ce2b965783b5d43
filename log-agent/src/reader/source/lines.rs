//! A source's lines: taken from a piece of a file, parsed, joined and written into the batch. This is the hot path: text is
//! copied once, from the read buffer into the body.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Instant;

use super::super::desk::Desk;
use super::super::log_file::{Identity, LogFile};
use super::{Source, Turn};
use crate::generation::{Guard, fingerprint, holes};
use crate::join::Place;
use crate::ledger::Reason;
use crate::parse::{Stream, Text, time};
use crate::tail::Buffer;

/// Of a line that is not what its format says, so much is shipped as it stands.
const LONGEST_MALFORMED_BYTES: usize = 128 * 1024;

/// What goes on within one piece.
struct Progress {
    /// The place in the buffer after the last line that was taken.
    at: usize,
    /// The line at hand, in the buffer.
    line: Range<usize>,
    /// The place in the file of the buffer's first byte.
    base: u64,
    /// The time of the first entry, in milliseconds since 1970.
    first_millis: Option<i64>,
    /// Where in the buffer the last time stands.
    last_time: Option<Range<usize>>,
}

impl Source {
    /// Takes the lines in `range` of the buffer, which continue the file at `index`; `rest` and `is_cut` tell what follows.
    pub(super) fn take(
        &mut self,
        index: usize,
        range: Range<usize>,
        (rest, is_cut): (usize, bool),
        buffer: &Buffer,
        desk: &mut Desk,
        now: Instant,
    ) -> Turn {
        let bytes = &buffer.bytes()[..range.end];
        let log_file = &mut self.files[index];
        log_file.grew = now;
        let base = log_file.read - range.start as u64;
        let end = base + (range.end + rest) as u64;
        log_file.size = if is_cut {
            log_file.file.as_ref().and_then(|file| file.metadata().ok()).map_or(end, |metadata| metadata.len())
        } else {
            end
        };
        let mut progress = Progress { at: range.start, line: 0..0, base, first_millis: None, last_time: None };
        // One check for all lines; where it fails, each line is looked at by itself.
        let text = std::str::from_utf8(&bytes[range.start..]).ok();
        let mut is_blocked = false;
        while progress.at < bytes.len() {
            let mut start = progress.at;
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |length| start + length);
            start += holes(&bytes[start..end]);
            progress.line = start..end;
            let line = match text {
                Some(text) => Cow::Borrowed(&text[start - range.start..end - range.start]),
                None => String::from_utf8_lossy(&bytes[start..end]),
            };
            self.line(index, &line, bytes, &mut progress, desk);
            progress.at = (end + 1).min(bytes.len());
            if desk.is_full() {
                self.settle(index, bytes, &mut progress, desk);
                desk.close();
                if !desk.has_room() {
                    is_blocked = true;
                    break;
                }
            }
        }
        self.settle(index, bytes, &mut progress, desk);
        let log_file = &self.files[index];
        let is_behind = is_blocked || is_cut;
        desk.ledger.observed(
            log_file.key,
            log_file.read,
            log_file.size,
            is_behind.then(|| jiff::Timestamp::now().as_millisecond()),
        );
        match (is_blocked, is_cut) {
            (true, _) => Turn::Blocked,
            (false, true) => Turn::More,
            (false, false) => Turn::Done,
        }
    }

    /// Brings the file's marks, the batch's and the books up to the lines taken so far.
    fn settle(&mut self, index: usize, bytes: &[u8], progress: &mut Progress, desk: &mut Desk) {
        let log_file = &mut self.files[index];
        let read = progress.base + progress.at as u64;
        if read == log_file.read {
            return;
        }
        desk.tally.bytes += read - log_file.read;
        log_file.read = read;
        log_file.guard = Guard::of(&bytes[..progress.at]);
        if let Some(time) = progress.last_time.take() {
            log_file.last_time.clear();
            log_file.last_time.push_str(std::str::from_utf8(&bytes[time]).unwrap_or_default());
        }
        desk.enter();
        self.note(index, progress.first_millis.take(), desk);
    }

    fn line(&mut self, index: usize, line: &str, bytes: &[u8], progress: &mut Progress, desk: &mut Desk) {
        let start = progress.line.start;
        let offset = progress.base + start as u64;
        let key = self.files[index].key;
        if self.files[index].long_line.take().is_some() {
            // The end of a line that was passed over.
            return desk.tally.drop(Reason::TooLong);
        }
        if line.is_empty() {
            return desk.tally.drop(Reason::Empty);
        }
        let Ok(entry) = (desk.format.parse)(line) else { return self.malformed(index, line, bytes, progress, desk) };
        if progress.first_millis.is_none() {
            progress.first_millis = time::milliseconds(entry.time);
        }
        progress.last_time = place_of(entry.time, bytes);
        let fingerprint = fingerprint(&bytes[progress.line.clone()]);
        if self.joiner.is_whole(&entry) {
            let Identity::Known { frame, .. } = &self.files[index].identity else { return };
            let place = (offset, fingerprint);
            desk.batch.push(|body| frame.append(body, place, entry.time, entry.stream, |body| entry.text.write(body)));
            desk.tally.taken += 1;
            return;
        }
        let first = || (Place { file: key, offset, guard: Guard::of(&bytes[..start]) }, fingerprint);
        if let Some(open) = self.joiner.add(&entry, first) {
            self.joined(entry.stream, &open, desk);
            if open.start.file != key {
                self.released.push(open.start.file);
            }
        }
    }

    fn joined(&self, stream: Stream, open: &crate::join::OpenLine, desk: &mut Desk) {
        // A file is not forgotten while a line that begins in it is open.
        let file = self.files.iter().find(|log_file| log_file.key == open.start.file);
        let Some(LogFile { identity: Identity::Known { frame, .. }, .. }) = file else { return };
        let place = (open.start.offset, open.fingerprint);
        desk.batch.push(|body| frame.append(body, place, &open.time, stream, |body| body.extend_from_slice(&open.text)));
        desk.tally.taken += 1;
        desk.tally.cut += u64::from(open.is_cut);
    }

    fn malformed(&self, index: usize, line: &str, bytes: &[u8], progress: &Progress, desk: &mut Desk) {
        let LogFile { identity: Identity::Known { frame, .. }, last_time, file, .. } = &self.files[index] else { return };
        let text = &line[..line.floor_char_boundary(LONGEST_MALFORMED_BYTES)];
        let earlier = progress.last_time.clone().and_then(|time| std::str::from_utf8(&bytes[time]).ok()).unwrap_or(last_time);
        // A line without a time has that of the one before it; the first in a file, that of the file.
        let time = if earlier.is_empty() {
            let changed = file.as_ref().and_then(|file| file.metadata().ok()?.modified().ok());
            let changed = changed.and_then(|time| jiff::Timestamp::try_from(time).ok()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
            Cow::Owned(format!("{changed:.9}"))
        } else {
            Cow::Borrowed(earlier)
        };
        let place = (progress.base + progress.line.start as u64, fingerprint(&bytes[progress.line.clone()]));
        desk.batch.push(|body| frame.append(body, place, &time, Stream::Stdout, |body| Text::Plain(text).write(body)));
        desk.tally.taken += 1;
        desk.tally.malformed += 1;
        desk.tally.cut += u64::from(text.len() < line.len());
    }

    /// Passes over a piece of a line that is too long, which fills `range` of the buffer.
    pub(super) fn pass_over(
        &mut self,
        index: usize,
        range: &Range<usize>,
        buffer: &Buffer,
        desk: &mut Desk,
        now: Instant,
    ) -> Turn {
        let log_file = &mut self.files[index];
        log_file.grew = now;
        let start = log_file.place();
        let hole = holes(&buffer.bytes()[range.clone()]);
        // A line may begin behind a hole, which is no part of it.
        let length = if log_file.long_line.is_none() && hole > 0 { hole } else { range.len() };
        if length > hole {
            log_file.long_line.get_or_insert(start);
        }
        log_file.read += length as u64;
        log_file.size = log_file.size.max(log_file.read);
        log_file.guard = Guard::of(&buffer.bytes()[..range.start + length]);
        desk.tally.bytes += length as u64;
        desk.enter();
        self.note(index, None, desk);
        let log_file = &self.files[index];
        desk.ledger.observed(log_file.key, log_file.read, log_file.size, None);
        Turn::More
    }

    /// The file is read as far as it goes, but for `rest` in the buffer, a line that is not whole. Where nothing can follow
    /// it any more, it is taken as it is.
    pub(super) fn at_end(&mut self, index: usize, rest: Range<usize>, buffer: &Buffer, desk: &mut Desk, now: Instant) -> Turn {
        let is_superseded = self.is_superseded(index);
        let log_file = &mut self.files[index];
        let size = log_file.read + rest.len() as u64;
        if size != log_file.size {
            log_file.size = size;
            log_file.grew = now;
            desk.ledger.observed(log_file.key, log_file.read, size, None);
        }
        if !is_superseded || now.duration_since(log_file.grew) < self.grace {
            return Turn::Done;
        }
        if !rest.is_empty() {
            return self.take(index, rest, (0, false), buffer, desk, now);
        }
        log_file.is_finished = true;
        if log_file.long_line.take().is_some() {
            // It has no end, and none will come.
            desk.tally.drop(Reason::TooLong);
            desk.enter();
            self.note(index, None, desk);
        }
        Turn::Done
    }

    /// The source is gone and read: lines that are still open end here.
    pub(super) fn end_open_lines(&mut self, desk: &mut Desk) {
        let open: Vec<_> = self.joiner.end().collect();
        if open.is_empty() {
            return;
        }
        for (stream, line) in open {
            self.joined(stream, &line, desk);
            self.released.push(line.start.file);
        }
        if let Some(last) = self.files.len().checked_sub(1) {
            desk.enter();
            self.note(last, None, desk);
        }
    }
}

/// Where in the buffer a part of it stands; a line that was mended stands elsewhere.
fn place_of(part: &str, bytes: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
    (start + part.len() <= bytes.len()).then(|| start..start + part.len())
}
