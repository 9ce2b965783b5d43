//! The machine that is read: the roots of its file systems as values, and files that are read again at every scrape. It
//! knows no collector and parses nothing.

pub mod adjtimex;
mod devices;
mod file;
pub mod netlink;
mod presence;

use std::io;
use std::path::{Path, PathBuf};

pub use devices::{Device, Devices};
pub use file::{Budget, ReadError, ReadProblem, Source};
pub use presence::{Found, Presence};

/// Entries of one directory that are listed: 64 times what the largest known machine has in one of /sys.
const MAX_ENTRIES: usize = 65_536;

/// Pages of every x86 and of most arm64 kernels, should the kernel not say.
const USUAL_PAGE: f64 = 4096.0;
/// The key of the page size in the auxiliary vector, from the kernel's `auxvec.h`.
const AT_PAGESZ: usize = 6;

/// Where the machine's file systems are mounted.
#[derive(Clone, Debug)]
pub struct Roots {
    /// procfs, `--path.procfs`.
    pub procfs: PathBuf,
    /// sysfs, `--path.sysfs`.
    pub sysfs: PathBuf,
    /// The root of the machine's own file tree, `--path.rootfs`.
    pub rootfs: PathBuf,
    /// udev's device properties, `--path.udev.data`.
    pub udev_data: PathBuf,
    /// procfs of this process's own container, where it finds itself.
    pub own_procfs: PathBuf,
    /// The file that names the local time zone of this process's container.
    pub local_time: PathBuf,
    /// Where time zones are found by name.
    pub time_zones: PathBuf,
}

/// The machine as collectors see it.
#[derive(Clone, Debug)]
pub struct Host {
    roots: Roots,
    budget: Budget,
    page_bytes: f64,
}

impl Host {
    /// The machine under `roots`.
    #[must_use]
    pub fn new(roots: Roots) -> Self {
        let page_bytes =
            std::fs::read(roots.own_procfs.join("self/auxv")).ok().and_then(|auxv| page_size(&auxv)).unwrap_or(USUAL_PAGE);
        Self { roots, budget: Budget::default(), page_bytes }
    }

    /// The size of a page of memory in bytes, in which the kernel counts.
    #[must_use]
    pub const fn page_bytes(&self) -> f64 {
        self.page_bytes
    }

    /// Where its file systems are.
    #[must_use]
    pub const fn roots(&self) -> &Roots {
        &self.roots
    }

    /// A file below procfs.
    #[must_use]
    pub fn proc(&self, name: &str) -> Source {
        self.file(self.roots.procfs.join(name))
    }

    /// A file below sysfs.
    #[must_use]
    pub fn sys(&self, name: &str) -> Source {
        self.file(self.roots.sysfs.join(name))
    }

    /// A file anywhere.
    #[must_use]
    pub fn file(&self, path: PathBuf) -> Source {
        Source::new(path, self.budget.clone())
    }

    /// The names in a directory below sysfs that start with `prefix`, sorted by bytes; none if there is no such directory.
    ///
    /// # Errors
    /// The directory is there and cannot be read.
    pub fn list_sys(&self, directory: &str, prefix: &str) -> Result<Vec<String>, ReadError> {
        list(&self.roots.sysfs.join(directory), prefix)
    }
}

/// `root` with an absolute path below it.
#[must_use]
pub fn below(root: &Path, absolute: &Path) -> PathBuf {
    root.join(absolute.strip_prefix("/").unwrap_or(absolute))
}

// The auxiliary vector: pairs of machine words, key and value.
fn page_size(auxv: &[u8]) -> Option<f64> {
    let mut words = auxv.chunks_exact(size_of::<usize>()).filter_map(|word| word.try_into().ok().map(usize::from_ne_bytes));
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        if key == AT_PAGESZ {
            return Some(value as f64);
        }
    }
    None
}

fn list(directory: &Path, prefix: &str) -> Result<Vec<String>, ReadError> {
    let failed = |source: io::Error| ReadError::io(directory, source);
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries.take(MAX_ENTRIES) {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.starts_with(prefix) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_size_is_found_among_the_pairs() {
        let vector = |words: &[usize]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        for (words, expected) in [(&[3, 6, 6, 65_536, 0, 0][..], Some(65_536.0)), (&[6], None), (&[0, 0], None)] {
            assert_eq!(page_size(&vector(words)), expected, "{words:?}");
        }
        assert!(Host::new(Roots::machine()).page_bytes() >= 4096.0);
    }

    #[test]
    fn paths_of_the_host_lie_below_its_root() {
        for (root, path, expected) in [
            ("/", "/a/b", "/a/b"),
            ("/host", "/a", "/host/a"),
            ("/host", "/", "/host/"),
            ("rel", "/a", "rel/a"),
            ("/h", "a", "/h/a"),
        ] {
            assert_eq!(below(Path::new(root), Path::new(path)), Path::new(expected));
        }
    }
}
