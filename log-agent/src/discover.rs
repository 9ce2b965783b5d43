//! Which files are there: Docker's folder of containers, and each container's log with its rotated files. Listing is the
//! truth; file events ([`watch`]) only say when to list. Nothing is read here.

pub mod watch;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A folder that was changed so short a time before it was listed may have been changed again without another time stamp:
/// kernels stamp by their tick, some file systems by the second.
const STAMP_DOUBT: Duration = Duration::from_secs(2);

/// A log file of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// 0 is being written, 1 was rotated last, and so on.
    pub rank: u32,
    /// Which file, as long as it is there or held open.
    pub inode: Inode,
    /// Its size.
    pub size: u64,
}

/// A file as the kernel tells it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    /// Of this file.
    #[must_use]
    pub fn of(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}

/// The names of the folders in `root`: one for each container.
///
/// # Errors
/// The folder cannot be listed.
pub fn containers(root: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        // Docker's names are hexadecimal; what is not even text is not Docker's.
        if let Ok(name) = entry.file_name().into_string()
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// The name of a container's log.
#[must_use]
pub fn log_name(container: &str) -> String {
    format!("{container}-json.log")
}

/// The log files in a container's folder, oldest first. Files that vanish meanwhile are left out.
///
/// # Errors
/// The folder cannot be listed.
pub fn files(folder: &Path, log_name: &str) -> io::Result<Vec<Found>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(rank) = entry.file_name().to_str().and_then(|name| rank(log_name, name)) else { continue };
        let path = entry.path();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                files.push(Found { path, rank, inode: Inode::of(&metadata), size: metadata.len() })
            }
            // A folder, a pipe or a device with a log's name holds no lines.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::debug!(path = %path.display(), %error, "cannot look at a file"),
        }
    }
    files.sort_unstable_by_key(|file| std::cmp::Reverse(file.rank));
    Ok(files)
}

/// How often a file of this name was rotated; compressed files are not read.
fn rank(log_name: &str, name: &str) -> Option<u32> {
    match name.strip_prefix(log_name)? {
        "" => Some(0),
        suffix => {
            let number = suffix.strip_prefix('.')?;
            number.parse().ok().filter(|rank| *rank > 0 && number.bytes().all(|byte| byte.is_ascii_digit()))
        }
    }
}

/// When a folder was changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(SystemTime);

impl Stamp {
    /// Of this folder now; `None`: it cannot be told.
    #[must_use]
    pub fn of(folder: &Path) -> Option<Self> {
        fs::metadata(folder).and_then(|metadata| metadata.modified()).ok().map(Self)
    }

    /// Whether a listing made now, with this stamp taken before it, stays true as long as the stamp does.
    #[must_use]
    pub fn is_settled(self, now: SystemTime) -> bool {
        now.duration_since(self.0).is_ok_and(|age| age > STAMP_DOUBT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<u32>) {
        assert_eq!(rank("c-json.log", name), expected, "{name}");
    }

    #[test]
    fn ranks() {
        check("c-json.log", Some(0));
        check("c-json.log.1", Some(1));
        check("c-json.log.12", Some(12));
        check("c-json.log.0", None);
        check("c-json.log.+1", None);
        check("c-json.log.1.gz", None);
        check("c-json.log.", None);
        check("c-json.log1", None);
        check("config.v2.json", None);
    }

    #[test]
    fn files_are_listed_oldest_first_and_folders_are_none() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["c-json.log", "c-json.log.10", "c-json.log.2", "hostname"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        fs::create_dir(folder.path().join("c-json.log.3")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("c-json.log.4")).unwrap();
        let found: Vec<(u32, u64)> =
            files(folder.path(), "c-json.log").unwrap().iter().map(|file| (file.rank, file.size)).collect();
        assert_eq!(found, [(10, 13), (2, 12), (0, 10)]);
        assert_eq!(containers(folder.path()).unwrap(), ["c-json.log.3"]);
        assert!(files(&folder.path().join("gone"), "c-json.log").is_err());
    }

    #[test]
    fn a_fresh_stamp_is_doubted() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = Stamp::of(folder.path()).unwrap();
        assert!(!stamp.is_settled(SystemTime::now()) && stamp.is_settled(SystemTime::now() + STAMP_DOUBT * 2));
        assert_eq!(Stamp::of(&folder.path().join("gone")), None);
    }
}
