//! The data directory: made, locked, checked for room, and the index in it opened for reading and for writing. It decides
//! neither what is written nor when.

mod index_files;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tantivy::directory::error::{OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::index::SegmentComponent;
use tantivy::indexer::IndexWriterOptions;
use tantivy::merge_policy::LogMergePolicy;
use tantivy::{Directory as _, Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyError};

use super::Error;
use super::document::{self, Fields};

use index_files::IndexFiles;

/// Held locked by the process that uses the directory. The dot keeps it out of the index's own housekeeping.
const LOCK: &str = ".log-store.lock";
/// Written and removed to learn whether there is room.
const PROBE: &str = ".log-store.probe";
/// Room without which nothing is begun: a small commit with its merge. Less would pass here and fail at the first line.
const ROOM_BYTES: usize = 1 << 20;
/// What the index calls files that it was still writing when the process was killed.
const UNFINISHED: &str = ".tmp";
/// Decompressed blocks of 16 KiB kept for each segment: a page of hits reads neighbours, the next search reads others.
const CACHED_BLOCKS: usize = 4;
/// The least that the index takes for the documents of a commit; more only helps commits larger than any that come here.
const WRITER_BYTES: usize = 15_000_000;
/// Segments of a size are merged when there are this many: at one or two commits a second, a merge every few seconds.
const MERGED_SEGMENTS: usize = 8;
/// Of `max_documents` segments grow to this part, so that the oldest go as whole files.
const LARGEST_SEGMENT_PART: u64 = 20;
/// A segment is written anew when this part of it is deleted.
const DELETED_PART: f32 = 0.5;

/// An open index in a directory that is ours alone.
pub struct DataDirectory {
    path: PathBuf,
    index: Index,
    reader: IndexReader,
    fields: Fields,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if it is not there, takes it, and opens the index in it or begins one.
    ///
    /// # Errors
    /// It cannot be written, another process has it, or what is there is no index of ours.
    pub fn open(path: PathBuf) -> Result<Self, Error> {
        let unusable = |cause| Error::DataDirectory { path: path.clone(), cause };
        fs::create_dir_all(&path).map_err(unusable)?;
        let lock = File::create(path.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path }),
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
        remove_unfinished(&path).map_err(unusable)?;
        need_room(&path).map_err(unusable)?;
        let (schema, fields) = document::schema();
        // A file that was cut short can make the index's own code panic where it trusts lengths.
        let opened = catch_unwind(AssertUnwindSafe(|| open_index(&path, &schema)));
        let unreadable = |reason: String| Error::Unreadable { path: path.clone(), reason };
        let (index, reader) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(OpenError::Foreign(reason))) => return Err(unreadable(reason.to_owned())),
            Ok(Err(OpenError::Index(error))) => {
                return Err(match system_error(&error) {
                    Some(source) if !is_damage(source.kind()) => unusable(io::Error::new(source.kind(), source.to_string())),
                    _ => unreadable(plain(&error)),
                });
            }
            Err(_) => return Err(unreadable("its files are damaged".to_owned())),
        };
        Ok(Self { path, index, reader, fields, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The index's fields.
    pub const fn fields(&self) -> Fields {
        self.fields
    }

    /// What was committed when [`Self::reload`] was last called.
    pub fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Makes what was committed since visible to searches.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn reload(&self) -> tantivy::Result<()> {
        self.reader.reload()
    }

    /// A writer for an index of about `max_documents`. What an earlier writer left unfinished is removed.
    ///
    /// # Errors
    /// The index cannot be read, or no thread can be started.
    pub fn writer(&self, max_documents: u64) -> tantivy::Result<IndexWriter> {
        let options =
            IndexWriterOptions::builder().num_worker_threads(1).num_merge_threads(1).memory_budget_per_thread(WRITER_BYTES);
        // A process that was killed between a commit and its last sync left one that only memory holds; whoever is told that
        // a document is there must find it there after a power failure too.
        self.sync()?;
        let writer = self.index.writer_with_options(options.build())?;
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(MERGED_SEGMENTS);
        policy.set_max_docs_before_merge(usize::try_from(max_documents / LARGEST_SEGMENT_PART).unwrap_or(usize::MAX));
        policy.set_del_docs_ratio_before_merge(DELETED_PART);
        writer.set_merge_policy(Box::new(policy));
        // On a full disk this makes the room in which the next commit succeeds; a failure shows there.
        let _removed = writer.garbage_collect_files().wait();
        Ok(writer)
    }

    /// Makes the newest commit's file name survive a power failure; its contents already do.
    ///
    /// # Errors
    /// The system cannot.
    pub fn sync(&self) -> io::Result<()> {
        self.index.directory().sync_directory()
    }

    /// Whether the directory can be written and has room.
    ///
    /// # Errors
    /// It cannot, or has not.
    pub fn need_room(&self) -> io::Result<()> {
        need_room(&self.path)
    }
}

enum OpenError {
    Foreign(&'static str),
    Index(TantivyError),
}

impl<E: Into<TantivyError>> From<E> for OpenError {
    fn from(error: E) -> Self {
        Self::Index(error.into())
    }
}

fn open_index(path: &Path, schema: &tantivy::schema::Schema) -> Result<(Index, IndexReader), OpenError> {
    let directory = IndexFiles::open(path)?;
    let mut index = if Index::exists(&directory)? {
        Index::open(directory)?
    } else if !directory.segments()?.is_empty() {
        return Err(OpenError::Foreign("meta.json is missing"));
    } else {
        // A thread for each commit's compression would cost more than it compresses.
        let settings = IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
        Index::create(directory, schema.clone(), settings)?
    };
    if index.schema() != *schema {
        return Err(OpenError::Foreign("it was made by another program or another version of this one"));
    }
    index.set_tokenizers(document::tokenizers());
    for segment in index.searchable_segments()? {
        // The reader takes a missing file of positions for one of a field without phrases, and fails at the first phrase.
        segment.open_read(SegmentComponent::Positions)?;
    }
    let reader =
        index.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(CACHED_BLOCKS).try_into()?;
    Ok((index, reader))
}

fn remove_unfinished(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn need_room(path: &Path) -> io::Result<()> {
    let probe = path.join(PROBE);
    let written = File::create(&probe).and_then(|mut file| {
        file.write_all(&vec![0; ROOM_BYTES])?;
        file.sync_data()
    });
    // Whatever came of it must not take the room that is missing.
    let removed = fs::remove_file(&probe);
    written.and(removed)
}

/// Kinds with which damaged files show themselves, where other kinds mean that they could not be read at all.
const fn is_damage(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other)
}

/// What went wrong, without the index's own names for it where the system gave the reason.
pub fn plain(error: &TantivyError) -> String {
    match (system_error(error), error) {
        (Some(cause), _) => cause.to_string(),
        (None, TantivyError::InternalError(reason) | TantivyError::SystemError(reason) | TantivyError::ErrorInThread(reason)) => {
            reason.clone()
        }
        (None, error) => error.to_string(),
    }
}

fn system_error(error: &TantivyError) -> Option<&io::Error> {
    match error {
        TantivyError::IoError(source)
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error: source, .. })
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error: source, .. })
        | TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error: source, .. }) => Some(source),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
