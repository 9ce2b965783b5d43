//! Dead letters: documents that the sink will never take, kept in the state directory with the sink's reason, on disk
//! before they count. A document names its file and offset, so each can be found again. Nothing is sent from here.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::value::RawValue;

/// The name of the file in the state directory.
pub const FILE: &str = "dead-letters.ndjson";
/// A full file takes no more, and its lines wait: a mapping that refuses everything must not fill the disk, and nothing
/// may be lost. Some 300,000 lines of 800 bytes.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// A document and why it was refused.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The HTTP status of its verdict.
    pub status: u16,
    /// The sink's reason.
    pub reason: String,
    /// Its two lines of the bulk body.
    pub item: bytes::Bytes,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    index: &'a str,
    status: u16,
    reason: &'a str,
    action: &'a RawValue,
    document: Box<RawValue>,
}

/// The file of dead letters.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
    index: String,
    most_bytes: u64,
    /// Held while letters are written: two batches may have some at once.
    writing: Mutex<()>,
}

impl DeadLetters {
    /// Dead letters of `index`, in the state directory; the file is made when there is one.
    #[must_use]
    pub fn new(state_dir: &Path, index: &str) -> Self {
        Self { path: state_dir.join(FILE), index: index.to_owned(), most_bytes: MOST_BYTES, writing: Mutex::default() }
    }

    /// Keeps the letters: when this returns they are on disk.
    ///
    /// # Errors
    /// They may not be; keeping them again is right. The error names the file.
    pub fn keep(&self, letters: &[DeadLetter]) -> io::Result<()> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot write dead letters to {}: {error}", self.path.display()))
        };
        let mut lines = Vec::new();
        for letter in letters {
            self.encode(letter, &mut lines)?;
        }
        self.append(&lines).map_err(named)
    }

    fn encode(&self, letter: &DeadLetter, lines: &mut Vec<u8>) -> io::Result<()> {
        let DeadLetter { status, reason, item } = letter;
        let item = std::str::from_utf8(item).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let (action, document) = item.split_once('\n').unwrap_or(("{}", item));
        let action = serde_json::from_str(action)?;
        // A document that is no JSON after all is kept as text: what cannot be kept would be sent for ever.
        let document = serde_json::from_str(document).or_else(|_| serde_json::value::to_raw_value(document))?;
        serde_json::to_writer(
            &mut *lines,
            &Line { time: jiff::Timestamp::now().to_string(), index: &self.index, status: *status, reason, action, document },
        )?;
        lines.push(b'\n');
        Ok(())
    }

    fn append(&self, lines: &[u8]) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file: File = OpenOptions::new().read(true).create(true).append(true).open(&self.path)?;
        let before = file.metadata()?.len();
        if before + lines.len() as u64 >= self.most_bytes {
            return Err(io::Error::other(format!(
                "it has {before} bytes and may not grow further: see why the sink refuses them, then move the file away"
            )));
        }
        let written = Self::end_line(&mut file, before).and_then(|()| file.write_all(lines)).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // Half a line would spoil the next one. If this fails too, the reason is the same.
            let _cut = file.set_len(before);
            return Err(error);
        }
        if before == 0
            && let Some(folder) = self.path.parent()
        {
            // Its name must be on disk too.
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Ends the line that a crash has cut off.
    fn end_line(file: &mut File, length: u64) -> io::Result<()> {
        let mut last = [b'\n'];
        if let Some(place) = length.checked_sub(1) {
            file.read_exact_at(&mut last, place)?;
        }
        if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn letter() -> DeadLetter {
        let item = "{\"create\":{\"_id\":\"x\"}}\n{\"message\":\"hi\"}\n";
        DeadLetter { status: 400, reason: "no \"such\" field".into(), item: item.into() }
    }

    #[test]
    fn letters_are_lines_of_json() {
        let folder = tempfile::tempdir().unwrap();
        let letters = DeadLetters::new(folder.path(), "logs");
        letters.keep(&[letter()]).unwrap();
        letters.keep(&[letter(), letter()]).unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        let Value::Object(mut line) = lines[2].clone() else { panic!("{text}") };
        assert!(line.remove("time").is_some());
        let expected = json!({"index": "logs", "status": 400, "reason": "no \"such\" field", "action": {"create": {"_id": "x"}}, "document": {"message": "hi"}});
        assert_eq!(Value::Object(line), expected);
    }

    #[test]
    fn a_letter_behind_one_that_a_crash_cut_off_has_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{\"time\":\"20").unwrap();
        let letters = DeadLetters::new(folder.path(), "logs");
        std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(|| letters.keep(&vec![letter(); 100]).unwrap()))));
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.lines().skip(1).all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
        assert_eq!(text.lines().count(), 201);
    }

    #[test]
    fn a_full_file_takes_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let letters = DeadLetters { most_bytes: 200, ..DeadLetters::new(folder.path(), "logs") };
        letters.keep(&[letter()]).unwrap();
        let error = letters.keep(&[letter()]).unwrap_err().to_string();
        assert!(error.contains(FILE) && error.contains("move the file away"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let error = DeadLetters::new(Path::new("nowhere"), "logs").keep(&[letter()]).unwrap_err().to_string();
        assert!(error.contains("nowhere/dead-letters.ndjson"), "{error}");
    }
}
