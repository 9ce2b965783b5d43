//! The answer to a bulk request, read as it comes: items are judged one by one, and only those that are not stored are
//! kept. Its length has no bound; memory does. An answer that ends early, or has too few items, is none.

use super::verdict::{self, Fate, Verdict};

/// One item with its error, which may quote a whole document and more; a longer one is rubbish. One is held at a time.
const LONGEST_ITEM_BYTES: usize = 8 * 1024 * 1024;
/// What an item takes usually; the memory of a longer one is given back.
const USUAL_ITEM_BYTES: usize = 16 * 1024;
/// Long enough for the keys that are looked for.
const KEY_BYTES: usize = 8;

/// What became of the items of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Items that the server has now and had not before.
    pub created: u64,
    /// Items that it had before.
    pub existed: u64,
    /// All others, by their place in the request.
    pub refused: Vec<(usize, Verdict)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errors {
    Unknown,
    None,
    Some,
}

/// Takes an answer's body chunk by chunk. It follows strings and brackets, no more: what is in an item is for serde.
#[derive(Debug)]
pub struct AnswerReader {
    sent: usize,
    seen: usize,
    answer: Answer,
    depth: u32,
    in_string: bool,
    is_escaped: bool,
    is_over: bool,
    /// The last string of the outermost object, which is a key when a colon follows.
    key: Vec<u8>,
    /// What stands outside strings behind the key `errors`.
    errors_value: Vec<u8>,
    errors: Errors,
    item: Vec<u8>,
}

impl AnswerReader {
    /// A reader of the answer to a request of `sent` items.
    #[must_use]
    pub fn new(sent: usize) -> Self {
        Self {
            sent,
            seen: 0,
            answer: Answer::default(),
            depth: 0,
            in_string: false,
            is_escaped: false,
            is_over: false,
            key: Vec::new(),
            errors_value: Vec::new(),
            errors: Errors::Unknown,
            item: Vec::new(),
        }
    }

    /// Takes the next part.
    ///
    /// # Errors
    /// It is no answer to a bulk request.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), String> {
        chunk.iter().try_for_each(|byte| self.byte(*byte))
    }

    /// The answer, when its body has ended.
    ///
    /// # Errors
    /// It ended too early, or does not fit the request.
    pub fn finish(mut self) -> Result<Answer, String> {
        if !self.is_over {
            return Err("it ends too early".to_owned());
        }
        match self.errors {
            Errors::Unknown => return Err("it does not say whether there were errors".to_owned()),
            // A server that filters answers may leave all items out when each is well.
            Errors::None if self.seen == 0 => self.answer.created = self.sent as u64,
            _ if self.seen != self.sent => return Err(format!("it has {} items for {} sent", self.seen, self.sent)),
            _ => {}
        }
        Ok(self.answer)
    }

    fn byte(&mut self, byte: u8) -> Result<(), String> {
        if self.is_in_item() {
            self.item.push(byte);
            if self.item.len() > LONGEST_ITEM_BYTES {
                return Err(format!("an item of more than {LONGEST_ITEM_BYTES} bytes"));
            }
        }
        if self.in_string {
            self.string_byte(byte);
            return Ok(());
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if self.depth == 1 {
                    self.key.clear();
                }
            }
            b'{' | b'[' => self.open(byte)?,
            b'}' | b']' => return self.close(),
            b',' if self.depth == 1 => self.value_ends(),
            _ if byte.is_ascii_whitespace() => {}
            _ if self.is_over || self.depth == 0 => return Err("it is no JSON object".to_owned()),
            _ if self.depth == 1 && self.key == b"errors" && byte != b':' && self.errors_value.len() < KEY_BYTES => {
                self.errors_value.push(byte)
            }
            _ => {}
        }
        Ok(())
    }

    fn string_byte(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => self.in_string = false,
            _ => {}
        }
        if self.in_string && self.depth == 1 && self.key.len() < KEY_BYTES {
            self.key.push(byte);
        }
    }

    fn is_in_item(&self) -> bool {
        self.depth > 2 && self.key == b"items"
    }

    fn open(&mut self, byte: u8) -> Result<(), String> {
        if self.is_over || (self.depth == 0 && byte == b'[') {
            return Err("it is no JSON object".to_owned());
        }
        if self.depth == 2 && self.key == b"items" {
            self.item.clear();
            self.item.shrink_to(USUAL_ITEM_BYTES);
            self.item.push(byte);
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        self.depth = self.depth.checked_sub(1).ok_or("it is no JSON object")?;
        match self.depth {
            0 => {
                self.value_ends();
                self.is_over = true;
            }
            2 if self.key == b"items" => self.judge()?,
            _ => {}
        }
        Ok(())
    }

    fn value_ends(&mut self) {
        if self.key == b"errors" {
            self.errors = match self.errors_value.as_slice() {
                b"false" => Errors::None,
                b"true" => Errors::Some,
                _ => Errors::Unknown,
            };
        }
        self.key.clear();
        self.errors_value.clear();
    }

    fn judge(&mut self) -> Result<(), String> {
        let place = self.seen;
        self.seen += 1;
        if self.errors == Errors::None {
            // A conflict counts as an error, so each of these is new.
            self.answer.created += 1;
            return Ok(());
        }
        let verdict = verdict::verdict(&self.item).map_err(|error| format!("item {place}: {error}"))?;
        match verdict.fate {
            Fate::Stored => self.answer.created += 1,
            Fate::Existed => self.answer.existed += 1,
            Fate::Again | Fate::Parked | Fate::Dead if place < self.sent => self.answer.refused.push((place, verdict)),
            Fate::Again | Fate::Parked | Fate::Dead => return Err(format!("more than {} items", self.sent)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
