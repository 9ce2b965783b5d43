//! Where `up` keeps things: one directory with a place for each part, used by one `up` at a time. What the parts put into
//! their places is their business.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{FlockOperation, flock};

/// Room that must be there at the start: what the parts write in their first seconds.
const ROOM_BYTES: usize = 1 << 20;
/// Folders of containers kept from earlier runs: the log agent still ships what they hold, and a disk has an end.
const MAX_CONTAINERS: usize = 200;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such directory, no right to write there, no space left.
    #[error("--data-dir: cannot write in {}: {source}: make room or give the right to write there, or choose another directory", path.display())]
    Unusable {
        /// The data directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another `up` has it.
    #[error("--data-dir: {} is in use by another `binnacle up`: end that one, or choose another directory", .0.display())]
    InUse(PathBuf),
}

/// The directory, locked for as long as this lives.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory and its places if they are not there, and takes it.
    ///
    /// # Errors
    /// It cannot be written, has no room, or is taken.
    pub fn open(path: PathBuf) -> Result<Self, Error> {
        let unusable = |source| Error::Unusable { path: path.clone(), source };
        fs::create_dir_all(&path).map_err(unusable)?;
        let lock = File::create(path.join("lock")).map_err(unusable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(Error::InUse(path)),
            taken => taken.map_err(|error| unusable(error.into()))?,
        }
        need_room(&path).map_err(unusable)?;
        let directory = Self { path: path.clone(), _lock: lock };
        for place in [directory.containers(), directory.agent(), directory.store()] {
            fs::create_dir_all(place).map_err(unusable)?;
        }
        forget_oldest(&directory.containers(), MAX_CONTAINERS).map_err(unusable)?;
        Ok(directory)
    }

    /// Writes a file for a part and gives its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let file = self.path.join(name);
        fs::write(&file, text).map_err(|source| Error::Unusable { path: self.path.clone(), source })?;
        Ok(file)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folders of containers, as under /var/lib/docker/containers.
    pub fn containers(&self) -> PathBuf {
        self.path.join("containers")
    }

    /// What the log agent remembers.
    pub fn agent(&self) -> PathBuf {
        self.path.join("log-agent")
    }

    /// The log store's index.
    pub fn store(&self) -> PathBuf {
        self.path.join("log-store")
    }
}

fn need_room(path: &Path) -> io::Result<()> {
    let probe = path.join("room");
    let written = File::create(&probe).and_then(|mut file| file.write_all(&vec![0; ROOM_BYTES]));
    // Whatever came of it must not take the room that is missing.
    let removed = fs::remove_file(&probe);
    written.and(removed)
}

/// Removes the folders that changed longest ago, so that `most` are left.
fn forget_oldest(containers: &Path, most: usize) -> io::Result<()> {
    let mut folders: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(containers)? {
        let entry = entry?;
        folders.push((entry.metadata()?.modified()?, entry.path()));
    }
    folders.sort_unstable();
    let surplus = folders.len().saturating_sub(most);
    folders[..surplus].iter().try_for_each(|(_, folder)| fs::remove_dir_all(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = DataDirectory::open(path.clone()).unwrap();
        assert!(first.containers().is_dir() && !path.join("room").exists());
        let error = DataDirectory::open(path.clone()).unwrap_err().to_string();
        assert!(error.contains("in use") && error.contains(&path.display().to_string()), "{error}");
        drop(first);
        DataDirectory::open(path).unwrap();
    }

    #[test]
    fn the_containers_that_changed_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for (age, name) in [(300, "a"), (100, "b"), (200, "c")] {
            fs::create_dir(folder.path().join(name)).unwrap();
            let changed = SystemTime::now() - std::time::Duration::from_secs(age);
            File::open(folder.path().join(name)).unwrap().set_modified(changed).unwrap();
        }
        forget_oldest(folder.path(), 2).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["b", "c"]);
    }
}
