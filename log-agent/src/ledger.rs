//! The books: for every file the three marks (read, sent, acknowledged), for every line its fate. Acknowledged marks move
//! in file order only, whatever order the sink answers in. It is told things and asked things; it does no work itself.

mod books;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use books::{Books, Reason, Tally};

use crate::batch::Batch;
use crate::checkpoint::Entry;
use crate::generation::{GenerationId, Guard};
use crate::join::Place;

/// A checkpoint entry of a file that has not been seen again is kept this long: a folder may be mounted late, and after
/// a day its lines are either rotated away or told apart by their ids.
const KEEP_UNSEEN_SECONDS: i64 = 24 * 3600;

/// One file as the ledger knows it.
#[derive(Clone, Debug)]
pub struct FileMarks {
    /// The container it belongs to.
    pub source: Arc<str>,
    /// The name under which its documents go.
    pub path: Arc<str>,
    /// Its generation.
    pub generation: GenerationId,
    /// Read up to here.
    pub read: u64,
    /// Sent up to here, acknowledged or not.
    pub sent: u64,
    /// Acknowledged up to here: what a checkpoint holds.
    pub acknowledged: u64,
    /// What stands before the acknowledged mark.
    pub guard: Guard,
    /// Its size when it was last looked at.
    pub size: u64,
    /// Since when there are lines that are not read, in milliseconds since 1970.
    pub behind_since: Option<i64>,
    queue: VecDeque<Queued>,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    batch: u64,
    end: u64,
    guard: Guard,
    first_millis: Option<i64>,
    is_delivered: bool,
}

impl FileMarks {
    /// A file of which everything before `start` is acknowledged.
    #[must_use]
    pub fn new(source: Arc<str>, path: Arc<str>, generation: GenerationId, (offset, guard): (u64, Guard), size: u64) -> Self {
        Self {
            source,
            path,
            generation,
            read: offset,
            sent: offset,
            acknowledged: offset,
            guard,
            size,
            behind_since: None,
            queue: VecDeque::new(),
        }
    }

    /// Whether all that was read is acknowledged.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.acknowledged == self.read
    }

    /// When its oldest line that is not acknowledged was written, or found.
    #[must_use]
    pub fn oldest_millis(&self) -> Option<i64> {
        let queued = self.queue.iter().find_map(|queued| queued.first_millis);
        queued.or(self.behind_since)
    }

    fn delivered(&mut self, batch: u64) -> bool {
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.batch == batch) {
            queued.is_delivered = true;
        }
        let before = self.acknowledged;
        while let Some(queued) = self.queue.front().filter(|queued| queued.is_delivered) {
            (self.acknowledged, self.guard) = (queued.end, queued.guard);
            self.queue.pop_front();
        }
        self.acknowledged != before
    }
}

/// Shared by the reader, the sink, the checkpoint and the pages.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    books: Books,
    files: HashMap<u64, FileMarks>,
    /// Entries of the checkpoint that no file has claimed, by source.
    unclaimed: HashMap<String, Vec<Entry>>,
    version: u64,
}

