//! The index's files as they lie in the data directory. The library keeps a list of them in a file of its own, which it
//! writes and syncs once for each file of each commit; here that list is what the directory holds. It halves the cost of a
//! small commit, and what a killed process left behind is found whatever it had noted down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr};

/// The library's name for its list.
const LIST: &str = ".managed.json";
/// Files of a segment are called by its id, so many hexadecimal digits, and what they hold.
const ID_DIGITS: usize = 32;

/// A directory whose list of files is the directory.
#[derive(Clone, Debug)]
pub struct IndexFiles {
    files: MmapDirectory,
    path: PathBuf,
}

impl IndexFiles {
    /// The files in `path`.
    ///
    /// # Errors
    /// It is no directory that can be read.
    pub fn open(path: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Self { files: MmapDirectory::open(path)?, path: path.to_owned() })
    }

    /// The names of the files of segments, whether they are in use or not.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn segments(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // What is no text is no name that the library gave.
            names.extend(entry?.file_name().into_string().ok().filter(|name| is_of_segment(name)));
        }
        Ok(names)
    }
}

fn is_of_segment(name: &str) -> bool {
    name.split_once('.').is_some_and(|(id, _)| id.len() == ID_DIGITS && id.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

impl Directory for IndexFiles {
    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        if path != Path::new(LIST) {
            return self.files.atomic_read(path);
        }
        let list = self.segments().and_then(|names| Ok(serde_json::to_vec(&names)?));
        list.map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        if path == Path::new(LIST) { Ok(()) } else { self.files.atomic_write(path, data) }
    }

    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.files.open_write(path)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.files.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.files.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_segments() {
        for (name, expected) in [
            ("0123456789abcdef0123456789abcdef.store", true),
            ("0123456789abcdef0123456789abcdef.7.del", true),
            ("0123456789abcdef0123456789abcdef", false),
            ("0123456789abcdef0123456789abcdeg.store", false),
            ("meta.json", false),
            (".store", false),
            ("notes.txt", false),
        ] {
            assert_eq!(is_of_segment(name), expected, "{name}");
        }
    }
}
