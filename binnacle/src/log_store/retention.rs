//! How the store stays below its bound: which of the oldest documents go. Documents of one instant go together; who sends
//! millions of lines with one and the same time loses them together.

use std::ops::Bound;

use jiff::Timestamp;
use tantivy::collector::TopDocs;
use tantivy::query::RangeQuery;
use tantivy::schema::Field;
use tantivy::{DateTime, Order, Searcher, Term};

use super::document::TIMESTAMP;

/// The part that goes at once, so that it is not done for every document.
const DROPPED_PART: u64 = 20;
/// Documents that go in one round: each is 16 bytes while the oldest are sought.
const MAX_ROUND: u64 = 100_000;

/// The time up to which documents are to go; none if there are at most `max_documents`.
///
/// # Errors
/// The index cannot be read.
pub fn cutoff(searcher: &Searcher, max_documents: u64) -> tantivy::Result<Option<DateTime>> {
    let surplus = searcher.num_docs().saturating_sub(max_documents);
    if surplus == 0 {
        return Ok(None);
    }
    let round = (surplus + max_documents / DROPPED_PART).min(MAX_ROUND);
    let oldest = TopDocs::with_limit(usize::try_from(round).unwrap_or(1)).order_by_fast_field(TIMESTAMP, Order::Asc);
    Ok(searcher.search(&tantivy::query::AllQuery, &oldest)?.pop().and_then(|(time, _)| time))
}

/// The documents that go.
pub fn until(timestamp: Field, cutoff: DateTime) -> RangeQuery {
    RangeQuery::new(Bound::Unbounded, Bound::Included(Term::from_field_date(timestamp, cutoff)))
}

/// A time as people read it.
pub fn shown(time: DateTime) -> String {
    Timestamp::from_nanosecond(time.into_timestamp_nanos().into()).map_or_else(|_| format!("{time:?}"), |time| time.to_string())
}
