//! Where lines become batches: the batch being filled, the one that waits for room, and the way out. It knows no files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::log_file::OpenFiles;
use crate::batch::{Batch, Spares};
use crate::ledger::{Ledger, Tally};
use crate::parse::Format;

/// What the sink takes from the reader.
pub type Outbox = mpsc::Sender<Batch>;

/// How much the reader may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Size of a batch, about.
    pub bulk_bytes: usize,
    /// Longest wait for more lines.
    pub flush_after: Duration,
    /// Files open at once.
    pub open_files: usize,
}

/// The reader's side of the way to the sink.
#[derive(Debug)]
pub struct Desk {
    /// The batch being filled.
    pub batch: Batch,
    /// How lines are taken apart.
    pub format: Format,
    /// The books.
    pub ledger: Arc<Ledger>,
    /// What was counted since the last entry in the books.
    pub tally: Tally,
    /// How many files may be open.
    pub open_files: OpenFiles,
    outbox: Outbox,
    spares: Arc<Spares>,
    waiting: Option<Batch>,
    bounds: Bounds,
    last_file: u64,
}

impl Desk {
    /// A desk whose batches go to `outbox` when they are as large or as old as `bounds` say.
    #[must_use]
    pub fn new(format: Format, ledger: Arc<Ledger>, outbox: Outbox, spares: Arc<Spares>, bounds: Bounds) -> Self {
        let batch = Batch::new(1, spares.take());
        Self {
            batch,
            format,
            ledger,
            tally: Tally::default(),
            outbox,
            spares,
            waiting: None,
            bounds,
            open_files: OpenFiles::new(bounds.open_files),
            last_file: 0,
        }
    }

    /// A number for another file.
    pub const fn next_file(&mut self) -> u64 {
        self.last_file += 1;
        self.last_file
    }

    /// Whether the batch at hand should go.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.batch.is_full(self.bounds.bulk_bytes)
    }

    /// Whether lines may be taken.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.waiting.is_none()
    }

    /// Enters what was counted into the books.
    pub fn enter(&mut self) {
        if self.tally != Tally::default() {
            self.ledger.tally(std::mem::take(&mut self.tally));
        }
    }

    /// Sends the batch at hand on its way, or lets it wait for room.
    pub fn close(&mut self) {
        self.enter();
        if self.batch.is_empty() || self.waiting.is_some() {
            return;
        }
        let next = Batch::new(self.batch.number + 1, self.spares.take());
        let batch = std::mem::replace(&mut self.batch, next);
        self.ledger.queued(&batch);
        self.waiting = Some(batch);
        self.send_waiting();
    }

    /// Sends the batch that waits, if there is room now.
    pub fn send_waiting(&mut self) {
        if let Some(batch) = self.waiting.take()
            && let Err(mpsc::error::TrySendError::Full(batch)) = self.outbox.try_send(batch)
        {
            self.waiting = Some(batch);
        }
    }

    /// When the batch at hand has waited long enough for more lines; `None`: there is nothing in it, or no room for it.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        (self.has_room() && !self.batch.is_empty()).then(|| self.batch.begun + self.bounds.flush_after)
    }

    /// Gives unused memory back, when nothing was to be done for a while.
    pub fn rest(&mut self) {
        self.spares.clear();
        if self.batch.is_empty() {
            self.batch.body = Vec::new();
            self.batch.ends = Vec::new();
        }
    }
}
