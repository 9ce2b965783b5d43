//! The container runtime interface's log files: `2026-11-24T05:00:00.5Z stdout F GET /`. The tag says whether the line is
//! whole (`F`) or goes on in the next entry of its stream (`P`); more tags may follow it after colons.

use super::{Entry, Malformed, Stream, Text, time};

/// Takes one line apart.
///
/// # Errors
/// A field is missing or is not what a runtime writes.
pub fn parse(line: &str) -> Result<Entry<'_>, Malformed> {
    let (time, rest) = line.split_once(' ').ok_or(Malformed("no blank after the time"))?;
    if !time::is_rfc3339(time) {
        return Err(Malformed("a time that is not RFC 3339"));
    }
    let (stream, rest) = rest.split_once(' ').ok_or(Malformed("no stream and tag"))?;
    let stream = Stream::of(stream).ok_or(Malformed("a stream that is neither stdout nor stderr"))?;
    // An empty line may be written without the blank after its tag.
    let (tags, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let ends_line = match tags.split(':').next() {
        Some("F") => true,
        Some("P") => false,
        _ => return Err(Malformed("a tag that is neither F nor P")),
    };
    Ok(Entry { text: Text::Plain(text), ends_line, stream, time })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str, expected: Result<(&str, bool), &str>) {
        let parsed = parse(line).map(|entry| (entry.text, entry.ends_line));
        match (parsed, expected) {
            (Ok(parsed), Ok((text, ends_line))) => assert_eq!(parsed, (Text::Plain(text), ends_line), "{line}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{line}: {error}"),
            (parsed, _) => panic!("{line} gave {parsed:?}"),
        }
    }

    #[test]
    fn entries_and_lines_that_are_none() {
        check("2026-11-24T05:00:00.5Z stdout F GET /", Ok(("GET /", true)));
        check("2026-11-24T05:00:00.5Z stderr P  two blanks ", Ok((" two blanks ", false)));
        check("2026-11-24T05:00:00.5Z stdout F ", Ok(("", true)));
        check("2026-11-24T05:00:00.5Z stdout F", Ok(("", true)));
        check("2026-11-24T05:00:00.5+01:00 stdout P:x F", Ok(("F", false)));
        check("2026-11-24T05:00:00.5Z stdout X text", Err("neither F nor P"));
        check("2026-11-24T05:00:00.5Z stdin F text", Err("neither stdout nor stderr"));
        check("2026-11-24T05:00:00.5Z stdout", Err("no stream"));
        check("yesterday stdout F text", Err("RFC 3339"));
        check("", Err("no blank"));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_whole(text in "[^\n]*") {
            let line = format!("2026-11-24T05:00:00Z stdout P {text}");
            prop_assert_eq!(parse(&line).unwrap().text, Text::Plain(&text));
        }
    }
}
