//! Reads one autoscaling/v2 HorizontalPodAutoscaler from a YAML file, and says for every fault which file, line and field it
//! is and what to do. It asks no cluster: what only a cluster knows (that the target exists) shows in the first sync.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Error as YamlError;

use super::position::Positions;
use super::{Autoscaler, AutoscalerSpec, defaults, validate};
use crate::settings::Gates;

/// Fifty times the greatest autoscaler that has been seen; a disk image given by mistake must not fill the memory.
const MAX_FILE_BYTES: u64 = 1 << 20;
const KIND: &str = "HorizontalPodAutoscaler";
const API_VERSION: &str = "autoscaling/v2";

/// Why a file gives no autoscaler: one sentence that names the file, the line, the field and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}: name a file with an {API_VERSION} {KIND}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said; not a source, since the message has it.
        reason: std::io::Error,
    },
    /// The file is no text that could hold an autoscaler.
    #[error("{}: {problem}: name a file with an {API_VERSION} {KIND}", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        problem: &'static str,
    },
    /// A line of it is wrong.
    #[error("{}:{line}: {problem}{}", path.display(), others(*.more))]
    Fault {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: u64,
        /// Which field, what is wrong with it, and what to do.
        problem: String,
        /// How many more faults there are.
        more: usize,
    },
}

fn others(more: usize) -> String {
    match more {
        0 => String::new(),
        1 => " (and one more fault)".to_owned(),
        more => format!(" (and {more} more faults)"),
    }
}

/// Reads and validates the autoscaler in the file at `path`, with the API server's defaults filled in.
///
/// # Errors
/// One sentence: the file, the line, the field, what is wrong and what to do.
pub fn read(path: &Path) -> Result<Autoscaler, ReadError> {
    let mut bytes = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    opened.map_err(|reason| ReadError::Read { path: path.to_owned(), reason })?;
    let no_text = |problem| ReadError::NoText { path: path.to_owned(), problem };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(no_text("it is greater than 1 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| no_text("it is no UTF-8 text"))?;
    if text.trim().is_empty() {
        return Err(no_text("it is empty"));
    }
    let fault =
        |found: Found| ReadError::Fault { path: path.to_owned(), line: found.line, problem: found.problem, more: found.more };
    parse(&text).map_err(fault)
}

/// A fault at a line.
struct Found {
    line: u64,
    problem: String,
    more: usize,
}

impl Found {
    const fn new(line: u64, problem: String) -> Self {
        Self { line, problem, more: 0 }
    }
}

/// The whole file. Metadata holds much that does not decide; the spec's own fields are checked one by one.
#[derive(Deserialize)]
struct Document {
    metadata: Metadata,
    spec: AutoscalerSpec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    generation: Option<i64>,
}

fn parse(text: &str) -> Result<Autoscaler, Found> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options::<IgnoredAny>(text, options).map_err(|error| explain(&error, &Positions::default()))?;
    let positions = Positions::of(text);
    for (field, wanted) in [("kind", KIND), ("apiVersion", API_VERSION)] {
        match positions.text(field) {
            Some(given) if given == wanted => {}
            Some(given) => {
                let problem = format!("{field}: {given:?} is not {wanted}: give an {API_VERSION} {KIND}");
                return Err(Found::new(positions.line(field), problem));
            }
            None => return Err(Found::new(1, format!("{field}: it is not set: write `{field}: {wanted}`"))),
        }
    }
    let options = serde_saphyr::options! { with_snippet: false };
    let document: Document = serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(&error, &positions))?;
    let Document { metadata: Metadata { name, namespace, generation }, spec } = document;
    let namespace = namespace.unwrap_or_else(|| "default".to_owned());
    for (field, text) in [("metadata.name", &name), ("metadata.namespace", &namespace)] {
        if !is_name(text) {
            let problem = format!("{field}: {text:?} is no name: write small letters, digits, - and .");
            return Err(Found::new(positions.line(field), problem));
        }
    }
    let spec = defaults::filled(spec);
    let faults = validate::faults(&spec, Gates::default());
    if let Some(first) = faults.first() {
        let problem = format!("{}: {}", first.field, first.problem);
        return Err(Found { line: positions.line(&first.field), problem, more: faults.len() - 1 });
    }
    Ok(Autoscaler { namespace, name, generation: generation.unwrap_or(1), spec })
}

/// Whether a text may name an object: a DNS subdomain.
fn is_name(text: &str) -> bool {
    let good = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
    let ends = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    text.len() <= 253 && text.chars().all(good) && text.starts_with(ends) && text.ends_with(ends)
}

/// What the YAML reader did not understand, in the words of the file.
fn explain(error: &YamlError, positions: &Positions) -> Found {
    let error = error.without_snippet();
    let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
    let field = positions.at(line, column);
    let at = field.map_or_else(String::new, |field| format!("{field}: "));
    let given = field.and_then(|field| positions.text(field));
    let problem = match error {
        YamlError::SerdeUnknownField { field, expected, .. } => {
            let field = positions.named_at(line, column).unwrap_or(field);
            format!("{field}: there is no such field here: correct or remove it (known: {})", expected.join(", "))
        }
        YamlError::SerdeMissingField { field: missing, .. } => {
            // The reader's place is the last name of the map that lacks the field, or the empty map itself.
            let around = positions.named_at(line, column).map(|last| last.rfind('.').map_or("", |end| &last[..end]));
            let missing = match around.or(field) {
                None | Some("") => (*missing).to_owned(),
                Some(around) => format!("{around}.{missing}"),
            };
            return Found::new(positions.line(&missing), format!("{missing}: it is not set: write it"));
        }
        YamlError::SerdeUnknownVariant { variant, expected, .. } => {
            let known: Vec<&str> = expected.iter().copied().filter(|name| !name.is_empty()).collect();
            format!("{at}{variant:?} is not known: write one of {}", known.join(", "))
        }
        YamlError::InvalidScalar { ty, .. } => {
            let wanted = if ty.starts_with(['i', 'u']) { "a whole number of at most 32 bits" } else { *ty };
            format!("{at}{:?} is not {wanted}: correct it", given.unwrap_or_default())
        }
        YamlError::DuplicateMappingKey { key, .. } => {
            format!("{}: it is written twice: remove one", key.as_deref().unwrap_or("a field"))
        }
        YamlError::MultipleDocuments { .. } => {
            format!("a second document begins here: put the {KIND} into a file of its own")
        }
        YamlError::Unexpected { expected, .. } => {
            format!("{at}expected {}: correct the value or its indentation", shape(expected))
        }
        other => {
            // The reader appends the place, which stands in front already.
            let said = other.to_string();
            let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
            format!("{at}{said}: correct it")
        }
    };
    Found::new(line, problem)
}

/// The YAML reader's words for shapes, in a user's.
fn shape(expected: &'static str) -> &'static str {
    match expected {
        "mapping start" => "fields (`name: value`)",
        "sequence start" => "a list (`- item`)",
        "string scalar" => "a text",
        other => other,
    }
}

#[cfg(test)]
mod tests;
