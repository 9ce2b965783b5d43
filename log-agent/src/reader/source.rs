//! One container: its files in the order in which they were written, its metadata, its open lines. A younger file is read
//! when every older one is read to its end; nothing is given up after a time while it can still be read.

mod lines;
mod listing;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::desk::Desk;
use super::log_file::{Identity, LogFile};
use crate::discover::{self, Stamp};
use crate::document::Frame;
use crate::enrich::{self, Metadata};
use crate::generation::{GenerationId, Guard};
use crate::join::{Joiner, Place};
use crate::ledger::FileMarks;
use crate::tail::{Buffer, Piece};

/// Pieces of one file before the next container has its turn: a busy one must not keep its neighbours waiting.
const TURN_PIECES: usize = 4;
/// Lines wait so long for the container's metadata and then go without: Docker writes it before it starts the container.
const METADATA_WAIT: Duration = Duration::from_secs(2);

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Everything is read.
    Done,
    /// There is more to read.
    More,
    /// There is no room for more lines.
    Blocked,
}

/// A container's log.
#[derive(Debug)]
pub struct Source {
    /// The container's id, which is its folder's name.
    pub id: Arc<str>,
    /// Something should be looked at in the next turn.
    pub is_due: bool,
    /// When a file event last told of it.
    pub hinted: Instant,
    /// The folder must be listed, whatever its stamp says.
    pub is_unlisted: bool,
    /// The folder is gone.
    pub is_gone: bool,
    /// The watch of its folder.
    pub folder_watch: Option<i32>,
    /// The watch of its newest file, while that is quiet.
    pub file_watch: Option<i32>,
    folder: PathBuf,
    path: Arc<str>,
    log_name: String,
    stamp: Option<Stamp>,
    found: Instant,
    metadata: Option<Metadata>,
    files: Vec<LogFile>,
    joiner: Joiner,
    /// Files whose open lines were ended by lines of younger files: their marks are to be noted.
    released: Vec<u64>,
    /// Every file of the last listing was looked at as the copy of one that was truncated.
    has_sought: bool,
    grace: Duration,
}

impl Source {
    /// The container whose folder this is; a file that is superseded is finished after `grace` without growth.
    #[must_use]
    pub fn new(id: &str, folder: PathBuf, grace: Duration) -> Self {
        let log_name = discover::log_name(id);
        let now = Instant::now();
        Self {
            id: id.into(),
            is_due: true,
            hinted: now,
            is_unlisted: true,
            is_gone: false,
            folder_watch: None,
            file_watch: None,
            path: folder.join(&log_name).to_string_lossy().into(),
            folder,
            log_name,
            stamp: None,
            found: now,
            metadata: None,
            files: Vec::new(),
            joiner: Joiner::default(),
            released: Vec::new(),
            has_sought: false,
            grace,
        }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// The path of the file that is being written.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether file events tell of whatever happens to it.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.folder_watch.is_some() && self.file_watch.is_some() && !self.is_gone && self.stamp.is_some()
    }

