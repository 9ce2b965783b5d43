//! A directory of sysfs, or of procfs, with one entry per device, each with the same files. The directory is listed at every scrape without
//! allocation, and files of devices that stay are kept open. What the files say is their readers' matter.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom, open, seek};
use rustix::io::Errno;

use super::file::System;
use super::{Host, MAX_ENTRIES, ReadError, Source};

/// Room for some 100 names at a time.
const LISTING: usize = 4096;

/// The devices of one directory.
#[derive(Debug)]
pub struct Devices {
    directory: PathBuf,
    files: &'static [&'static str],
    handle: Option<OwnedFd>,
    // By name, those left out included.
    known: Vec<Device>,
}

/// One device and its files, in the order in which they were asked for.
#[derive(Debug)]
pub struct Device {
    /// Its name in the directory.
    pub name: String,
    /// Its files.
    pub files: Box<[Source]>,
    shown: bool,
    seen: bool,
}

impl Devices {
    /// The devices of `directory`, below sysfs, with the `files` of each.
    #[must_use]
    pub fn new(host: &Host, directory: &str, files: &'static [&'static str]) -> Self {
        Self::at(host.roots().sysfs.join(directory), files)
    }

    /// The same for a directory anywhere.
    #[must_use]
    pub const fn at(directory: PathBuf, files: &'static [&'static str]) -> Self {
        Self { directory, files, handle: None, known: Vec::new() }
    }

    /// Looks which devices there are, asks `admits` about each new one, and forgets those that went. `false`: there is no
    /// such directory.
    ///
    /// # Errors
    /// The directory is there and cannot be listed.
    pub fn refresh(&mut self, host: &Host, admits: impl Fn(&str) -> bool) -> Result<bool, ReadError> {
        let failed = |directory: &PathBuf, error: Errno| ReadError::io(directory, error.into());
        let mut fresh = Vec::new();
        for device in &mut self.known {
            device.seen = false;
        }
        let kept = self.handle.take().filter(|handle| seek(handle, SeekFrom::Start(0)).is_ok());
        let listed = kept.and_then(|handle| {
            // Empty, or failed: the directory itself may have been taken away and made anew.
            let count = mark(&handle, &mut self.known, &mut fresh).ok().filter(|count| *count > 0)?;
            Some((handle, count))
        });
        let handle = match listed {
            Some((handle, _)) => handle,
            None => {
                fresh.clear();
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let handle = match open(&self.directory, flags, Mode::empty()) {
                    Ok(handle) => handle,
                    Err(Errno::NOENT | Errno::NOTDIR) => {
                        self.known.clear();
                        return Ok(false);
                    }
                    Err(error) => return Err(failed(&self.directory, error)),
                };
                mark(&handle, &mut self.known, &mut fresh).map_err(|error| failed(&self.directory, error))?;
                handle
            }
        };
        if System::of(&handle) != System::Other {
            self.handle = Some(handle);
        }
        self.known.retain(|device| device.seen);
        for name in fresh {
            let at = self.known.partition_point(|device| device.name < name);
            let shown = admits(&name);
            let entry = self.directory.join(&name);
            // An entry that is a file itself is asked for with an empty name.
            let file = |file: &&str| host.file(if file.is_empty() { entry.clone() } else { entry.join(file) });
            let files = if shown { self.files.iter().map(file).collect() } else { Box::default() };
            self.known.insert(at, Device { name, files, shown, seen: true });
        }
        Ok(true)
    }

    /// The device called `name`, if it is there and was admitted.
    pub fn find(&mut self, name: &str) -> Option<&mut Device> {
        let at = self.known.binary_search_by(|device| device.name.as_str().cmp(name)).ok()?;
        self.known.get_mut(at).filter(|device| device.shown)
    }

    /// The devices that were admitted, by name.
    pub fn shown(&mut self) -> impl Iterator<Item = &mut Device> {
        self.known.iter_mut().filter(|device| device.shown)
    }
}

// Marks the devices that are listed, collects the names of new ones, and counts both.
fn mark(directory: &OwnedFd, known: &mut [Device], fresh: &mut Vec<String>) -> Result<usize, Errno> {
    let mut buffer = [MaybeUninit::uninit(); LISTING];
    let mut entries = RawDir::new(directory, &mut buffer);
    let mut count = 0;
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name.starts_with(b".") {
            continue;
        }
        count += 1;
        match known.binary_search_by(|device| device.name.as_bytes().cmp(name)) {
            Ok(at) => known[at].seen = true,
            Err(_) if fresh.len() < MAX_ENTRIES => fresh.push(String::from_utf8_lossy(name).into_owned()),
            Err(_) => {}
        }
    }
    Ok(count)
}

impl Device {
    /// The number in file `file`.
    #[must_use]
    pub fn value<N: std::str::FromStr>(&mut self, file: usize) -> Option<N> {
        self.files.get_mut(file)?.value()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Roots;
    use super::*;

    #[test]
    fn devices_come_and_go() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::new(Roots { sysfs: directory.path().to_owned(), ..Roots::machine() });
        let mut devices = Devices::new(&host, "class/x", &["a", "deep/b"]);
        assert!(!devices.refresh(&host, |_| true).unwrap());
        let make = |name: &str, text: &str| {
            fs::create_dir_all(directory.path().join("class/x").join(name).join("deep")).unwrap();
            fs::write(directory.path().join("class/x").join(name).join("deep/b"), text).unwrap();
        };
        let mut state = |admits: fn(&str) -> bool| {
            assert!(devices.refresh(&host, admits).unwrap());
            devices.shown().map(|device| (device.name.clone(), device.value::<u32>(0), device.value(1))).collect::<Vec<_>>()
        };
        make("two", "2\n");
        make("not", "0");
        let admits = |name: &str| name != "not";
        assert_eq!(state(admits), [("two".to_owned(), None, Some(2))]);
        make("one", "1");
        make("two", "22");
        assert_eq!(state(admits), [("one".to_owned(), None, Some(1)), ("two".to_owned(), None, Some(22))]);
        fs::remove_dir_all(directory.path().join("class/x/two")).unwrap();
        assert_eq!(state(admits), [("one".to_owned(), None, Some(1))]);
        fs::remove_dir_all(directory.path().join("class/x/one")).unwrap();
        fs::remove_dir_all(directory.path().join("class/x/not")).unwrap();
        assert_eq!(state(admits), []);
    }

    #[test]
    fn the_machine_lists_its_own_devices_twice() {
        let host = Host::new(Roots::machine());
        let mut devices = Devices::new(&host, "class/net", &["mtu"]);
        for _ in 0..2 {
            assert!(devices.refresh(&host, |name| name == "lo").unwrap());
            let loopback: Vec<_> =
                devices.shown().map(|device| (device.name.clone(), device.value::<u32>(0).is_some())).collect();
            assert_eq!(loopback, [("lo".to_owned(), true)]);
        }
        assert!(devices.handle.is_some());
    }
}
