//! Bulk bodies: pairs of lines, an action and a source, taken apart without copying; and the verdicts on their items as
//! Elasticsearch writes them. It judges no source: whether it is a document is decided where it is indexed.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::json;

use super::failure::Failure;

/// Elasticsearch's bounds of a document id and of an index name.
const LONGEST_ID_BYTES: usize = 512;
const LONGEST_INDEX_BYTES: usize = 255;

/// Items of one request: agents send at most some thousands, and the answer repeats each.
const MAX_ITEMS: usize = 50_000;
/// Of a source that cannot be read the reason repeats at most this much.
const MAX_REASON_CHARS: usize = 300;

/// What an item asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Store it, in place of an older one with its id.
    Index,
    /// Store it, unless there is one with its id.
    Create,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
        }
    }
}

/// One pair of lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// What to do with it.
    pub action: Action,
    /// The index it goes to.
    pub index: Cow<'a, str>,
    /// Its id, if the sender gave one.
    pub id: Option<Cow<'a, str>>,
    /// The JSON source, or why the item cannot be taken.
    pub source: Result<&'a str, Failure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionLine<'a> {
    #[serde(borrow)]
    Index(Target<'a>),
    #[serde(borrow)]
    Create(Target<'a>),
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow, rename = "_index")]
    index: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "_id")]
    id: Option<Cow<'a, str>>,
}

/// Takes a bulk body apart; items without an index of their own go to `default_index`.
///
/// # Errors
/// The body is empty, does not end with a line end, or has an action line that cannot be understood: then nobody can tell
/// which of the lines that follow is a source, so the whole request is refused.
pub fn parse<'a>(body: &'a [u8], default_index: Option<&'a str>) -> Result<Vec<Item<'a>>, Failure> {
    let Some(body) = body.strip_suffix(b"\n") else {
        return Err(Failure::argument(if body.is_empty() {
            "the bulk body is empty"
        } else {
            "the bulk body must end with a line end"
        }));
    };
    let mut lines = body.split(|byte| *byte == b'\n').enumerate();
    let mut items = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let malformed =
            |reason: &dyn std::fmt::Display| Failure::argument(format!("line {} is no bulk action: {reason}", number + 1));
        let line = std::str::from_utf8(line).map_err(|error| malformed(&error))?;
        let (action, Target { index, id }) = match serde_json::from_str(line).map_err(|error| malformed(&error))? {
            ActionLine::Index(target) => (Action::Index, target),
            ActionLine::Create(target) => (Action::Create, target),
        };
        let Some((_, source)) = lines.next() else {
            return Err(malformed(&"its source line is missing"));
        };
        if items.len() == MAX_ITEMS {
            return Err(too_many());
        }
        let index = index.or(default_index.map(Cow::Borrowed)).unwrap_or_default();
        let source = checked(&index, id.as_deref(), source);
        items.push(Item { action, index, id, source });
    }
    Ok(items)
}

fn too_many() -> Failure {
    let reason = format!("the bulk body has more than {MAX_ITEMS} items: send it in portions");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "content_too_long_exception", reason)
}

fn checked<'a>(index: &str, id: Option<&str>, source: &'a [u8]) -> Result<&'a str, Failure> {
    if let Some(wrong) = wrong_index_name(index) {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "invalid_index_name_exception",
            format!("index name {index:?} {wrong}"),
        ));
    }
    match id {
        Some("") => return Err(Failure::argument("the document id is empty")),
        Some(id) if id.len() > LONGEST_ID_BYTES => {
            return Err(Failure::argument(format!(
                "the document id has {} bytes, at most {LONGEST_ID_BYTES} are taken",
                id.len()
            )));
        }
        _ => {}
    }
    std::str::from_utf8(source).map_err(|error| unreadable(&error))
}

/// The verdict on a source that is no document.
pub fn unreadable(reason: &dyn std::fmt::Display) -> Failure {
    let reason: String = format!("failed to parse the document: {reason}").chars().take(MAX_REASON_CHARS).collect();
    Failure::new(StatusCode::BAD_REQUEST, "mapper_parsing_exception", reason)
}

/// What is wrong with an index name, by Elasticsearch's rules.
fn wrong_index_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is missing, in the item as in the path")
    } else if name.len() > LONGEST_INDEX_BYTES {
        Some("is longer than 255 bytes")
    } else if name.starts_with(['_', '-', '+']) || name == "." || name == ".." {
        Some("starts with _, - or +, or is . or ..")
    } else if name.contains(|c: char| c.is_uppercase() || c.is_control() || r#"\/*?"<>| ,#:"#.contains(c)) {
        Some(r#"holds a capital letter or one of \ / * ? " < > | , # : and space"#)
    } else {
        None
    }
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored as a new document.
    Created,
    /// Stored in place of an older one.
    Updated,
    /// Not stored: `create`, and there is one with that id.
    Conflict,
    /// Not stored, for good or for now.
    Failed(Failure),
}

/// An item's fate with what the answer repeats of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was asked for.
    pub action: Action,
    /// The index it was for.
    pub index: String,
    /// Its id.
    pub id: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// The answer to a bulk request, as JSON.
pub fn answer(verdicts: &[Verdict], took: Duration) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Answer<'a> {
        took: u64,
        errors: bool,
        items: &'a [Verdict],
    }
    let errors = verdicts.iter().any(|verdict| matches!(verdict.outcome, Outcome::Conflict | Outcome::Failed(_)));
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    // Writing to memory cannot fail, and every value here has a JSON form.
    serde_json::to_vec(&Answer { took, errors, items: verdicts }).unwrap_or_default()
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { action, index, id, outcome } = self;
        let result = match outcome {
            Outcome::Created => json!({ "_index": index, "_id": id, "result": "created", "status": 201 }),
            Outcome::Updated => json!({ "_index": index, "_id": id, "result": "updated", "status": 200 }),
            Outcome::Conflict => json!({
                "_index": index, "_id": id, "status": 409,
                "error": { "type": "version_conflict_engine_exception", "reason": format!("[{id}]: document exists already"), "index": index },
            }),
            Outcome::Failed(failure) => json!({
                "_index": index, "_id": id, "status": failure.status.as_u16(),
                "error": { "type": failure.kind, "reason": failure.reason },
            }),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(action.name(), &result)?;
        map.end()
    }
}

#[cfg(test)]
mod tests;
