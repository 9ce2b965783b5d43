//! The one thread that writes the index. It commits in groups: the bulk requests that come while a commit is not yet due
//! share the next one, and each is answered after the commit that holds it. When a commit fails, for want of room or right,
//! all of its requests fail, the store says so, and the next request tries again.

mod batch;
mod queue;

use std::sync::Arc;
use std::time::{Duration, Instant};

use daemon::admin::Readiness;
use tantivy::IndexWriter;

use super::Error;
use super::data_directory::{DataDirectory, plain};
use super::failure::Failure;
use super::metrics::Metrics;
use super::retention;

use batch::Batch;
use queue::{Answer, Bulk, Next, Orders};
pub use queue::{Bulks, MAX_BODY_BYTES};

/// This long after the last commit its merges are done; their old files are let go of then.
const SETTLE: Duration = Duration::from_secs(5);
/// While the directory cannot be written and nobody sends, this is how often it is tried.
const RETRY: Duration = Duration::from_secs(2);

/// The thread's state.
pub struct Writer {
    directory: Arc<DataDirectory>,
    metrics: Metrics,
    commit_interval: Duration,
    max_documents: u64,
    orders: Orders,
    readiness: Readiness,
    /// None after a failure, until it has been opened again.
    index_writer: Option<IndexWriter>,
    last_commit: Option<Instant>,
    /// Whether no file is left that only an old searcher holds.
    settled: bool,
}

