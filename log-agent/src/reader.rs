//! The reader's thread: lists, reads, parses, joins and fills batches, a piece of each container in turn. Where the sink
//! takes no more it stops reading, but goes on listing, and holds open what it has found.

mod desk;
mod log_file;
mod source;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::desk::{Bounds, Desk, Outbox};
use self::source::{Source, Turn};
use crate::bell::{Bell, Rung};
use crate::discover;
use crate::discover::watch::Watcher;
use crate::health::{Health, Part};
use crate::seldom::Seldom;
use crate::tail::Buffer;

/// A container that had something new is polled for so long; then its file is watched instead.
const ACTIVE: Duration = Duration::from_secs(2);
/// A quiet container whose folder and file are watched is looked at in every so many scans all the same: an event may be
/// lost. Runtimes keep logs on local disks, where that is rare, and a thousand quiet files must not cost a percent of a core.
const WATCHED_ROUNDS: usize = 10;
/// After so long a quiet, buffers are given back.
const REST_AFTER: Duration = Duration::from_secs(5);

/// How often things are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Tempo {
    /// Folders are listed and quiet files are read: what no file event told is found within this.
    pub scan: Duration,
    /// Busy files are read.
    pub poll: Duration,
    /// A file that is superseded is finished after so long without growth: its writer may not have noticed yet.
    pub grace: Duration,
}

impl Default for Tempo {
    fn default() -> Self {
        Self { scan: Duration::from_millis(900), poll: Duration::from_millis(100), grace: Duration::from_secs(5) }
    }
}

enum Target {
    Root,
    Folder(Arc<str>),
    File(Arc<str>),
}

/// Follows every container below a folder.
pub struct Reader {
    root: PathBuf,
    tempo: Tempo,
    bell: Arc<Bell>,
    watcher: Watcher,
    health: Health,
    desk: Desk,
    buffer: Buffer,
    sources: BTreeMap<Arc<str>, Source>,
    targets: HashMap<i32, Target>,
    next_scan: Instant,
    next_poll: Instant,
    /// The turn goes on with the source after this one.
    cursor: Option<Arc<str>>,
    has_more: bool,
    /// Scans so far.
    round: usize,
    is_root_due: bool,
    /// What is wrong with the input, and what was told of it.
    trouble: Option<String>,
    told: Option<String>,
    complaint: Seldom,
}

impl Reader {
    /// A reader of the containers in `root`.
    #[must_use]
    pub fn new(root: PathBuf, tempo: Tempo, bell: Arc<Bell>, watcher: Watcher, health: Health, desk: Desk) -> Self {
        let now = Instant::now();
        let mut reader = Self {
            root,
            tempo,
            bell,
            watcher,
            health,
            desk,
            buffer: Buffer::default(),
            sources: BTreeMap::new(),
            targets: HashMap::new(),
            next_scan: now,
            next_poll: now,
            cursor: None,
            has_more: false,
            round: 0,
            is_root_due: false,
            trouble: None,
            told: None,
            complaint: Seldom::default(),
        };
        if let Some(watch) = reader.watched(reader.watcher.folder(&reader.root)) {
            reader.targets.insert(watch, Target::Root);
        }
        reader
    }

    /// Reads until the bell says stop.
    pub fn run(mut self) {
        loop {
            let rung = self.bell.wait(self.wake_at());
            if rung.stop {
                // The end of a watch also wakes the thread that waits for events.
                self.targets.keys().for_each(|watch| self.watcher.remove(*watch));
                return self.desk.close();
            }
            self.hear(&rung);
            let now = Instant::now();
            if now >= self.next_scan || self.is_root_due {
                self.scan(now);
            }
            self.list();
            self.poll(now);
            self.desk.send_waiting();
            self.turns(now);
            if self.desk.due().is_some_and(|due| due <= now) {
                self.desk.close();
            }
            self.tell();
        }
    }

