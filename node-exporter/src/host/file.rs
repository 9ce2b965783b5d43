//! One file that is read whole, again and again. Files of procfs and sysfs are opened once and read with `pread`, which
//! makes the kernel write them anew and saves two system calls of three; a handle that no longer works (its device is
//! gone) is opened again. Any other file is opened each time, for it may have been replaced. What the text means is its
//! readers' matter.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{OFlags, PROC_SUPER_MAGIC};

/// sysfs, from the kernel's `magic.h`.
const SYSFS_MAGIC: u64 = 0x6265_6572;
/// Control groups of both versions, from the same.
const CGROUP_MAGICS: [u64; 2] = [0x0027_e0eb, 0x6367_7270];
/// The first read asks for this much: most of /proc and every attribute of sysfs fit.
const FIRST_READ: usize = 4096;
/// A file that never had more than this keeps only the memory it needs: an attribute of sysfs is a few bytes, and there are
/// hundreds of them.
const SMALL: usize = 2 * FIRST_READ;
/// A file of /proc beyond this is refused: the largest seen (`/proc/1/mountinfo` with 10,000 mounts) has 2 MB.
const MAX_BYTES: usize = 16 << 20;

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {problem}", path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What went wrong.
    pub problem: ReadProblem,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadProblem {
    /// The system refused.
    #[error("{0}")]
    Io(io::Error),
    /// The file is longer than any of its kind should be.
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
}

impl ReadError {
    /// The system refused to read `path`.
    #[must_use]
    pub fn io(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), problem: ReadProblem::Io(source) }
    }

    /// Whether there is no such file, or no such device behind it.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.is(&[rustix::io::Errno::NOENT, rustix::io::Errno::NODEV, rustix::io::Errno::NXIO, rustix::io::Errno::NOTDIR])
    }

    /// Whether the kernel has the file and cannot fill it.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.is(&[rustix::io::Errno::OPNOTSUPP, rustix::io::Errno::NOSYS])
    }

    /// Whether this process may not read it.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.is(&[rustix::io::Errno::ACCESS, rustix::io::Errno::PERM])
    }

    fn is(&self, errors: &[rustix::io::Errno]) -> bool {
        self.problem.is(errors)
    }
}

impl ReadProblem {
    // Whether the driver has nothing to say now and the handle is still good.
    fn is_lasting(&self) -> bool {
        use rustix::io::Errno;
        self.is(&[Errno::INVAL, Errno::OPNOTSUPP, Errno::AGAIN, Errno::NODATA, Errno::IO])
    }

    fn is(&self, errors: &[rustix::io::Errno]) -> bool {
        let Self::Io(source) = self else { return false };
        source.raw_os_error().is_some_and(|code| errors.iter().any(|error| error.raw_os_error() == code))
    }
}

/// How many files may be kept open: half of what the process may open, so that connections and mounts find room. Files
/// beyond it are opened each time. Clones share the count.
#[derive(Clone, Debug)]
pub struct Budget(Arc<AtomicUsize>);

impl Default for Budget {
    fn default() -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let half = limit.map_or(usize::MAX, |limit| usize::try_from(limit / 2).unwrap_or(usize::MAX));
        Self(Arc::new(AtomicUsize::new(half)))
    }
}

#[derive(Debug)]
struct Kept {
    file: File,
    system: System,
    budget: Budget,
}

impl Kept {
    fn new(file: File, system: System, budget: &Budget) -> Option<Self> {
        budget.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).ok()?;
        Some(Self { file, system, budget: budget.clone() })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.budget.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A file that is read at every scrape, with the memory for its text.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    budget: Budget,
    kept: Option<Kept>,
    // A path does not move from one kind of file system to another while this runs.
    system: Option<System>,
    buffer: Vec<u8>,
    lossy: String,
}

impl Source {
    /// The file at `path`; nothing is opened before it is read.
    #[must_use]
    pub const fn new(path: PathBuf, budget: Budget) -> Self {
        Self { path, budget, kept: None, system: None, buffer: Vec::new(), lossy: String::new() }
    }

    /// All its bytes as they are now, and its path for the errors of whoever parses them.
    ///
    /// # Errors
    /// It cannot be opened or read, or is far too long.
    pub fn bytes(&mut self) -> Result<(&[u8], &Path), ReadError> {
        if let Some(kept) = self.kept.take() {
            match read_whole(&kept.file, kept.system, &mut self.buffer) {
                Ok(()) => {
                    self.kept = Some(kept);
                    return Ok((&self.buffer, &self.path));
                }
                Err(problem) if problem.is_lasting() => {
                    self.kept = Some(kept);
                    return Err(ReadError { path: self.path.clone(), problem });
                }
                // A handle of a device that was removed fails for ever: the path is tried anew below.
                Err(_) => {}
            }
        }
        let failed = |problem: ReadProblem| ReadError { path: self.path.clone(), problem };
        // Without O_NONBLOCK a FIFO in the place of a file would hold this thread for ever.
        let open = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(&self.path);
        let file = open.map_err(|error| failed(ReadProblem::Io(error)))?;
        let system = *self.system.get_or_insert_with(|| System::of(&file));
        let read = read_whole(&file, system, &mut self.buffer);
        if system != System::Other && read.as_ref().err().is_none_or(ReadProblem::is_lasting) {
            self.kept = Kept::new(file, system, &self.budget);
        }
        match read {
            Ok(()) => Ok((&self.buffer, &self.path)),
            Err(problem) => Err(failed(problem)),
        }
    }

