//! One file of a container's log while it is followed: its handle, how far it is read, and which generation it holds.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::OFlags;

use crate::discover::{Found, Inode};
use crate::document::Frame;
use crate::generation::{GenerationId, Guard};
use crate::join::Place;

/// What is known of the generation in a file.
#[derive(Debug)]
pub enum Identity {
    /// Its first line is not whole.
    Unborn,
    /// It is a copy of another file that is being read: it waits until that one is truncated.
    Copy(GenerationId),
    /// It is being read.
    Known {
        /// Its generation.
        id: GenerationId,
        /// What its documents share.
        frame: Frame,
    },
}

/// How many files may be open: the rest of the system's limit is for sockets and the state directory.
#[derive(Clone, Debug)]
pub struct OpenFiles {
    most: usize,
    taken: Arc<()>,
}

/// One file's place among those that may be open, as long as it lives.
pub type PlaceTaken = Arc<()>;

impl OpenFiles {
    /// Places for so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, taken: Arc::new(()) }
    }

    /// A place, if one is free.
    #[must_use]
    pub fn take(&self) -> Option<PlaceTaken> {
        (Arc::strong_count(&self.taken) <= self.most).then(|| self.taken.clone())
    }

    /// How many there are.
    #[must_use]
    pub const fn most(&self) -> usize {
        self.most
    }
}

/// A file of a source.
#[derive(Debug)]
pub struct LogFile {
    /// Its number in the ledger.
    pub key: u64,
    /// Open as long as there may be something to read, so that nobody else gets its inode; `None`: it was truncated, and
    /// a copy of it has not been found.
    pub file: Option<File>,
    /// Which file.
    pub inode: Inode,
    /// Its rank in the last listing; `None`: it has no name any more.
    pub rank: Option<u32>,
    /// Which generation.
    pub identity: Identity,
    /// Read up to here.
    pub read: u64,
    /// What stands before that.
    pub guard: Guard,
    /// Its size when it was last read or listed.
    pub size: u64,
    /// When it last had something new.
    pub grew: Instant,
    /// Nothing more is expected; a listing that shows it grown wakes it again.
    pub is_finished: bool,
    /// Where the long line that is being passed over starts.
    pub long_line: Option<Place>,
    /// The time of the last entry that had one.
    pub last_time: String,
    /// Its place among the open files.
    pub place_taken: PlaceTaken,
}

impl LogFile {
    /// A file at its beginning.
    #[must_use]
    pub fn new(key: u64, file: File, inode: Inode, rank: Option<u32>, place_taken: PlaceTaken) -> Self {
        Self {
            key,
            file: Some(file),
            inode,
            rank,
            identity: Identity::Unborn,
            read: 0,
            guard: Guard::default(),
            size: 0,
            grew: Instant::now(),
            is_finished: false,
            long_line: None,
            last_time: String::new(),
            place_taken,
        }
    }

    /// Changes the files, names and all, with another; what is known and read stays.
    pub const fn swap_files(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.file, &mut other.file);
        std::mem::swap(&mut self.inode, &mut other.inode);
        std::mem::swap(&mut self.rank, &mut other.rank);
        std::mem::swap(&mut self.place_taken, &mut other.place_taken);
    }

    /// Its size now, as far as it can be told.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.file.as_ref().and_then(|file| file.metadata().ok()).map(|metadata| metadata.len())
    }

    /// Whether it is a copy.
    #[must_use]
    pub const fn is_copy(&self) -> bool {
        matches!(self.identity, Identity::Copy(_))
    }

    /// Where it is read up to.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { file: self.key, offset: self.read, guard: self.guard }
    }

    /// Whether it was truncated before it was read to its end, as far as is known, and goes on in a copy if one comes.
    #[must_use]
    pub const fn is_orphan(&self) -> bool {
        self.file.is_none() && !self.is_finished
    }

    /// Its generation, if known, and a copy's too.
    #[must_use]
    pub const fn generation(&self) -> Option<GenerationId> {
        match &self.identity {
            Identity::Unborn => None,
            Identity::Copy(id) | Identity::Known { id, .. } => Some(*id),
        }
    }
}

/// Opens a file that was found; `None`: it is gone, or something else has its name.
///
/// # Errors
/// It cannot be opened.
pub fn open(found: &Found) -> io::Result<Option<(File, Inode)>> {
    // Without waiting: a pipe that takes the name would hold this thread for ever.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(&found.path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then(|| (file, Inode::of(&metadata))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back() {
        let places = OpenFiles::new(2);
        let taken = [places.take(), places.take()];
        assert!(taken.iter().all(Option::is_some) && places.take().is_none());
        drop(taken);
        assert!(places.take().is_some());
    }
}
