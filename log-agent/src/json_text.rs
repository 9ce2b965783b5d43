//! The inside of JSON strings: found, checked and written without decoding. Text that was escaped once and is sound goes
//! from a log file into a document as it stands. It knows no other part of JSON.

/// The inside of a JSON string, as far as its closing quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned<'a> {
    /// Between the quotes, still escaped.
    pub text: &'a str,
    /// After the closing quote.
    pub rest: &'a str,
    /// Every escape is one that JSON knows, and no control character stands bare: it may be copied as it is.
    pub sound: bool,
    /// Where the last escape starts.
    pub last_escape: Option<usize>,
}

/// Scans from just after an opening quote; `None`: the string does not end.
#[must_use]
pub fn scan(from: &str) -> Option<Scanned<'_>> {
    let bytes = from.as_bytes();
    let (mut at, mut sound, mut last_escape) = (0, true, None);
    loop {
        at += next_special(&bytes[at..])?;
        match bytes[at] {
            b'"' => return Some(Scanned { text: &from[..at], rest: &from[at + 1..], sound, last_escape }),
            b'\\' => {
                last_escape = Some(at);
                match escape_length(&bytes[at..]) {
                    Some(length) => at += length,
                    None => {
                        sound = false;
                        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'"' | b'\\')));
                    }
                }
            }
            _ => {
                sound = false;
                at += 1;
            }
        }
    }
}

/// The length of the sound escape that starts `bytes`: two bytes, six, or twelve for a pair of surrogates.
fn escape_length(bytes: &[u8]) -> Option<usize> {
    match bytes.strip_prefix(b"\\")?.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => match unit(bytes)? {
            0xD800..=0xDBFF => matches!(unit(bytes.get(6..)?)?, 0xDC00..=0xDFFF).then_some(12),
            0xDC00..=0xDFFF => None,
            _ => Some(6),
        },
        _ => None,
    }
}