impl Ledger {
    /// Starts from the entries of a checkpoint.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut unclaimed: HashMap<String, Vec<Entry>> = HashMap::new();
        for entry in entries {
            unclaimed.entry(entry.source.clone()).or_default().push(entry);
        }
        Self(Mutex::new(Inner { unclaimed, ..Inner::default() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the checkpoint says of this generation, until a file that holds it is opened.
    #[must_use]
    pub fn restored(&self, source: &str, generation: GenerationId) -> Option<Entry> {
        self.inner().unclaimed.get(source)?.iter().find(|entry| entry.generation == generation).cloned()
    }

    /// A file is read from now on.
    pub fn opened(&self, file: u64, marks: FileMarks) {
        let mut inner = self.inner();
        if let Some(entries) = inner.unclaimed.get_mut(&*marks.source) {
            entries.retain(|entry| entry.generation != marks.generation);
        }
        inner.files.insert(file, marks);
        inner.version += 1;
    }

    /// Every file of the source is opened: entries that none has claimed are of files that were deleted. Gives back how many
    /// of their bytes were not acknowledged.
    pub fn missing(&self, source: &str) -> u64 {
        let mut inner = self.inner();
        let lost = inner.unclaimed.remove(source).unwrap_or_default().iter().map(Entry::unread).sum();
        inner.books.lost_bytes += lost;
        lost
    }

    /// A file has this size now.
    pub fn grown(&self, file: u64, size: u64) {
        let mut inner = self.inner();
        if let Some(marks) = inner.files.get_mut(&file) {
            marks.size = size;
            inner.version += 1;
        }
    }

    /// A file was read up to `read` of its `size`; `behind_since` says when lines were first left unread.
    pub fn observed(&self, file: u64, read: u64, size: u64, behind_since: Option<i64>) {
        let mut inner = self.inner();
        if let Some(marks) = inner.files.get_mut(&file) {
            let is_new = size != marks.size;
            (marks.read, marks.size) = (read, size);
            marks.behind_since = behind_since.and_then(|now| marks.behind_since.or(Some(now)));
            inner.version += u64::from(is_new);
        }
    }

    /// Lines were taken from files, or dropped.
    pub fn tally(&self, tally: Tally) {
        self.inner().books.take(tally);
    }

    /// A batch is on its way to the sink.
    pub fn queued(&self, batch: &Batch) {
        let mut inner = self.inner();
        for mark in &batch.marks {
            let Place { file, offset, guard } = mark.end;
            if let Some(marks) = inner.files.get_mut(&file) {
                marks.queue.push_back(Queued {
                    batch: batch.number,
                    end: offset,
                    guard,
                    first_millis: mark.first_millis,
                    is_delivered: false,
                });
            }
        }
    }

    /// A batch is sent for the first time.
    pub fn sent(&self, batch: &Batch) {
        let mut inner = self.inner();
        for mark in &batch.marks {
            if let Some(marks) = inner.files.get_mut(&mark.end.file) {
                marks.sent = marks.sent.max(mark.end.offset);
            }
        }
    }

    /// Every line of a batch has its fate: marks move.
    pub fn delivered(&self, batch: &Batch) {
        let mut inner = self.inner();
        let mut moved = false;
        for mark in &batch.marks {
            moved |= inner.files.get_mut(&mark.end.file).is_some_and(|marks| marks.delivered(batch.number));
        }
        inner.version += u64::from(moved);
    }

    /// So many lines are stored, of which `existed` were there already.
    pub fn stored(&self, lines: u64, existed: u64) {
        self.inner().books.stored(lines, existed);
    }

    /// So many lines are kept as dead letters.
    pub fn dead(&self, lines: u64) {
        self.inner().books.dead(lines);
    }

    /// Changes the counts that are no fates of lines.
    pub fn count(&self, change: impl FnOnce(&mut Books)) {
        change(&mut self.inner().books);
    }

    /// Whether all that was read of the file is acknowledged; a file that nobody knows is.
    #[must_use]
    pub fn is_settled(&self, file: u64) -> bool {
        self.inner().files.get(&file).is_none_or(FileMarks::is_settled)
    }

    /// The file is gone, and everything in it has its fate.
    pub fn forget(&self, file: u64) {
        let mut inner = self.inner();
        inner.files.remove(&file);
        inner.version += 1;
    }

    /// The counts, and every file.
    #[must_use]
    pub fn view(&self) -> (Books, Vec<FileMarks>) {
        let inner = self.inner();
        (inner.books, inner.files.values().cloned().collect())
    }

    /// A number that is another one when the checkpoint is.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.inner().version
    }

    /// What the checkpoint is to hold, at `now` in seconds since 1970.
    #[must_use]
    pub fn entries(&self, now: i64) -> Vec<Entry> {
        let mut inner = self.inner();
        let Inner { books, unclaimed, .. } = &mut *inner;
        for entries in unclaimed.values_mut() {
            for entry in entries.extract_if(.., |entry| now.saturating_sub(entry.seen) >= KEEP_UNSEEN_SECONDS) {
                // Its container is gone too.
                books.lost_bytes += entry.unread();
            }
        }
        unclaimed.retain(|_, entries| !entries.is_empty());
        let files = inner.files.values().map(|marks| Entry {
            source: marks.source.to_string(),
            path: marks.path.to_string(),
            generation: marks.generation,
            acknowledged: marks.acknowledged,
            size: marks.size.max(marks.acknowledged),
            guard: marks.guard,
            seen: now,
        });
        let mut entries: Vec<Entry> = files.chain(inner.unclaimed.values().flatten().cloned()).collect();
        entries.sort_by(|one, two| (&one.source, one.generation).cmp(&(&two.source, two.generation)));
        entries
    }
}

#[cfg(test)]
mod tests;
