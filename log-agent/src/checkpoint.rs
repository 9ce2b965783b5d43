//! The checkpoint: how far each file is acknowledged. One line that says what follows and its hash, then one line a file;
//! written whole, moved into place. A file that is damaged or from another release is set aside, and all files are read
//! from their beginnings: the ids of their documents make that harmless.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::generation::{Fnv128, GenerationId, Guard};

/// The version that is written, and the only one that is understood.
pub const VERSION: u32 = 2;
/// The name of the file in the state directory.
pub const FILE: &str = "checkpoint";
const FORMAT: &str = "log-agent checkpoint";

/// One file's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The container.
    pub source: String,
    /// The name under which its documents go.
    pub path: String,
    /// Which file.
    #[serde(serialize_with = "as_text", deserialize_with = "generation")]
    pub generation: GenerationId,
    /// Everything before this is acknowledged.
    pub acknowledged: u64,
    /// The file's size when it was last looked at.
    pub size: u64,
    /// What stands before the acknowledged mark.
    #[serde(serialize_with = "guard_as_text", deserialize_with = "guard")]
    pub guard: Guard,
    /// When the file was last there, in seconds since 1970.
    pub seen: i64,
}

impl Entry {
    /// So many bytes were there that are not acknowledged.
    #[must_use]
    pub const fn unread(&self) -> u64 {
        self.size.saturating_sub(self.acknowledged)
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    files: usize,
    hash: String,
}

/// A checkpoint that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unusable {
    /// Written by another release.
    #[error("it has version {0}, and this release knows version {VERSION}")]
    OtherVersion(u32),
    /// Not what was written.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// The whole file.
#[must_use]
pub fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(entries.len() * 256);
    for entry in entries {
        // Strings and numbers: there is no way to fail.
        let _written = serde_json::to_writer(&mut lines, entry);
        lines.push(b'\n');
    }
    let header = Header { format: FORMAT.to_owned(), version: VERSION, files: entries.len(), hash: hash(&lines) };
    let mut file = serde_json::to_vec(&header).unwrap_or_default();
    file.push(b'\n');
    file.append(&mut lines);
    file
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// It is from another release, or not what was written.
pub fn decode(file: &[u8]) -> Result<Vec<Entry>, Unusable> {
    let damaged = |what: &dyn fmt::Display| Unusable::Damaged(what.to_string());
    let end = memchr::memchr(b'\n', file).ok_or_else(|| damaged(&"its first line has no end"))?;
    let (header, lines) = (&file[..end], &file[end + 1..]);
    let Header { format, version, files, hash: expected } = serde_json::from_slice(header).map_err(|error| damaged(&error))?;
    if format != FORMAT {
        return Err(damaged(&format_args!("its first line says {format:?}")));
    }
    if version != VERSION {
        return Err(Unusable::OtherVersion(version));
    }
    if hash(lines) != expected {
        return Err(damaged(&"its hash does not fit"));
    }
    let entries: Result<Vec<Entry>, _> =
        lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice).collect();
    let entries = entries.map_err(|error| damaged(&error))?;
    if entries.len() != files {
        return Err(damaged(&format_args!("it has {} files, and its first line says {files}", entries.len())));
    }
    Ok(entries)
}

fn hash(lines: &[u8]) -> String {
    let mut hash = Fnv128::default();
    hash.update(lines);
    format!("{:032x}", hash.value())
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn generation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<GenerationId, D::Error> {
    let letters = String::deserialize(deserializer)?;
    GenerationId::from_letters(&letters).ok_or_else(|| de::Error::custom("a generation is 16 letters"))
}

// Sixty-four bits as a JSON number would lose some of them in other readers' hands.
fn guard_as_text<S: Serializer>(guard: &Guard, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}:{:016x}", guard.length, guard.hash))
}

fn guard<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Guard, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed = text
        .split_once(':')
        .and_then(|(length, hash)| Some(Guard { length: length.parse().ok()?, hash: u64::from_str_radix(hash, 16).ok()? }));
    parsed.ok_or_else(|| de::Error::custom("a guard is LENGTH:HASH"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries() -> Vec<Entry> {
        let entry = |number: u64| Entry {
            source: format!("container {number}"),
            path: "/logs/\"c\".log".into(),
            generation: GenerationId::new("c", &number.to_le_bytes()),
            acknowledged: number << 40,
            size: number << 41,
            guard: Guard { length: 64, hash: u64::MAX - number },
            seen: 1_800_000_000,
        };
        (0..3).map(entry).collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(decode(&encode(&entries())), Ok(entries()));
        assert_eq!(decode(&encode(&[])), Ok(vec![]));
    }

    fn check(file: &[u8], expected: &str) {
        let error = decode(file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_was_not_written_is_refused() {
        let text = String::from_utf8(encode(&entries())).unwrap();
        check(b"", "no end");
        check(b"\0\0\0\0\n", "damaged");
        check(text.replace("\"version\":2", "\"version\":3").as_bytes(), "version 3");
        check(text.replace("container 1", "container 7").as_bytes(), "hash");
        check(text.replace("log-agent checkpoint", "something else").as_bytes(), "something else");
        check(text.replace("\"files\":3", "\"files\":4").as_bytes(), "3 files");
    }

    proptest! {
        /// A flipped bit or a lost end never passes as another checkpoint.
        #[test]
        fn damage_is_noticed(place in any::<prop::sample::Index>(), bit in 0..8_u8, length in any::<prop::sample::Index>()) {
            let mut file = encode(&entries());
            let place = place.index(file.len());
            file[place] ^= 1 << bit;
            prop_assert!(decode(&file).is_err() || decode(&file) == Ok(entries()));
            let file = encode(&entries());
            prop_assert!(decode(&file[..length.index(file.len())]).is_err());
        }
    }
}
