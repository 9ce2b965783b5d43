//! Searches and counts of what is committed, and their answers as Elasticsearch writes them. It understands no query: that
//! is done before.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Value as _};
use tantivy::{DateTime, DocAddress, Searcher, TantivyDocument, TantivyError, Term};

use super::data_directory::plain;
use super::document::{Fields, TIMESTAMP, split_key};
use super::failure::Failure;
use super::search_request::SearchRequest;

/// 10,000 lines of 3 KiB; who asks for more gets them in portions.
const MAX_ANSWER_BYTES: usize = 32 << 20;

#[derive(Serialize)]
struct Hit<'a> {
    #[serde(rename = "_index")]
    index: &'a str,
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(rename = "_score")]
    score: Option<f32>,
    #[serde(rename = "_source", skip_serializing_if = "Option::is_none")]
    source: Option<&'a RawValue>,
    sort: [i64; 1],
}

/// Runs a search; the answer is JSON.
///
/// # Errors
/// The index cannot be read, or the answer would be too long.
pub fn search(searcher: &Searcher, fields: &Fields, request: &SearchRequest) -> Result<Vec<u8>, Failure> {
    let begun = Instant::now();
    let (total, found) = find(searcher, request).map_err(|error| failed(&error))?;
    let mut hits = Vec::new();
    for (position, (time, address)) in found.into_iter().enumerate() {
        if position > 0 {
            hits.push(b',');
        }
        write_hit(searcher, fields, request.source, time, address, &mut hits)?;
        if hits.len() > MAX_ANSWER_BYTES {
            return Err(Failure::argument(format!("the answer has more than {MAX_ANSWER_BYTES} bytes: ask with a smaller size")));
        }
    }
    let head = json!({
        "took": milliseconds(begun), "timed_out": false, "_shards": shards(),
        "hits": { "total": { "value": total, "relation": "eq" }, "max_score": Value::Null },
    });
    // The hits go in where the two objects end.
    let mut answer = head.to_string().into_bytes();
    answer.truncate(answer.len() - 2);
    answer.extend_from_slice(b",\"hits\":[");
    answer.append(&mut hits);
    answer.extend_from_slice(b"]}}");
    Ok(answer)
}

type Found = Vec<(Option<DateTime>, DocAddress)>;

fn find(searcher: &Searcher, request: &SearchRequest) -> tantivy::Result<(usize, Found)> {
    if request.size == 0 {
        return Ok((request.query.count(searcher)?, Vec::new()));
    }
    let hits = TopDocs::with_limit(request.size).and_offset(request.from).order_by_fast_field(TIMESTAMP, request.order);
    searcher.search(&request.query, &(Count, hits))
}

fn write_hit(
    searcher: &Searcher,
    fields: &Fields,
    with_source: bool,
    time: Option<DateTime>,
    address: DocAddress,
    hits: &mut Vec<u8>,
) -> Result<(), Failure> {
    let document: TantivyDocument = searcher.doc(address).map_err(|error| failed(&error))?;
    let text = |field| document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default();
    let (index, id) = split_key(text(fields.key));
    let damaged = |error: serde_json::Error| failed(&TantivyError::InternalError(error.to_string()));
    let source = if with_source { Some(serde_json::from_str(text(fields.source)).map_err(damaged)?) } else { None };
    let sort = [time.map_or(0, DateTime::into_timestamp_millis)];
    serde_json::to_writer(hits, &Hit { index, id, score: None, source, sort }).map_err(damaged)
}

/// Counts the documents of a query; the answer is JSON.
///
/// # Errors
/// The index cannot be read.
pub fn count(searcher: &Searcher, query: &dyn Query) -> Result<Vec<u8>, Failure> {
    let count = query.count(searcher).map_err(|error| failed(&error))?;
    Ok(json!({ "count": count, "_shards": shards() }).to_string().into_bytes())
}

/// The indices and how many documents each has.
///
/// # Errors
/// The index cannot be read.
pub fn indices(searcher: &Searcher, fields: &Fields) -> tantivy::Result<BTreeMap<String, usize>> {
    let mut indices = BTreeMap::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(fields.index)?;
        let mut names = inverted.terms().stream()?;
        while names.advance() {
            indices.insert(String::from_utf8_lossy(names.key()).into_owned(), 0);
        }
    }
    for (name, documents) in &mut indices {
        let term = Term::from_field_text(fields.index, name);
        *documents = TermQuery::new(term, IndexRecordOption::Basic).count(searcher)?;
    }
    indices.retain(|_, documents| *documents > 0);
    Ok(indices)
}

/// What Elasticsearch says of the parts of an index; here there is one.
pub fn shards() -> Value {
    json!({ "total": 1, "successful": 1, "skipped": 0, "failed": 0 })
}

/// The index cannot be read, which is nobody's fault who asks.
pub fn failed(error: &TantivyError) -> Failure {
    match error {
        // The index refuses a query only here: a pattern whose automaton grows too large, for one.
        TantivyError::InvalidArgument(reason) => Failure::new(StatusCode::BAD_REQUEST, "query_shard_exception", reason.clone()),
        _ => Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "search_phase_execution_exception", plain(error)),
    }
}

fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