/// The UTF-16 unit of an escape `\u` with its four digits.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.get(2..6).filter(|digits| bytes.starts_with(b"\\u") && digits.iter().all(u8::is_ascii_hexdigit))?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Whether scanned text has fewer bytes than that when it is read: escapes are longer than what they stand for.
#[must_use]
pub fn is_shorter(text: &str, most: usize) -> bool {
    if text.len() < most {
        return true;
    }
    let mut bytes = text.as_bytes();
    let mut length = 0;
    while let Some(place) = next_special(bytes) {
        bytes = &bytes[place..];
        let (taken, meant) = match (escape_length(bytes), unit(bytes)) {
            (Some(12), _) => (12, 4),
            (Some(6), Some(unit)) => (6, char::from_u32(unit.into()).map_or(3, char::len_utf8)),
            (Some(taken), _) => (taken, 1),
            // A lone surrogate is mended.
            (None, Some(_)) => (6, 3),
            (None, None) => (1, 1),
        };
        length += place + meant;
        bytes = &bytes[taken..];
    }
    length + bytes.len() < most
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// The place of the first quote, backslash or control character, eight bytes at a time.
fn next_special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Exact for the lowest byte that is found, which is the only one that is used.
        let zero_in = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = zero_in(word ^ (ONES * b'"' as u64)) | zero_in(word ^ (ONES * b'\\' as u64)) | control;
        if found != 0 {
            return Some(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let place = rest.iter().position(|byte| is_special(*byte))?;
    Some(words.len() * 8 + place)
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// Writes plain text as the inside of a JSON string.
pub fn escape(text: &str, out: &mut Vec<u8>) {
    let mut bytes = text.as_bytes();
    while let Some(place) = next_special(bytes) {
        out.extend_from_slice(&bytes[..place]);
        escape_byte(bytes[place], out);
        bytes = &bytes[place + 1..];
    }
    out.extend_from_slice(bytes);
}

fn escape_byte(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
    }
}

/// Writes scanned text that is not sound so that it becomes it: a lone surrogate is U+FFFD, an unknown escape is its
/// own letters, a control character is escaped.
pub fn mend(text: &str, out: &mut Vec<u8>) {
    let mut bytes = text.as_bytes();
    while let Some(place) = next_special(bytes) {
        out.extend_from_slice(&bytes[..place]);
        bytes = &bytes[place..];
        let (taken, written) = match (escape_length(bytes), unit(bytes)) {
            (Some(length), _) => (length, &bytes[..length]),
            (None, Some(_)) => (6, &b"\\ufffd"[..]),
            (None, None) => (1, &b""[..]),
        };
        if written.is_empty() {
            escape_byte(bytes[0], out);
        } else {
            out.extend_from_slice(written);
        }
        bytes = &bytes[taken..];
    }
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str, expected: Option<(&str, bool, Option<usize>)>) {
        let scanned = scan(line).map(|scanned| (scanned.text, scanned.sound, scanned.last_escape));
        assert_eq!(scanned, expected, "{line}");
    }

    #[test]
    fn strings_end_at_their_quote() {
        check("plain\" and more", Some(("plain", true, None)));
        check("\"", Some(("", true, None)));
        check("never ends", None);
        check("never ends\\\"", None);
        check("never ends\\", None);
        check(r#"say \"hi\" \\" rest"#, Some((r#"say \"hi\" \\"#, true, Some(11))));
        check("\\u00e9\\ud83d\\ude00\\n\"", Some(("\\u00e9\\ud83d\\ude00\\n", true, Some(18))));
        check("lone \\ud83d\"", Some(("lone \\ud83d", false, Some(5))));
        check("lone \\ude00\"", Some(("lone \\ude00", false, Some(5))));
        check("bad \\x\"", Some(("bad \\x", false, Some(4))));
        check("bare \t\"", Some(("bare \t", false, None)));
    }

    #[test]
    fn unsound_text_is_mended() {
        for (unsound, meant) in
            [("a\\xb", "a\\xb"), ("\\ud83d!", "\u{fffd}!"), ("\t\\u12", "\t\\u12"), ("\\ude00\\n", "\u{fffd}\n")]
        {
            let mut mended = b"\"".to_vec();
            mend(unsound, &mut mended);
            mended.push(b'"');
            assert_eq!(serde_json::from_slice::<String>(&mended).unwrap(), meant, "{unsound}");
        }
    }

    proptest! {
        #[test]
        fn escaped_text_reads_back(text in any::<String>()) {
            let mut escaped = b"\"".to_vec();
            escape(&text, &mut escaped);
            escaped.push(b'"');
            prop_assert_eq!(&serde_json::from_slice::<String>(&escaped).unwrap(), &text);
            let inside = std::str::from_utf8(&escaped[1..]).unwrap();
            let scanned = scan(inside).unwrap();
            prop_assert!(scanned.sound && scanned.rest.is_empty());
        }

        #[test]
        fn the_length_of_what_is_meant_is_known(text in r#"([a-zé]|\\u[0-9a-fD][0-9a-f]{3}|\\ud83d\\ude00|\\[nrtbf/"\\]){0,12}""#) {
            if let Some(scanned) = scan(&text).filter(|scanned| scanned.sound) {
                let length = serde_json::from_str::<String>(&format!("\"{}\"", scanned.text)).unwrap().len();
                prop_assert!(is_shorter(scanned.text, length + 1) && !is_shorter(scanned.text, length), "{}", scanned.text);
            }
        }

        /// What the scanner calls sound is what a JSON parser takes, and mending makes all else so.
        #[test]
        fn sound_is_what_json_takes(text in r#"([a-z\\"\x00-\x1fé]|\\u[0-9a-fD][0-9a-f]{3}|\\[nrtbfux/"\\]){0,12}""#) {
            if let Some(scanned) = scan(&text) {
                let whole = format!("\"{}\"", scanned.text);
                prop_assert_eq!(serde_json::from_str::<String>(&whole).is_ok(), scanned.sound, "{}", whole);
                let mut mended = b"\"".to_vec();
                mend(scanned.text, &mut mended);
                mended.push(b'"');
                prop_assert!(serde_json::from_slice::<String>(&mended).is_ok(), "{}", String::from_utf8_lossy(&mended));
            }
        }
    }
}