impl Writer {
    /// A writer that is ready to run, and the way to it.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn new(
        directory: Arc<DataDirectory>,
        metrics: Metrics,
        commit_interval: Duration,
        max_documents: u64,
    ) -> Result<(Self, Bulks), Error> {
        let unreadable = |error| Error::Unreadable { path: directory.path().to_owned(), reason: plain(&error) };
        let index_writer = directory.writer(max_documents).map_err(unreadable)?;
        let (bulks, orders) = queue::new();
        let readiness = Readiness::default();
        readiness.ready();
        metrics.holds(directory.searcher().num_docs());
        let writer = Self {
            directory,
            metrics,
            commit_interval,
            max_documents,
            orders,
            readiness,
            index_writer: Some(index_writer),
            last_commit: None,
            settled: true,
        };
        Ok((writer, bulks))
    }

    /// Whether the index can be written.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Works until [`Bulks::stop`], and then through what is still waiting.
    pub fn run(&mut self) {
        self.drop_oldest();
        loop {
            let patience = match &self.index_writer {
                None => Some(RETRY),
                Some(_) if !self.settled => Some(SETTLE),
                Some(_) => None,
            };
            match self.orders.next(patience) {
                Next::Bulk(first) => self.group(first),
                Next::Nothing if self.index_writer.is_none() => self.recover(),
                Next::Nothing => self.settle(),
                Next::Stop => return,
            }
        }
    }

    /// Writes `first` and what else comes until a commit is due, commits, and answers.
    fn group(&mut self, first: Bulk) {
        let due = self.last_commit.map(|at| at + self.commit_interval);
        let group = self.orders.gather(first, due);
        let begun = Instant::now();
        match self.write(&group) {
            Ok((answers, committed)) => {
                if committed {
                    self.metrics.committed(begun.elapsed());
                    self.healthy();
                }
                for (bulk, answer) in group.into_iter().zip(answers) {
                    self.answer(bulk, answer);
                }
                if committed {
                    self.drop_oldest();
                }
            }
            Err(error) => {
                let failure = self.trouble(&plain(&error));
                for bulk in group {
                    self.answer(bulk, Err(failure.clone()));
                }
            }
        }
    }

    fn answer(&self, bulk: Bulk, answer: Answer) {
        self.metrics.answered(&answer);
        // A sender that is gone asks again, and learns then that its documents are there.
        let _gone = bulk.answer.send(answer);
    }

    /// The verdicts on each request, and whether there was anything to commit.
    fn write(&mut self, group: &[Bulk]) -> tantivy::Result<(Vec<Answer>, bool)> {
        let index_writer = match self.index_writer.take() {
            Some(index_writer) => index_writer,
            None => self.reopened()?,
        };
        let index_writer = self.index_writer.insert(index_writer);
        let mut batch = Batch::new(&self.directory, index_writer)?;
        let answers: tantivy::Result<Vec<Answer>> =
            group.iter().map(|bulk| batch.write(&bulk.body, bulk.index.as_deref())).collect();
        let changed = batch.changed();
        match answers {
            Ok(answers) if changed => self.commit().map(|()| (answers, true)),
            Ok(answers) => Ok((answers, false)),
            // The thread that failed keeps the reason, and a commit asks it.
            Err(error) => Err(index_writer.commit().err().unwrap_or(error)),
        }
    }

    /// Puts on disk, and shows to searches, what was written since the last time.
    fn commit(&mut self) -> tantivy::Result<()> {
        if let Some(index_writer) = &mut self.index_writer {
            index_writer.commit()?;
        }
        self.last_commit = Some(Instant::now());
        self.settled = false;
        self.directory.sync()?;
        self.directory.reload()?;
        self.metrics.holds(self.directory.searcher().num_docs());
        Ok(())
    }

    fn reopened(&self) -> tantivy::Result<IndexWriter> {
        let index_writer = self.directory.writer(self.max_documents)?;
        // The last commit may have reached the disk although it was reported as failed.
        self.directory.reload()?;
        Ok(index_writer)
    }

    fn recover(&mut self) {
        let reopened = self.directory.need_room().map_err(|error| error.to_string());
        match reopened.and_then(|()| self.reopened().map_err(|error| plain(&error))) {
            Ok(index_writer) => {
                self.index_writer = Some(index_writer);
                self.healthy();
            }
            Err(reason) => {
                self.trouble(&reason);
            }
        }
    }

    fn settle(&mut self) {
        self.settled = true;
        if let Err(error) = self.directory.reload() {
            tracing::warn!(error = plain(&error), "cannot read the index anew");
        }
    }

    /// Holds the number of documents below its bound.
    fn drop_oldest(&mut self) {
        if let Err(error) = self.try_drop_oldest() {
            self.trouble(&plain(&error));
        }
    }

    fn try_drop_oldest(&mut self) -> tantivy::Result<()> {
        loop {
            let searcher = self.directory.searcher();
            let documents = searcher.num_docs();
            let (Some(cutoff), Some(index_writer)) =
                (retention::cutoff(&searcher, self.max_documents)?, self.index_writer.as_mut())
            else {
                return Ok(());
            };
            index_writer.delete_query(Box::new(retention::until(self.directory.fields().timestamp, cutoff)))?;
            self.commit()?;
            let dropped = documents.saturating_sub(self.directory.searcher().num_docs());
            self.metrics.dropped(dropped);
            tracing::info!(
                dropped,
                until = retention::shown(cutoff),
                "dropped the oldest documents to stay below --max-documents"
            );
            if dropped == 0 {
                return Ok(());
            }
        }
    }

    fn healthy(&self) {
        if self.readiness.get().is_err() {
            tracing::info!(data_dir = %self.directory.path().display(), "the index can be written again");
        }
        self.readiness.ready();
    }

    /// What senders are told, now and until a commit succeeds.
    fn trouble(&mut self, reason: &str) -> Failure {
        let path = self.directory.path().display();
        let reason = format!("cannot write in {path}: {reason}: make room or give the right to write there; it is tried again");
        if self.readiness.get().is_ok() {
            tracing::warn!(reason, "bulk requests are refused");
        }
        self.readiness.troubled(reason.as_str());
        if let Some(index_writer) = self.index_writer.take() {
            // A merge that ended later would write the list of files behind the next writer's back. What it says of
            // itself adds nothing to the reason.
            let _merged = index_writer.wait_merging_threads();
        }
        Failure::unavailable(reason)
    }
}
