//! A source's folder: which files have come, gone or been renamed since it was last listed, and which are done with.

use std::io;
use std::time::SystemTime;

use super::super::desk::Desk;
use super::super::log_file::{self, LogFile};
use super::{Identity, Source};
use crate::discover::{self, Found, Stamp};

/// A rotation in the midst of a listing may hide a file, and files are read in order: so the listing is made again, but
/// not for ever where something changes all the time.
const LISTINGS: usize = 3;

impl Source {
    /// Lists the folder if it has changed, and lets go of files that are done with.
    ///
    /// # Errors
    /// The folder cannot be listed, or a file in it cannot be opened; the others are followed.
    pub fn list(&mut self, desk: &mut Desk) -> io::Result<()> {
        let mut stamp = Stamp::of(&self.folder);
        if !self.is_unlisted && stamp.is_some() && stamp == self.stamp {
            self.let_go(desk);
            return Ok(());
        }
        let mut outcome = self.list_once(stamp, desk);
        for _ in 0..LISTINGS {
            let after = Stamp::of(&self.folder);
            if after.is_none() || after == stamp {
                break;
            }
            stamp = after;
            outcome = self.list_once(stamp, desk);
        }
        self.is_listed = outcome.is_ok() && !self.is_unlisted;
        if !self.files.is_empty() {
            self.learn();
        }
        self.let_go(desk);
        outcome
    }

    fn list_once(&mut self, stamp: Option<Stamp>, desk: &mut Desk) -> io::Result<()> {
        let now = SystemTime::now();
        let found = match discover::files(&self.folder, &self.log_name) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.is_gone = true;
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        self.stamp = stamp.filter(|stamp| stamp.is_settled(now));
        self.is_unlisted = false;
        self.is_due = true;
        let newest = found.iter().find(|found| found.rank == 0).map(|found| found.inode);
        if newest != self.newest {
            self.newest = newest;
            self.stale_watch = self.file_watch.take().or(self.stale_watch);
        }
        self.adopt(&found, desk)
    }

    /// Files keep their order, which no rotation changes; a new one goes where its rank among the others puts it.
    fn adopt(&mut self, found: &[Found], desk: &mut Desk) -> io::Result<()> {
        let holds = |log_file: &LogFile, inode| log_file.file.is_some() && log_file.inode == inode;
        for log_file in &mut self.files {
            let found = found.iter().find(|found| holds(log_file, found.inode));
            log_file.rank = found.map(|found| found.rank);
            if found.is_some_and(|found| found.size != log_file.size) {
                log_file.is_finished = false;
                if log_file.is_copy() {
                    // It may hold something else now.
                    log_file.identity = Identity::Unborn;
                }
            }
        }
        let mut outcome = Ok(());
        for found in found {
            if self.files.iter().any(|log_file| holds(log_file, found.inode)) {
                continue;
            }
            let Some(place_taken) = desk.open_files.take() else {
                self.stamp = None;
                outcome = Err(io::Error::other(format!(
                    "{}: {} files are open and no more may be: raise the limit of open files (ulimit -n)",
                    found.path.display(),
                    desk.open_files.most()
                )));
                continue;
            };
            match log_file::open(found) {
                Ok(Some((file, inode))) if !self.files.iter().any(|log_file| holds(log_file, inode)) => {
                    let place = self.files.iter().position(|log_file| log_file.rank.is_some_and(|rank| rank < found.rank));
                    let log_file = LogFile::new(desk.next_file(), file, inode, Some(found.rank), place_taken);
                    self.files.insert(place.unwrap_or(self.files.len()), log_file);
                    self.has_sought = false;
                }
                // Renamed in between: the next listing, which this one asks for, sees it right.
                Ok(_) => self.is_unlisted = true,
                Err(error) => {
                    // Tried again with the next scan.
                    self.stamp = None;
                    outcome = Err(io::Error::new(error.kind(), format!("{}: {error}", found.path.display())));
                }
            }
        }
        outcome
    }

    /// Lets go of files that have no name, nothing to read, and nothing that is not acknowledged.
    fn let_go(&mut self, desk: &mut Desk) {
        let is_read = |log_file: &LogFile| log_file.file.is_none() || log_file.is_finished || log_file.is_copy();
        if self.is_gone && self.files.iter().all(is_read) {
            self.end_open_lines(desk);
        }
        let (is_gone, has_sought) = (self.is_gone, self.has_sought);
        let (path, joiner) = (&self.path, &self.joiner);
        let mut is_any_grown = false;
        self.files.retain_mut(|log_file| {
            if log_file.rank.is_some() {
                return true;
            }
            match log_file.identity {
                Identity::Copy(_) => false,
                // Finished means that it was looked at to its end, and is empty.
                Identity::Unborn => !log_file.is_finished,
                Identity::Known { .. } if log_file.is_orphan() && has_sought => {
                    // None of the files is a copy: what was not read is lost.
                    log_file.is_finished = true;
                    let lost = log_file.size.saturating_sub(log_file.read);
                    if lost > 0 {
                        tracing::error!(%path, bytes = lost, "truncated before it was read");
                        desk.ledger.count(|books| books.lost_bytes += lost);
                    }
                    true
                }
                Identity::Known { .. } => {
                    let is_done =
                        log_file.is_finished && joiner.first_open(log_file.key).is_none() && desk.ledger.is_settled(log_file.key);
                    if !is_done {
                        return true;
                    }
                    if log_file.len().is_some_and(|size| size > log_file.read) {
                        // Its writer had not noticed that it has no name.
                        (log_file.is_finished, is_any_grown) = (false, true);
                        return true;
                    }
                    desk.ledger.forget(log_file.key);
                    false
                }
            }
        });
        self.is_due |= is_any_grown;
        let known: Vec<_> = self.files.iter().filter(|log_file| !log_file.is_copy()).filter_map(LogFile::generation).collect();
        for log_file in self.files.iter_mut().filter(|log_file| log_file.is_copy() && log_file.file.is_some()) {
            if !log_file.generation().is_some_and(|id| known.contains(&id)) {
                // What it is a copy of was let go.
                log_file.identity = Identity::Unborn;
                self.is_due = true;
            }
        }
        if is_gone {
            self.is_due = true;
        }
    }
}