    fn tell(&mut self) {
        if self.trouble != self.told {
            match &self.trouble {
                Some(trouble) => self.health.troubled(Part::Input, trouble),
                None => self.health.well(Part::Input),
            }
            self.told.clone_from(&self.trouble);
        }
    }

    fn wake_at(&self) -> Instant {
        if self.has_more && self.desk.has_room() {
            return Instant::now();
        }
        [Some(self.next_scan), Some(self.next_poll), self.desk.due()].into_iter().flatten().min().unwrap_or(self.next_scan)
    }

    fn hear(&mut self, rung: &Rung) {
        let now = Instant::now();
        if rung.everything {
            self.is_root_due = true;
            for source in self.sources.values_mut() {
                (source.is_unlisted, source.is_due, source.hinted) = (true, true, now);
                // It may have seen its one event; a new one is had when the file is quiet again. Ending so many that have not
                // would make as many events.
                if let Some(watch) = source.file_watch.take() {
                    self.targets.remove(&watch);
                }
            }
        }
        for watch in &rung.watches {
            match self.targets.get(watch) {
                None => {}
                Some(Target::Root) => self.is_root_due = true,
                Some(Target::Folder(id)) => {
                    if let Some(source) = self.sources.get_mut(id) {
                        source.is_unlisted = true;
                        source.hinted = now;
                    }
                }
                Some(Target::File(id)) => {
                    if let Some(source) = self.sources.get_mut(id) {
                        (source.is_due, source.hinted, source.file_watch) = (true, now, None);
                    }
                    self.targets.remove(watch);
                }
            }
        }
    }

    /// Lists the root, and has every folder looked at and every container read.
    fn scan(&mut self, now: Instant) {
        self.next_scan = now + self.tempo.scan;
        self.is_root_due = false;
        self.trouble = None;
        match discover::containers(&self.root) {
            Ok(names) => self.known(names, now),
            Err(error) => {
                self.trouble = Some(format!(
                    "cannot list {}: {error}: containers are followed as far as they are known",
                    self.root.display()
                ))
            }
        }
        self.round += 1;
        for (number, source) in self.sources.values_mut().enumerate() {
            if source.is_watched() && !(self.round + number).is_multiple_of(WATCHED_ROUNDS) {
                continue;
            }
            source.is_due = true;
            source.is_unlisted |= source.is_gone;
            source.look((self.round + number).is_multiple_of(WATCHED_ROUNDS), &self.desk, now);
            // Cheap as long as the folder's stamp is the same.
            if !source.is_unlisted
                && let Err(error) = source.list(&mut self.desk)
            {
                self.trouble = Some(error.to_string());
            }
        }
        if self.sources.values().all(|source| now.duration_since(source.last_active()) > REST_AFTER) {
            self.desk.rest();
        }
    }

    fn known(&mut self, names: Vec<String>, now: Instant) {
        let mut gone: HashSet<Arc<str>> = self.sources.keys().cloned().collect();
        for name in names {
            gone.remove(name.as_str());
            match self.sources.get_mut(name.as_str()) {
                Some(source) if source.is_gone => (source.is_gone, source.is_unlisted) = (false, true),
                Some(_) => {}
                None => {
                    let source = Source::new(&name, self.root.join(&name), self.tempo.grace);
                    self.sources.insert(source.id.clone(), source);
                }
            }
        }
        for id in gone {
            if let Some(source) = self.sources.get_mut(&id) {
                if !source.is_gone {
                    (source.is_gone, source.is_unlisted, source.hinted) = (true, true, now);
                }
                if source.is_over() {
                    self.remove(&id);
                }
            }
        }
        // A watch is set before the folder is listed, so that nothing comes in between.
        let unwatched: Vec<Arc<str>> = self
            .sources
            .values()
            .filter(|source| source.folder_watch.is_none() && !source.is_gone)
            .map(|source| source.id.clone())
            .collect();
        for id in unwatched {
            let added = self.sources.get(&id).map_or(Ok(None), |source| self.watcher.folder(source.folder()));
            if let (Some(watch), Some(source)) = (self.watched(added), self.sources.get_mut(&id)) {
                source.folder_watch = Some(watch);
                self.targets.insert(watch, Target::Folder(id));
            }
        }
    }

