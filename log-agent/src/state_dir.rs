//! The state directory: locked for one agent, files in it replaced whole and appended durably. It does not know what is in
//! them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

/// A state directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No such directory, no right to write there, no space left.
    #[error("--state-dir: cannot write in {}: {source}: make room or give the right to write there, or choose another directory", path.display())]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("--state-dir: {} is in use by another log-agent: end that one, or choose another directory", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}

/// The directory, ours as long as this lives.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Makes the directory if need be, locks it, and proves that it can be written.
    ///
    /// # Errors
    /// One sentence that names it and says what to do.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let unwritable = |source: io::Error| StateError::Unwritable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unwritable)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.join("lock")).map_err(unwritable)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StateError::InUse { path: path.to_owned() }),
            Err(error) => return Err(unwritable(error.into())),
        }
        let state_dir = Self { path: path.to_owned(), _lock: lock };
        state_dir
            .replace("probe", b"this directory can be written\n")
            .and_then(|()| fs::remove_file(path.join("probe")))
            .map_err(unwritable)?;
        Ok(state_dir)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in a file; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a file in place of the one there, so that at any moment either is there whole, after a power cut too.
    ///
    /// # Errors
    /// The old one is still there.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.path.join(format!("{name}.new"));
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&new, self.path.join(name))?;
        File::open(&self.path)?.sync_all()
    }

    /// Moves a file out of the way, over the one that was moved there before.
    ///
    /// # Errors
    /// It is still where it was.
    pub fn set_aside(&self, name: &str) -> io::Result<PathBuf> {
        let aside = self.path.join(format!("{name}.set-aside"));
        fs::rename(self.path.join(name), &aside)?;
        Ok(aside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = StateDir::open(&folder.path().join("a/b")).unwrap();
        assert_eq!(state_dir.read("file").unwrap(), None);
        state_dir.replace("file", b"one").unwrap();
        state_dir.replace("file", b"two").unwrap();
        assert_eq!(state_dir.read("file").unwrap().unwrap(), b"two");
        let aside = state_dir.set_aside("file").unwrap();
        assert_eq!((fs::read(aside).unwrap().as_slice(), state_dir.read("file").unwrap()), (&b"two"[..], None));
    }

    fn check(path: &Path, expected: &str) {
        let error = StateDir::open(path).unwrap_err().to_string();
        assert!(
            error.starts_with("--state-dir: ") && error.contains(expected) && error.contains(&path.display().to_string()),
            "{error}"
        );
    }

    #[test]
    fn what_cannot_be_used_is_said_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let _first = StateDir::open(folder.path()).unwrap();
        check(folder.path(), "in use by another log-agent");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        check(&file.join("state"), "cannot write");
    }
}
