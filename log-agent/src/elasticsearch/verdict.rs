//! What becomes of one item of a bulk request, by the status and error that the server gives it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The fate of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server has it.
    Stored,
    /// The server had it before, under its id: an earlier try got through.
    Existed,
    /// The server is busy: this item again, and no other.
    Again,
    /// Something is wrong with the index or the rights, not with the item: again, and a human is needed.
    Parked,
    /// The server will never take it.
    Dead,
}

/// Errors with status 400 that are no fault of the document: a closed index, a wrong name, too many shards.
const NOT_THE_DOCUMENT: &[&str] =
    &["index_closed_exception", "invalid_index_name_exception", "validation_exception", "invalid_alias_name_exception"];

/// The fate of an item that was to be created.
#[must_use]
pub fn fate(status: u16, error_type: &str) -> Fate {
    match status {
        200..=299 => Fate::Stored,
        // The id says that it is ours.
        409 => Fate::Existed,
        400 if NOT_THE_DOCUMENT.contains(&error_type) => Fate::Parked,
        400 | 413 => Fate::Dead,
        401 | 403 | 404 => Fate::Parked,
        // 429, 503, and whatever nobody has thought of: nothing is lost by trying again.
        _ => Fate::Again,
    }
}

/// The part of an error that says what is wrong.
#[derive(Deserialize)]
struct Error<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    caused_by: Option<Box<Error<'a>>>,
}

/// The type of an error, given as JSON; empty if it has none.
#[must_use]
pub fn type_of(error: &str) -> String {
    serde_json::from_str::<Error>(error).map_or_else(|_| String::new(), |error| error.kind.into_owned())
}

/// An error, given as JSON, in a line: its type, its reason, and the reason behind that.
#[must_use]
pub fn reason_of(error: &str) -> String {
    let Ok(Error { kind, reason, caused_by }) = serde_json::from_str(error) else {
        return serde_json::from_str(error).unwrap_or_else(|_| error.to_owned());
    };
    let inner = caused_by.and_then(|inner| inner.reason).map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{kind}: {}{inner}", reason.unwrap_or_default())
}

/// Of an item's reason, so much is kept: it may quote the document, and all items of a request may have one.
const LONGEST_REASON_BYTES: usize = 1024;

/// One item of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its HTTP status.
    pub status: u16,
    /// What becomes of it.
    pub fate: Fate,
    /// Why; empty if it is stored.
    pub reason: String,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, alias = "index")]
    create: Outcome<'a>,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    status: u16,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads one item, such as `{"create":{"status":429,"error":{"type":"...","reason":"..."}}}`.
///
/// # Errors
/// It is something else.
pub fn verdict(item: &[u8]) -> Result<Verdict, serde_json::Error> {
    let Item { create: Outcome { status, error } } = serde_json::from_slice(item)?;
    let error = error.map_or("", RawValue::get);
    let fate = fate(status, &type_of(error));
    let mut reason =
        if matches!(fate, Fate::Stored | Fate::Existed) || error.is_empty() { String::new() } else { reason_of(error) };
    reason.truncate(reason.floor_char_boundary(LONGEST_REASON_BYTES));
    reason.shrink_to_fit();
    Ok(Verdict { status, fate, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates() {
        let table = [
            (200, "", Fate::Stored),
            (201, "", Fate::Stored),
            (409, "version_conflict_engine_exception", Fate::Existed),
            (429, "es_rejected_execution_exception", Fate::Again),
            (503, "unavailable_shards_exception", Fate::Again),
            (500, "", Fate::Again),
            (302, "", Fate::Again),
            (400, "document_parsing_exception", Fate::Dead),
            (400, "mapper_parsing_exception", Fate::Dead),
            (400, "", Fate::Dead),
            (413, "", Fate::Dead),
            (400, "index_closed_exception", Fate::Parked),
            (400, "validation_exception", Fate::Parked),
            (401, "security_exception", Fate::Parked),
            (403, "cluster_block_exception", Fate::Parked),
            (404, "index_not_found_exception", Fate::Parked),
        ];
        for (status, kind, expected) in table {
            assert_eq!(fate(status, kind), expected, "{status} {kind}");
        }
    }

    fn check(item: &str, expected: Option<(u16, Fate, &str)>) {
        let verdict = verdict(item.as_bytes()).ok().map(|verdict| (verdict.status, verdict.fate, verdict.reason));
        assert_eq!(verdict, expected.map(|(status, fate, reason)| (status, fate, reason.to_owned())), "{item}");
    }

    #[test]
    fn items() {
        check(r#"{"create":{"_index":"logs","_id":"x","status":201}}"#, Some((201, Fate::Stored, "")));
        check(
            r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"exists"}}}"#,
            Some((409, Fate::Existed, "")),
        );
        let error =
            r#"{"type":"document_parsing_exception","reason":"[1:2] failed","caused_by":{"type":"x","reason":"say \"no\""}}"#;
        let expected = "document_parsing_exception: [1:2] failed (say \"no\")";
        check(&format!(r#"{{"create":{{"status":400,"error":{error}}}}}"#), Some((400, Fate::Dead, expected)));
        check(r#"{"create":{"status":500,"error":"plain text"}}"#, Some((500, Fate::Again, "plain text")));
        check(r#"{"index":{"status":429}}"#, Some((429, Fate::Again, "")));
        check(r#"{"create":{"_id":"x"}}"#, None);
        check(r#"{"delete":{"status":200}}"#, None);
        check("{", None);
    }
}