    fn remove(&mut self, id: &str) {
        let Some(source) = self.sources.remove(id) else { return };
        for watch in [source.folder_watch, source.file_watch].into_iter().flatten() {
            self.watcher.remove(watch);
            self.targets.remove(&watch);
        }
    }

    /// What a watch could be had; without one, the scan finds what it would have told.
    fn watched(&mut self, added: io::Result<Option<i32>>) -> Option<i32> {
        added.unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound && self.complaint.may(Instant::now()) {
                tracing::warn!(%error, "no file events for some folders: they are looked at every second (see fs.inotify.max_user_watches)");
            }
            None
        })
    }

    /// Lists the folders that have changed.
    fn list(&mut self) {
        for source in self.sources.values_mut().filter(|source| source.is_unlisted) {
            if source.is_gone
                && let Some(watch) = source.folder_watch.take()
            {
                self.targets.remove(&watch);
            }
            if let Err(error) = source.list(&mut self.desk) {
                self.trouble = Some(error.to_string());
            }
        }
        for watch in self.sources.values_mut().filter_map(|source| source.stale_watch.take()) {
            self.watcher.remove(watch);
            self.targets.remove(&watch);
        }
    }

    /// Marks the busy containers as due, and watches the files of those that have become quiet.
    fn poll(&mut self, now: Instant) {
        if now < self.next_poll {
            return;
        }
        let mut quiet = Vec::new();
        let mut is_any_active = false;
        for source in self.sources.values_mut() {
            if now.duration_since(source.last_active()) < ACTIVE {
                source.is_due = true;
                is_any_active = true;
            } else if source.file_watch.is_none() && !source.is_gone {
                quiet.push(source.id.clone());
            }
        }
        self.next_poll = if is_any_active { now + self.tempo.poll } else { self.next_scan.max(now) };
        for id in quiet {
            let added = self.sources.get(&id).map_or(Ok(None), |source| self.watcher.file(source.path().as_ref()));
            if let (Some(watch), Some(source)) = (self.watched(added), self.sources.get_mut(&id)) {
                // Read once more: it may have been written just before.
                (source.file_watch, source.is_due) = (Some(watch), true);
                self.targets.insert(watch, Target::File(id));
            }
        }
    }

    /// Gives each container that is due its turn, beginning where the last round stopped.
    fn turns(&mut self, now: Instant) {
        self.has_more = self.sources.values().any(|source| source.is_due);
        if !self.has_more || !self.desk.has_room() {
            return;
        }
        let due: Vec<Arc<str>> = self.sources.values().filter(|source| source.is_due).map(|source| source.id.clone()).collect();
        let first = self.cursor.as_ref().map_or(0, |cursor| due.partition_point(|id| id <= cursor));
        self.has_more = false;
        for id in due.iter().cycle().skip(first).take(due.len()) {
            let Some(source) = self.sources.get_mut(id) else { continue };
            source.is_due = false;
            match source.turn(&mut self.buffer, &mut self.desk, now) {
                Ok(Turn::Done) => {}
                Ok(turn) => {
                    source.is_due = true;
                    self.has_more = true;
                    if turn == Turn::Blocked {
                        // It has filled the last batch; the next one is for its neighbours.
                        self.cursor = Some(id.clone());
                        break;
                    }
                }
                Err(error) => {
                    self.desk.ledger.count(|books| books.read_errors += 1);
                    self.trouble = Some(format!("cannot read {}: {error}", source.path()));
                }
            }
            self.has_more |= source.is_due;
            self.cursor = Some(id.clone());
        }
    }
}

#[cfg(test)]
mod tests;
