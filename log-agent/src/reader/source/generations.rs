//! Which generation a source's file holds: told by its first line, gone on with after a restart, found again in a copy
//! after the file itself was truncated. No lines are taken here.

use std::io;
use std::time::Instant;

use super::super::desk::Desk;
use super::super::log_file::{Identity, LogFile};
use super::Source;
use crate::document::Frame;
use crate::enrich::Metadata;
use crate::generation::{GenerationId, Guard};
use crate::ledger::FileMarks;
use crate::tail::Buffer;

impl Source {
    /// The generation of the file at `index`, once its first line is whole, or will not be any more.
    pub(super) fn birth(&mut self, index: usize, buffer: &mut Buffer, now: Instant) -> io::Result<Option<GenerationId>> {
        let is_superseded = self.is_superseded(index);
        let log_file = &mut self.files[index];
        let Some(file) = &log_file.file else { return Ok(None) };
        if let Some(line) = buffer.first_line(file, true)? {
            return Ok(Some(GenerationId::new(&self.id, line)));
        }
        let size = file.metadata()?.len();
        if size != log_file.size {
            (log_file.size, log_file.grew) = (size, now);
        }
        if !is_superseded || now.duration_since(log_file.grew) < self.grace {
            return Ok(None);
        }
        log_file.is_finished = size == 0;
        if size == 0 {
            return Ok(None);
        }
        Ok(buffer.first_line(file, false)?.map(|line| GenerationId::new(&self.id, line)))
    }

    /// At a file's beginning its first line must be the one that its generation was told by.
    pub(super) fn is_first_line(&self, index: usize, lines: &[u8]) -> bool {
        let log_file = &self.files[index];
        if log_file.read > 0 || log_file.long_line.is_some() {
            return true;
        }
        let end = memchr::memchr(b'\n', lines).unwrap_or(lines.len());
        log_file.generation() == Some(GenerationId::new(&self.id, &lines[..end]))
    }

    /// Makes the file at `index` known, or one of two copies: then it may be the one that is read on.
    pub(super) fn identify(&mut self, index: usize, id: GenerationId, buffer: &mut Buffer, desk: &mut Desk) -> io::Result<()> {
        if self.is_copy(index, id, buffer)? {
            return Ok(());
        }
        let (Self { id: source, path, metadata, .. }, log_file) = (&*self, &self.files[index]);
        let Some(file) = &log_file.file else { return Ok(()) };
        let start = match desk.ledger.restored(source, id) {
            None => (0, Guard::default()),
            // A line that an older file leaves open may go on before the mark. What is read again has the same ids.
            Some(_) if self.joiner.is_any_open() => (0, Guard::default()),
            Some(entry) if buffer.holds(file, entry.acknowledged, entry.guard)? => (entry.acknowledged, entry.guard),
            Some(entry) => {
                tracing::warn!(%path, acknowledged = entry.acknowledged, "the file does not hold what was read of it: it is read from its beginning");
                (0, Guard::default())
            }
        };
        let frame = Frame::new(id, metadata.as_ref().unwrap_or(&Metadata::default()), source, path);
        let size = file.metadata()?.len();
        desk.ledger.opened(log_file.key, FileMarks::new(source.clone(), path.clone(), id, start, size));
        let log_file = &mut self.files[index];
        log_file.identity = Identity::Known { id, frame };
        (log_file.read, log_file.guard) = start;
        log_file.size = size;
        Ok(())
    }

