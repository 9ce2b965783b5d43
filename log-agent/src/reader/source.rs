//! One container: its files in the order in which they were written, its metadata, its open lines. A younger file is read
//! when every older one is read to its end; nothing is given up after a time while it can still be read.

mod generations;
mod lines;
mod listing;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::desk::Desk;
use super::log_file::{Identity, LogFile};
use crate::discover::{self, Inode, Stamp};
use crate::enrich::{self, Metadata};
use crate::join::{Joiner, Place};
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
    /// A watch of a file that is not the newest any more: to be ended.
    pub stale_watch: Option<i32>,
    /// The newest file.
    newest: Option<Inode>,
    /// The last listing shows every file.
    is_listed: bool,
    /// Files of the checkpoint that are not there any more were counted.
    has_counted: bool,
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
            stale_watch: None,
            newest: None,
            is_listed: false,
            has_counted: false,
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
        let mut trouble = Ok(());
        if self.files.iter().any(LogFile::is_orphan) {
            let (is_settled, sought) = self.seek_copies(buffer, desk, now);
            if !is_settled {
                return sought.map(|()| Turn::Done);
            }
            trouble = sought;
        }
        let mut index = 0;
        while index < self.files.len() {
            match self.read(index, buffer, desk, now) {
                Ok(Turn::Done) => {}
                Ok(turn) => return trouble.map(|()| turn),
                Err(error) => trouble = Err(error),
            }
            if self.files[index].is_orphan() {
                // Its end comes before the beginning of any younger file.
                return trouble.map(|()| Turn::Done);
            }
            index += 1;
        }
        if self.is_listed && trouble.is_ok() && !self.has_counted {
            self.has_counted = true;
            let lost = desk.ledger.missing(&self.id);
            if lost > 0 {
                tracing::error!(path = %self.path, bytes = lost, "files were deleted before they were read");
            }
        }
        trouble.map(|()| Turn::Done)
    }

    /// Looks at the sizes of the files that are being read, and `all` others: one that has grown is due.
    pub fn look(&mut self, all: bool, desk: &Desk, now: Instant) {
        for log_file in &mut self.files {
            if !all && (log_file.is_finished || log_file.is_copy()) {
                continue;
            }
            // What is wrong with a file is told when it is read.
            let Some(size) = log_file.len().filter(|size| *size != log_file.size) else { continue };
            if log_file.is_copy() {
                // It may hold something else now.
                log_file.identity = Identity::Unborn;
            } else if size < log_file.size {
                continue;
            }
            (log_file.size, log_file.grew, log_file.is_finished) = (size, now, false);
            desk.ledger.grown(log_file.key, size);
            self.is_due = true;
        }
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
                Identity::Unborn => {
                    let Some(id) = self.birth(index, buffer, now)? else { return Ok(Turn::Done) };
                    self.identify(index, id, buffer, desk)?;
                    // Where it takes over from an older copy, the rest of it comes before any younger file.
                    continue;
                }
                Identity::Known { .. } => {}
            }
            let piece = buffer.piece(file, log_file.read, log_file.guard)?;
            let turn = match piece {
                Piece::Replaced => {
                    self.replaced(index, desk);
                    Turn::More
                }
                // Nothing stands before its beginning that could tell.
                Piece::Rest(range) if log_file.read == 0 && (range.len() as u64) < log_file.size => {
                    self.replaced(index, desk);
                    Turn::More
                }
                Piece::Rest(range) => self.at_end(index, range, buffer, desk, now),
                Piece::Long(range) => self.pass_over(index, &range, buffer, desk, now),
                Piece::Lines { range, rest, is_cut } => {
                    if !self.is_first_line(index, &buffer.bytes()[range.clone()]) {
                        self.replaced(index, desk);
                        return Ok(Turn::More);
                    }
                    let rest = range.end..range.end + rest;
                    match self.take(index, range, (rest.len(), is_cut), buffer, desk, now) {
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

    /// Whether nothing is written to the file at `index` any more: there is a younger one, or the container is gone.
    fn is_superseded(&self, index: usize) -> bool {
        self.is_gone || index + 1 < self.files.len()
    }

    /// When it last had something new, or was said to.
    #[must_use]
    pub fn last_active(&self) -> Instant {
        self.files.iter().map(|log_file| log_file.grew).fold(self.hinted, Instant::max)
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
