//! From a line of a log file to an entry: text, stream, time, and whether a line ends with it. Parsers borrow; they join
//! nothing and know no files.
//!
//! Add a format in three steps: its file in `parse/` with a `parse` function (its input line shown in the doc), its line in
//! [`ALL`], and its table of cases beside it.

pub mod cri;
pub mod docker_json;
pub mod time;

use crate::json_text;

/// The output of a container that an entry came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// How many there are.
    pub const COUNT: usize = 2;

    /// Its name in files and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    fn of(name: &str) -> Option<Self> {
        match name {
            "stdout" => Some(Self::Stdout),
            "stderr" => Some(Self::Stderr),
            _ => None,
        }
    }
}

/// Text as it stands in the file, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// The inside of a JSON string, sound: it is copied.
    Escaped(&'a str),
    /// The inside of a JSON string that holds what JSON does not allow: it is mended.
    Unsound(&'a str),
    /// Plain text: it is escaped.
    Plain(&'a str),
}

impl Text<'_> {
    /// Writes it as the inside of a JSON string.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Escaped(text) => out.extend_from_slice(text.as_bytes()),
            Self::Unsound(text) => json_text::mend(text, out),
            Self::Plain(text) => json_text::escape(text, out),
        }
    }
}

/// One entry of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What was written.
    pub text: Text<'a>,
    /// A line ends here; else the next entry of this stream goes on with it.
    pub ends_line: bool,
    /// Where it was written.
    pub stream: Stream,
    /// When, in RFC 3339.
    pub time: &'a str,
}

/// A line that is not what its format says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// How lines of a kind of file are written.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name in configuration and metrics.
    pub name: &'static str,
    /// Takes a line, without its line end, apart.
    pub parse: fn(&str) -> Result<Entry<'_>, Malformed>,
}

/// Every format.
pub const ALL: &[Format] = &[DOCKER_JSON, CRI];

/// What Docker writes.
pub const DOCKER_JSON: Format = Format { name: "docker-json", parse: docker_json::parse };
/// What containerd and CRI-O write.
pub const CRI: Format = Format { name: "cri", parse: cri::parse };
