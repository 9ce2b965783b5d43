//! Docker's json-file driver: `{"log":"GET /\n","stream":"stdout","time":"2026-11-24T05:00:00.5Z"}`. Lines longer than 16 KiB
//! are several entries, of which only the last ends in `\n`; the last output of a container that ends may have none.
//! Attributes and keys of other drivers are passed over.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Entry, Malformed, Stream, Text, time};
use crate::json_text::{self, Scanned};

/// Docker cuts a line when its buffer of so many bytes is full. Bytes that are no UTF-8 become longer on the way into the
/// file, never shorter: an entry without `\n` and with less text is not cut, it is the last output of its container.
const FRAGMENT_BYTES: usize = 16 * 1024;

/// Takes one line apart: by hand in the order in which Docker writes the keys, by serde in any other.
///
/// # Errors
/// It is not JSON, a key is missing, or a value is not what Docker writes.
pub fn parse(line: &str) -> Result<Entry<'_>, Malformed> {
    in_order(line).map_or_else(|| in_any_order(line), Ok)
}

fn in_order(line: &str) -> Option<Entry<'_>> {
    let log = json_text::scan(line.strip_prefix("{\"log\":\"")?)?;
    let rest = log.rest.strip_prefix(",\"stream\":\"std")?;
    let (stream, rest) = match rest.strip_prefix("out\"") {
        Some(rest) => (Stream::Stdout, rest),
        None => (Stream::Stderr, rest.strip_prefix("err\"")?),
    };
    let time = rest.strip_prefix(",\"time\":\"")?.strip_suffix("\"}")?;
    time::is_rfc3339(time).then(|| entry(log, stream, time))
}

#[derive(Deserialize)]
struct Loose<'a> {
    #[serde(borrow)]
    log: &'a RawValue,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    time: &'a str,
}

fn in_any_order(line: &str) -> Result<Entry<'_>, Malformed> {
    let Loose { log, stream, time } =
        serde_json::from_str(line).map_err(|_| Malformed("not a JSON object with log, stream and time"))?;
    let stream = Stream::of(&stream).ok_or(Malformed("a stream that is neither stdout nor stderr"))?;
    if !time::is_rfc3339(time) {
        return Err(Malformed("a time that is not RFC 3339"));
    }
    let log = log.get().strip_prefix('"').and_then(json_text::scan).ok_or(Malformed("a log that is no string"))?;
    Ok(entry(log, stream, time))
}

fn entry<'a>(log: Scanned<'a>, stream: Stream, time: &'a str) -> Entry<'a> {
    let line_end = log.last_escape.filter(|start| matches!(&log.text[*start..], "\\n" | "\\u000a" | "\\u000A"));
    let text = &log.text[..line_end.unwrap_or(log.text.len())];
    let ends_line = line_end.is_some() || json_text::is_shorter(text, FRAGMENT_BYTES);
    Entry { text: if log.sound { Text::Escaped(text) } else { Text::Unsound(text) }, ends_line, stream, time }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME: &str = "2026-11-24T05:00:00.500000000Z";

    fn check(line: &str, expected: Result<(Text<'_>, bool, Stream), &str>) {
        let parsed = parse(line).map(|entry| {
            assert_eq!(entry.time, TIME);
            (entry.text, entry.ends_line, entry.stream)
        });
        assert_eq!(parsed, expected.map_err(|_| parsed.unwrap_err()), "{line}");
        if let (Err(error), Err(expected)) = (parsed, expected) {
            assert!(error.to_string().contains(expected), "{line}: {error}");
        }
    }

    fn line(log: &str) -> String {
        format!(r#"{{"log":"{log}","stream":"stdout","time":"{TIME}"}}"#)
    }

    #[test]
    fn entries() {
        use Stream::{Stderr, Stdout};
        use Text::{Escaped, Unsound};
        check(&line("GET /\\n"), Ok((Escaped("GET /"), true, Stdout)));
        check(&line("GET /"), Ok((Escaped("GET /"), true, Stdout)));
        check(&line("\\n"), Ok((Escaped(""), true, Stdout)));
        check(&line("a backslash and n \\\\n"), Ok((Escaped("a backslash and n \\\\n"), true, Stdout)));
        check(&line("\\u003cb\\u003e\\u000a"), Ok((Escaped("\\u003cb\\u003e"), true, Stdout)));
        check(&line("\\ud800\\n"), Ok((Unsound("\\ud800"), true, Stdout)));
        check(&line("x\\n").replace("stdout", "stderr"), Ok((Escaped("x"), true, Stderr)));
        let attributes = format!(r#"{{"log":"x\n","stream":"stderr","attrs":{{"tag":"a}}"}},"time":"{TIME}"}}"#);
        check(&attributes, Ok((Escaped("x"), true, Stderr)));
        check(&format!(r#" {{ "time" : "{TIME}", "stream":"stdout" , "log":"x\n" }} "#), Ok((Escaped("x"), true, Stdout)));
    }

    #[test]
    fn the_last_output_of_a_container_is_a_line_without_its_end() {
        let full = "x".repeat(FRAGMENT_BYTES - 2);
        // Longer in the file than a full buffer, and not as text.
        for (last, ends_line) in [("\\u003c", true), ("\\n!", false), ("\\ud83d\\ude00", false), ("é", false), ("\\\\", true)] {
            let text = format!("{full}{last}");
            check(&line(&text), Ok((Text::Escaped(&text), ends_line, Stream::Stdout)));
        }
    }

    #[test]
    fn lines_that_are_none() {
        check("", Err("not a JSON object"));
        check("\0\0\0", Err("not a JSON object"));
        check(r#"{"log":"cut"#, Err("not a JSON object"));
        check(r#"{"log":"x\n","stream":"stdout"}"#, Err("not a JSON object"));
        check(&line("x").replace("stdout", "stdlog"), Err("stream"));
        check(&line("x").replace("2026", "year"), Err("RFC 3339"));
        check(&line("x").replace("\"x\"", "7"), Err("no string"));
        check(&(line("x") + "}"), Err("not a JSON object"));
    }

    proptest! {
        #[test]
        fn what_docker_writes_is_read_back(text in any::<String>(), ends in any::<bool>()) {
            let text = text.trim_end_matches('\n');
            let log = format!("{text}{}", if ends { "\n" } else { "" });
            let line = serde_json::json!({"log": log, "stream": "stderr", "time": TIME}).to_string();
            let entry = parse(&line).unwrap();
            let mut written = b"\"".to_vec();
            entry.text.write(&mut written);
            written.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
            prop_assert_eq!((entry.ends_line, entry.stream), (ends || text.len() < FRAGMENT_BYTES, Stream::Stderr));
        }

        /// By hand and by serde, the same line is the same entry or none.
        #[test]
        fn both_ways_agree(line in r#"(\{|\}|"|\\|"log":|"stream":|"time":|"stdout"|"2026-11-24T05:00:00Z"|,|n|x){0,14}"#) {
            if let Some(quick) = in_order(&line) {
                let thorough = in_any_order(&line);
                prop_assert!(thorough == Ok(quick) || matches!(quick.text, Text::Unsound(_)), "{}", line);
            }
        }
    }
}