    /// Whether the file at `index` is another that holds what one being read holds. Of two the younger is read on, for it is
    /// the one that is written and emptied; the older waits until that happens. A younger file that goes on otherwise
    /// is a file like any other.
    fn is_copy(&mut self, index: usize, id: GenerationId, buffer: &mut Buffer) -> io::Result<bool> {
        let is_twin = |log_file: &LogFile| matches!(log_file.identity, Identity::Known { id: known, .. } if known == id);
        let others = (0..self.files.len()).filter(|other| *other != index);
        let Some(twin) = others.rev().find(|other| is_twin(&self.files[*other])) else { return Ok(false) };
        let (read, guard) = (self.files[twin].read, self.files[twin].guard);
        let (is_orphan, is_given_up) = (self.files[twin].file.is_none(), self.files[twin].is_finished);
        let Some(file) = &self.files[index].file else { return Ok(false) };
        if twin < index && !is_orphan {
            if !buffer.holds(file, read, guard)? {
                return Ok(false);
            }
            self.files.swap(twin, index);
            let (older, younger) = self.files.split_at_mut(index);
            older[twin].swap_files(&mut younger[0]);
            younger[0].is_finished = false;
            self.is_due = true;
        }
        let copy = if twin < index && !is_orphan { twin } else { index };
        self.files[copy].identity = Identity::Copy(id);
        self.files[copy].size = self.files[copy].file.as_ref().map_or(Ok(0), |file| file.metadata().map(|it| it.len()))?;
        // The others are chosen from when all are known.
        if is_orphan && is_given_up {
            self.move_to_copy(twin, buffer)?;
        }
        Ok(true)
    }

    /// The file at `index` was truncated, or written anew: what it held goes on in a copy, if the next listing has one.
    pub(super) fn replaced(&mut self, index: usize, desk: &mut Desk) {
        let old = &mut self.files[index];
        let (inode, rank, size) = (old.inode, old.rank.take(), old.size);
        let Some(file) = old.file.take() else { return };
        tracing::info!(path = %self.path, read = old.read, size, "the file was truncated: it is read from its beginning");
        let new = LogFile::new(desk.next_file(), file, inode, rank, old.place_taken.clone());
        // It goes on right behind what it held before: there may be younger files already.
        self.files.insert(index + 1, new);
        self.has_sought = false;
        self.is_unlisted = true;
        self.is_due = true;
    }

    /// Looks whether any file is a copy of one that was truncated; `false`: none is, and younger files wait until the next
    /// listing says that none will come. A file that cannot be read is none.
    pub(super) fn seek_copies(&mut self, buffer: &mut Buffer, desk: &mut Desk, now: Instant) -> (bool, io::Result<()>) {
        let mut trouble = Ok(());
        for index in 0..self.files.len() {
            if !matches!(self.files[index].identity, Identity::Unborn) {
                continue;
            }
            let sought = match self.birth(index, buffer, now) {
                Ok(Some(id)) => self.identify(index, id, buffer, desk),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            trouble = trouble.and(sought);
        }
        // Copies that were known before the truncation may be older than the one that was made for it.
        self.has_sought = !self.is_unlisted;
        for index in 0..self.files.len() {
            if self.has_sought && self.files[index].is_orphan() {
                trouble = trouble.and(self.move_to_copy(index, buffer));
            }
        }
        (!self.files.iter().any(LogFile::is_orphan), trouble)
    }

    /// Lets the file at `index`, which has lost its handle, go on in a copy: the youngest that holds what was read.
    fn move_to_copy(&mut self, index: usize, buffer: &mut Buffer) -> io::Result<()> {
        let id = self.files[index].generation();
        let (read, guard) = (self.files[index].read, self.files[index].guard);
        for copy in (0..self.files.len()).rev().filter(|other| *other != index) {
            let LogFile { identity: Identity::Copy(known), file: Some(file), .. } = &self.files[copy] else { continue };
            if Some(*known) != id || !buffer.holds(file, read, guard)? {
                continue;
            }
            let (file, inode, rank) = (self.files[copy].file.take(), self.files[copy].inode, self.files[copy].rank.take());
            let old = &mut self.files[index];
            (old.file, old.inode, old.rank, old.is_finished) = (file, inode, rank, false);
            // The emptied shell goes with the next listing.
            self.files[copy].is_finished = true;
            self.is_due = true;
            break;
        }
        Ok(())
    }
}