    /// Its text, with U+FFFD for what is not UTF-8, and its path.
    ///
    /// # Errors
    /// As [`Source::bytes`].
    pub fn text(&mut self) -> Result<(&str, &Path), ReadError> {
        self.bytes()?;
        let text = match std::str::from_utf8(&self.buffer) {
            Ok(text) => text,
            Err(_) => {
                self.lossy = String::from_utf8_lossy(&self.buffer).into_owned();
                &self.lossy
            }
        };
        Ok((text, &self.path))
    }

    /// As [`Source::text`], or `None` if there is no such file.
    ///
    /// # Errors
    /// As [`Source::bytes`], but for an absent file.
    pub fn text_if_present(&mut self) -> Result<Option<(&str, &Path)>, ReadError> {
        match self.text() {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Source {
    /// Its text without the blanks around it, or `None` if it is absent or has nothing to say: a driver may lack what an
    /// attribute asks for, and only root may read some.
    #[must_use]
    pub fn word(&mut self) -> Option<&str> {
        self.text().ok().map(|(text, _)| text.trim())
    }

    /// The number it holds, or `None` as in [`Source::word`] or if it is none.
    #[must_use]
    pub fn value<N: std::str::FromStr>(&mut self) -> Option<N> {
        self.word()?.parse().ok()
    }
}

/// Which kind of file system a file lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// procfs, or control groups: written while it is read, and maybe in pieces.
    Proc,
    /// sysfs: written while it is read, at once.
    Sys,
    /// Files that lie there.
    Other,
}

impl System {
    pub fn of(file: &impl AsFd) -> Self {
        match rustix::fs::fstatfs(file) {
            Ok(system) if system.f_type == PROC_SUPER_MAGIC || CGROUP_MAGICS.contains(&system.f_type.cast_unsigned()) => {
                Self::Proc
            }
            Ok(system) if system.f_type.cast_unsigned() == SYSFS_MAGIC => Self::Sys,
            _ => Self::Other,
        }
    }
}

fn read_whole(file: &File, system: System, buffer: &mut Vec<u8>) -> Result<(), ReadProblem> {
    let mut filled = 0;
    if buffer.capacity() < SMALL {
        let mut first = [0_u8; FIRST_READ];
        loop {
            let read = read_at(file, &mut first[filled..], filled)?;
            filled += read;
            // A file of procfs may come in pieces; any other gives all it has at once.
            if read == 0 || filled == FIRST_READ || system != System::Proc {
                break;
            }
        }
        buffer.clear();
        buffer.extend_from_slice(&first[..filled]);
        if filled < FIRST_READ {
            return Ok(());
        }
    }
    loop {
        if buffer.len() - filled < FIRST_READ {
            buffer.resize(buffer.len() + FIRST_READ.max(filled), 0);
        }
        let space = buffer.len() - filled;
        let read = read_at(file, &mut buffer[filled..], filled)?;
        filled += read;
        if read == 0 || (read < space && system != System::Proc) {
            break;
        }
        if filled > MAX_BYTES {
            return Err(ReadProblem::TooLong);
        }
    }
    // Shortening keeps the memory for the next scrape.
    buffer.truncate(filled);
    Ok(())
}

fn read_at(file: &File, buffer: &mut [u8], offset: usize) -> Result<usize, ReadProblem> {
    loop {
        match file.read_at(buffer, offset as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map_err(ReadProblem::Io),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn source(path: PathBuf) -> Source {
        Source::new(path, Budget::default())
    }

    #[test]
    fn a_replaced_file_is_read_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut source = source(path.clone());
        assert!(source.text().unwrap_err().is_absent());
        assert!(source.text_if_present().unwrap().is_none());
        for text in ["first", "", "second one, longer", "x"] {
            let other = directory.path().join("other");
            fs::write(&other, text).unwrap();
            fs::rename(&other, &path).unwrap();
            assert_eq!(source.text().unwrap().0, text);
        }
        fs::write(&path, b"a\xffb").unwrap();
        assert_eq!(source.text().unwrap().0, "a\u{fffd}b");
    }

    #[test]
    fn a_kernel_file_is_kept_open_and_still_new() {
        let mut source = source("/proc/self/stat".into());
        let cpu = |text: &str| text.split(' ').nth(13).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap();
        let before = cpu(source.text().unwrap().0);
        assert!(source.kept.is_some());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while cpu(source.text().unwrap().0) == before {
            assert!(std::time::Instant::now() < deadline, "the text never changed");
        }
    }

    #[test]
    fn without_budget_a_file_is_opened_each_time() {
        let budget = Budget(Arc::new(AtomicUsize::new(1)));
        let (mut first, mut second) =
            (Source::new("/proc/self/stat".into(), budget.clone()), Source::new("/proc/uptime".into(), budget.clone()));
        first.text().unwrap();
        second.text().unwrap();
        assert!(first.kept.is_some() && second.kept.is_none());
        drop(first);
        second.text().unwrap();
        assert!(second.kept.is_some() && budget.0.load(Ordering::Relaxed) == 0);
    }

    #[test]
    fn long_files_are_read_whole_and_endless_ones_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long");
        let long: String = (0..100_000).map(|line| format!("{line}\n")).collect();
        fs::write(&path, &long).unwrap();
        assert_eq!(source(path).text().unwrap().0, long);
        let endless = source("/dev/zero".into()).text().unwrap_err().to_string();
        assert!(endless.contains("/dev/zero") && endless.contains("longer than"), "{endless}");
    }
}
