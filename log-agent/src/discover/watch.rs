//! Hints of file events from inotify: folders in which files come and go, and quiet files that are written again. Files are
//! watched for one event only and then polled while they are busy, so that a thousand writes cost one wake-up. The crate
//! notify always asks for every open, write and close in a folder, which would wake us for each line and for our own
//! reads. Where inotify is not to be had, or its limits are used up, listing once a second still finds everything.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use crate::bell::Bell;

/// Room for a few hundred events at once; more are read in the next turn.
const EVENTS_BYTES: usize = 8 * 1024;

/// Adds and removes watches.
#[derive(Clone, Debug)]
pub struct Watcher(Option<Arc<OwnedFd>>);

impl Watcher {
    /// A watcher, if the system gives one.
    ///
    /// # Errors
    /// It does not: no inotify, or its limit of instances is used up. [`Watcher::blind`] does without.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Some(Arc::new(inotify::init(CreateFlags::CLOEXEC)?))))
    }

    /// A watcher that sees nothing.
    #[must_use]
    pub const fn blind() -> Self {
        Self(None)
    }

    /// Watches a folder for files that come, go or are renamed.
    ///
    /// # Errors
    /// The limit of watches is used up, or the folder is gone.
    pub fn folder(&self, folder: &Path) -> io::Result<Option<i32>> {
        self.add(
            folder,
            WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE | WatchFlags::ONLYDIR,
        )
    }

    /// Watches a file for the next time it is written.
    ///
    /// # Errors
    /// As for [`Self::folder`].
    pub fn file(&self, file: &Path) -> io::Result<Option<i32>> {
        self.add(file, WatchFlags::MODIFY | WatchFlags::ONESHOT)
    }

    fn add(&self, path: &Path, flags: WatchFlags) -> io::Result<Option<i32>> {
        self.0.as_ref().map(|inotify| inotify::add_watch(inotify, path, flags)).transpose().map_err(io::Error::from)
    }

    /// Ends a watch. One that has ended by itself is no fault.
    pub fn remove(&self, watch: i32) {
        if let Some(inotify) = &self.0 {
            let _removed = inotify::remove_watch(inotify, watch);
        }
    }

    /// Rings `bell` for every event, and ends with the first one after the bell has rung for the end: ending any watch is
    /// such an event. Waits in the kernel, so it wants a thread of its own.
    ///
    /// # Errors
    /// Events can no longer be read.
    pub fn listen(&self, bell: &Bell) -> io::Result<()> {
        let Some(inotify) = &self.0 else { return Ok(()) };
        let mut buffer = [MaybeUninit::uninit(); EVENTS_BYTES];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        while !bell.is_stopped() {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => bell.everything(),
                Ok(event) => bell.watch(event.wd()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn events_ring_the_bell() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let (watcher, bell) = (Watcher::new().unwrap(), Arc::new(Bell::default()));
        let folder_watch = watcher.folder(folder.path()).unwrap().unwrap();
        let file_watch = watcher.file(&file).unwrap().unwrap();
        let listening = std::thread::spawn({
            let (watcher, bell) = (watcher.clone(), bell.clone());
            move || watcher.listen(&bell)
        });
        std::fs::write(&file, "more").unwrap();
        std::fs::write(folder.path().join("new"), "").unwrap();
        let mut seen = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !(seen.contains(&folder_watch) && seen.contains(&file_watch)) {
            assert!(Instant::now() < deadline, "only {seen:?}");
            seen.extend(bell.wait(deadline).watches);
        }
        bell.stop();
        watcher.remove(folder_watch);
        watcher.remove(folder_watch);
        listening.join().unwrap().unwrap();
        assert_eq!(Watcher::blind().folder(folder.path()).unwrap(), None);
    }
}
