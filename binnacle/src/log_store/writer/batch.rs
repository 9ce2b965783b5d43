//! The documents of one commit: each item of its bulk bodies judged and handed to the index. Ids are looked up among what
//! is committed and among what this commit has taken so far. It commits nothing itself.

use std::collections::HashSet;
use std::sync::Arc;

use tantivy::index::{InvertedIndexReader, SegmentReader};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet as _, IndexWriter, TERMINATED, Term};

use super::queue::Answer;
use crate::log_store::bulk::{self, Action, Item, Outcome, Verdict};
use crate::log_store::data_directory::DataDirectory;
use crate::log_store::document::{self, Document, Fields};

/// What is being written.
pub struct Batch<'a> {
    index_writer: &'a IndexWriter,
    fields: Fields,
    committed: Vec<(SegmentReader, Arc<InvertedIndexReader>)>,
    taken: HashSet<String>,
    changed: bool,
}

impl<'a> Batch<'a> {
    /// An empty one on top of what is committed.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn new(directory: &DataDirectory, index_writer: &'a IndexWriter) -> tantivy::Result<Self> {
        let (searcher, fields) = (directory.searcher(), directory.fields());
        let keys = |segment: &SegmentReader| Ok((segment.clone(), segment.inverted_index(fields.key)?));
        let committed = searcher.segment_readers().iter().map(keys).collect::<tantivy::Result<_>>()?;
        Ok(Self { index_writer, fields, committed, taken: HashSet::new(), changed: false })
    }

    /// Whether there is anything to commit.
    pub const fn changed(&self) -> bool {
        self.changed
    }

    /// Takes the items of one body. The inner error is the sender's: a body that is none.
    ///
    /// # Errors
    /// The index cannot be read or takes no more.
    pub fn write(&mut self, body: &[u8], index: Option<&str>) -> tantivy::Result<Answer> {
        match bulk::parse(body, index) {
            Ok(items) => items.into_iter().map(|item| self.take(item)).collect::<tantivy::Result<_>>().map(Ok),
            Err(failure) => Ok(Err(failure)),
        }
    }

    fn take(&mut self, item: Item<'_>) -> tantivy::Result<Verdict> {
        let Item { action, index, id, source } = item;
        let parsed = source.and_then(|source| match Document::parse(source) {
            Ok(document) => Ok((source, document)),
            Err(reason) => Err(bulk::unreadable(&reason)),
        });
        let given = id.is_some();
        let id = id.map_or_else(|| format!("{:032x}", rand::random::<u128>()), Into::into);
        let (source, document) = match parsed {
            Ok(parsed) => parsed,
            Err(failure) => return Ok(Verdict { action, index: index.into(), id, outcome: Outcome::Failed(failure) }),
        };
        let key = document::key(&index, &id);
        // Nobody else can have an id that was drawn from 2^128.
        let known = given && (self.taken.contains(&key) || self.is_committed(&key)?);
        let outcome = match (known, action) {
            (true, Action::Create) => Outcome::Conflict,
            (true, Action::Index) => Outcome::Updated,
            (false, _) => Outcome::Created,
        };
        if outcome == Outcome::Updated {
            self.index_writer.delete_term(Term::from_field_text(self.fields.key, &key));
        }
        if outcome != Outcome::Conflict {
            self.index_writer.add_document(document.into_tantivy(&self.fields, &key, &index, source))?;
            self.changed = true;
            if given {
                self.taken.insert(key);
            }
        }
        Ok(Verdict { action, index: index.into(), id, outcome })
    }

    fn is_committed(&self, key: &str) -> tantivy::Result<bool> {
        let term = Term::from_field_text(self.fields.key, key);
        for (segment, keys) in &self.committed {
            let Some(mut documents) = keys.read_postings(&term, IndexRecordOption::Basic)? else { continue };
            while documents.doc() != TERMINATED {
                if !segment.is_deleted(documents.doc()) {
                    return Ok(true);
                }
                documents.advance();
            }
        }
        Ok(false)
    }
}