    /// Whether it is gone and everything in it has its fate.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_gone && self.files.is_empty()
    }

    /// Reads what is new, as far as there is room.
    ///
    /// # Errors
    /// A file cannot be read; the others are.
    pub fn turn(&mut self, buffer: &mut Buffer, desk: &mut Desk, now: Instant) -> io::Result<Turn> {
        if self.files.is_empty() {
            return Ok(Turn::Done);
        }
        self.learn();
        if self.metadata.is_none() {
            return Ok(Turn::Done);
        }
        if self.files.iter().any(LogFile::is_orphan) && !self.seek_copies(buffer, desk, now)? {
            return Ok(Turn::Done);
        }
        let mut trouble = Ok(());
        let mut index = 0;
        while index < self.files.len() {
            match self.read(index, buffer, desk, now) {
                Ok(Turn::Done) => {}
                Ok(turn) => return trouble.map(|()| turn),
                Err(error) => trouble = Err(error),
            }
            if self.files[index].is_orphan() {
                // Its end comes before the beginning of any younger file.
                break;
            }
            index += 1;
        }
        trouble.map(|()| Turn::Done)
    }

    /// Reads the container's metadata as soon as they are there: its folder may be gone before its lines can be shipped.
    fn learn(&mut self) {
        if self.metadata.is_none() {
            match enrich::docker(&self.folder) {
                Ok(metadata) => self.metadata = Some(metadata),
                Err(error) if self.found.elapsed() >= METADATA_WAIT || self.is_gone => {
                    tracing::warn!(container = %self.id, %error, "its lines go without metadata");
                    self.metadata = Some(Metadata::default());
                }
                Err(_) => {}
            }
        }
    }

    fn read(&mut self, index: usize, buffer: &mut Buffer, desk: &mut Desk, now: Instant) -> io::Result<Turn> {
        for _ in 0..TURN_PIECES {
            let log_file = &mut self.files[index];
            let Some(file) = log_file.file.as_ref().filter(|_| !log_file.is_finished) else { return Ok(Turn::Done) };
            match log_file.identity {
                Identity::Copy(_) => return Ok(Turn::Done),
                Identity::Unborn => match self.birth(index, buffer, now)? {
                    Some(id) if self.identify(index, id, buffer, desk)? => continue,
                    _ => return Ok(Turn::Done),
                },
                Identity::Known { .. } => {}
            }
            let piece = buffer.piece(file, log_file.read, log_file.guard)?;
            let turn = match piece {
                Piece::Replaced => {
                    self.replaced(index, buffer, desk)?;
                    Turn::More
                }
                Piece::Rest(rest) => self.at_end(index, rest, buffer, desk, now),
                Piece::Long(range) => self.pass_over(index, &range, buffer, desk, now),
                Piece::Lines { range, rest, is_cut } => {
                    if !self.is_first_line(index, &buffer.bytes()[range.clone()]) {
                        self.replaced(index, buffer, desk)?;
                        return Ok(Turn::More);
                    }
                    match self.take(index, range, (rest, is_cut), buffer, desk, now) {
                        Turn::Done => self.at_end(index, rest, buffer, desk, now),
                        turn => turn,
                    }
                }
            };
            match turn {
                Turn::More => {}
                turn => return Ok(turn),
            }
        }
        Ok(Turn::More)
    }

    /// The generation of the file at `index`, once its first line is whole, or will not be any more.
    fn birth(&mut self, index: usize, buffer: &mut Buffer, now: Instant) -> io::Result<Option<GenerationId>> {
        let is_superseded = self.is_superseded(index);
        let log_file = &mut self.files[index];
        let Some(file) = &log_file.file else { return Ok(None) };
        if let Some(line) = buffer.first_line(file)? {
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
        Ok((size > 0).then(|| GenerationId::new(&self.id, buffer.beginning(size))))
    }

    /// Whether nothing is written to the file at `index` any more: there is a younger one, or the container is gone.
    fn is_superseded(&self, index: usize) -> bool {
        self.is_gone || index + 1 < self.files.len()
    }

    /// When it last had something new, or was said to.
    #[must_use]
    pub fn last_active(&self) -> Instant {
        self.files.iter().map(|log_file| log_file.grew).fold(self.hinted, Instant::max)
    }

    /// At a file's beginning its first line must be the one that its generation was told by.
    fn is_first_line(&self, index: usize, lines: &[u8]) -> bool {
        let log_file = &self.files[index];
        if log_file.read > 0 || log_file.long_line.is_some() {
            return true;
        }
        let end = memchr::memchr(b'\n', lines).unwrap_or(lines.len());
        log_file.generation() == Some(GenerationId::new(&self.id, &lines[..end]))
    }

    /// Makes the file at `index` known; `false`: there is nothing to read in it now.
    fn identify(&mut self, index: usize, id: GenerationId, buffer: &mut Buffer, desk: &mut Desk) -> io::Result<bool> {
        let twin = (0..self.files.len()).find(|other| {
            *other != index && matches!(self.files[*other].identity, Identity::Known { id: known, .. } if known == id)
        });
        if let Some(twin) = twin {
            self.files[index].identity = Identity::Copy(id);
            if self.files[twin].file.is_none() {
                self.move_to_copy(twin, buffer)?;
            }
            return Ok(false);
        }
        let (Self { id: source, path, metadata, .. }, log_file) = (&*self, &self.files[index]);
        let Some(file) = &log_file.file else { return Ok(false) };
        let claimed = desk.ledger.claim(source, id);
        let (salt, start) = match claimed {
            None => (0, (0, Guard::default())),
            Some(entry) if buffer.holds(file, entry.acknowledged, entry.guard)? => {
                (entry.salt, (entry.acknowledged, entry.guard))
            }
            Some(entry) => {
                tracing::warn!(%path, acknowledged = entry.acknowledged, "the file does not hold what was read of it: it is read from its beginning");
                (entry.salt + 1, (0, Guard::default()))
            }
        };
        let frame = Frame::new(id.salted(salt), metadata.as_ref().unwrap_or(&Metadata::default()), source, path);
        let size = file.metadata()?.len();
        desk.ledger.opened(log_file.key, FileMarks::new(source.clone(), path.clone(), (id, salt), start, size));
        let log_file = &mut self.files[index];
        log_file.identity = Identity::Known { id, frame };
        (log_file.read, log_file.guard) = start;
        log_file.size = size;
        Ok(true)
    }

    /// The file at `index` was truncated, or written anew: what it held goes on in a copy, if there is one.
    fn replaced(&mut self, index: usize, buffer: &mut Buffer, desk: &mut Desk) -> io::Result<()> {
        let old = &mut self.files[index];
        let (inode, rank, size) = (old.inode, old.rank.take(), old.size);
        let Some(file) = old.file.take() else { return Ok(()) };
        tracing::info!(path = %self.path, read = old.read, size, "the file was truncated: it is read from its beginning");
        let new = LogFile::new(desk.next_file(), file, inode, rank, old.place_taken.clone());
        self.move_to_copy(index, buffer)?;
        // It goes on right behind what it held before: there may be younger files already.
        self.files.insert(index + 1, new);
        self.has_sought = false;
        self.is_unlisted = true;
        self.is_due = true;
        Ok(())
    }

    /// Looks whether any file that has come is a copy of one that was truncated; `false`: none is, and younger files wait
    /// until the next listing says that none will come.
    fn seek_copies(&mut self, buffer: &mut Buffer, desk: &mut Desk, now: Instant) -> io::Result<bool> {
        for index in 0..self.files.len() {
            if matches!(self.files[index].identity, Identity::Unborn)
                && let Some(id) = self.birth(index, buffer, now)?
            {
                self.identify(index, id, buffer, desk)?;
            }
        }
        self.has_sought = true;
        Ok(!self.files.iter().any(LogFile::is_orphan))
    }

    /// Lets the file at `index`, which has lost its handle, go on in a copy that has come.
    fn move_to_copy(&mut self, index: usize, buffer: &mut Buffer) -> io::Result<()> {
        let id = self.files[index].generation();
        let copy = self.files.iter().position(|other| matches!(other.identity, Identity::Copy(copy) if Some(copy) == id));
        let Some(copy) = copy else { return Ok(()) };
        let (read, guard) = (self.files[index].read, self.files[index].guard);
        let holds = self.files[copy].file.as_ref().map_or(Ok(false), |file| buffer.holds(file, read, guard))?;
        if holds {
            let (file, inode, rank) = (self.files[copy].file.take(), self.files[copy].inode, self.files[copy].rank.take());
            let old = &mut self.files[index];
            (old.file, old.inode, old.rank, old.is_finished) = (file, inode, rank, false);
            // The emptied shell goes with the next listing.
            self.files[copy].is_finished = true;
            self.is_due = true;
        }
        Ok(())
    }

    /// Notes in the batch how far the file at `index`, and those it released, are read.
    fn note(&mut self, index: usize, first_millis: Option<i64>, desk: &mut Desk) {
        let safe = |log_file: &LogFile, joiner: &Joiner| -> Place {
            joiner.first_open(log_file.key).or(log_file.long_line).unwrap_or_else(|| log_file.place())
        };
        desk.batch.note(safe(&self.files[index], &self.joiner), first_millis);
        for key in self.released.drain(..) {
            if let Some(log_file) = self.files.iter().find(|log_file| log_file.key == key) {
                desk.batch.note(safe(log_file, &self.joiner), None);
            }
        }
    }
}

#[cfg(test)]
mod tests;
