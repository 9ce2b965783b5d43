//! One line of the text format: a comment that means something, or a sample.

use crate::metric::Kind;

#[derive(Debug, PartialEq)]
pub enum Comment<'line> {
    Help(&'line str, String),
    Type(&'line str, Kind),
}

#[derive(Debug, PartialEq)]
pub struct Sample<'line> {
    pub name: &'line str,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

/// `# HELP name text` or `# TYPE name kind`; `None` for any other comment. `line` starts with the `#`.
pub fn comment(line: &str) -> Result<Option<Comment<'_>>, String> {
    let rest = line.trim_start_matches('#').trim_start_matches(BLANKS);
    let (word, rest) = rest.split_once(BLANKS).unwrap_or((rest, ""));
    if !matches!(word, "HELP" | "TYPE") {
        return Ok(None);
    }
    let (name, rest) = name(rest.trim_start_matches(BLANKS), true)?;
    if !rest.is_empty() && !rest.starts_with(BLANKS) {
        return Err(format!("{rest:?} after the name {name}"));
    }
    let rest = rest.trim_start_matches(BLANKS);
    if word == "HELP" {
        return Ok(Some(Comment::Help(name, unescape(rest, false)?)));
    }
    let kind = match rest.to_ascii_lowercase().as_str() {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        "untyped" => Kind::Untyped,
        _ => return Err(format!("unknown type {rest:?} of {name}")),
    };
    Ok(Some(Comment::Type(name, kind)))
}

/// `name{label="value",...} number`.
pub fn sample(line: &str) -> Result<Sample<'_>, String> {
    let (name, rest) = name(line, true)?;
    let rest = rest.trim_start_matches(BLANKS);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    let mut fields = rest.trim_matches(BLANKS).split(BLANKS).filter(|field| !field.is_empty());
    let text = fields.next().ok_or("the value is missing")?;
    let value = value(text).ok_or_else(|| format!("{text:?} is no number"))?;
    match fields.next() {
        None => Ok(Sample { name, labels, value }),
        Some(more) if more.parse::<i64>().is_ok() => {
            Err(format!("{name} has the timestamp {more}, and timestamps are not taken"))
        }
        Some(more) => Err(format!("{more:?} after the value")),
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

// Colons are for metric names only.
fn name(text: &str, colons: bool) -> Result<(&str, &str), String> {
    let legal = |at: usize, byte: u8| {
        byte.is_ascii_alphabetic() || byte == b'_' || (colons && byte == b':') || (at > 0 && byte.is_ascii_digit())
    };
    let end = text.bytes().enumerate().position(|(at, byte)| !legal(at, byte)).unwrap_or(text.len());
    if end == 0 { Err(format!("no name at {:?}", text.chars().take(20).collect::<String>())) } else { Ok(text.split_at(end)) }
}

type Labels = Vec<(String, String)>;

// What stands after the opening brace, and what after the closing one.
fn labels(text: &str) -> Result<(Labels, &str), String> {
    let mut labels = Vec::new();
    let mut rest = text.trim_start_matches(BLANKS);
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (label, after) = name(rest, false)?;
        if label == "__name__" {
            return Err("label __name__ is not for use".to_owned());
        }
        let after = after.trim_start_matches(BLANKS).strip_prefix('=').ok_or_else(|| format!("no = after label {label}"))?;
        let quoted = after.trim_start_matches(BLANKS).strip_prefix('"').ok_or_else(|| format!("no quote after {label}="))?;
        let end = closing_quote(quoted).ok_or_else(|| format!("the value of label {label} does not end"))?;
        labels.push((label.to_owned(), unescape(&quoted[..end], true)?));
        rest = quoted[end + 1..].trim_start_matches(BLANKS);
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start_matches(BLANKS),
            None if rest.starts_with('}') => {}
            None => return Err(format!("neither comma nor brace after label {label}")),
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let found = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        found
    })
}

fn unescape(text: &str, quotes: bool) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('\\') => plain.push('\\'),
            Some('n') => plain.push('\n'),
            Some('"') if quotes => plain.push('"'),
            other => return Err(format!("unknown escape \\{}", other.map_or(String::new(), String::from))),
        }
    }
    Ok(plain)
}

/// A number as Go reads it: `+Inf`, `NaN` and decimals, but no underscores and no hexadecimal.
pub fn value(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_are_read() {
        let read = |line: &str| sample(line).map(|sample| (sample.name.to_owned(), sample.labels, sample.value));
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        for (line, name, labels, value) in [
            ("a 1", "a", vec![], 1.0),
            ("a:b_c{} -2.5e3 ", "a:b_c", vec![], -2500.0),
            ("a { x = \"1\" , y=\"\\\"\\\\\\n\", } +Inf", "a", vec![label("x", "1"), label("y", "\"\\\n")], f64::INFINITY),
            ("a{x=\"}\"}\t5", "a", vec![label("x", "}")], 5.0),
        ] {
            assert_eq!(read(line), Ok((name.to_owned(), labels, value)), "{line}");
        }
    }

    #[test]
    fn what_upstream_refuses_is_refused() {
        for line in [
            "a",
            "a.b 1",
            "1a 1",
            "a 1 1234",
            "a 1 x",
            "a{x=\"1\" 1",
            "a{x=1} 1",
            "a{x=\"1\"y=\"2\"} 1",
            "a{x:y=\"1\"} 1",
            "a{__name__=\"b\"} 1",
            "a 1_000",
            "a 0x10",
            "a{x=\"\\t\"} 1",
            "a 1\r",
            "{\"a\"} 1",
            "a{x=\"",
            "a{",
            "ä 1",
        ] {
            assert!(sample(line).is_err(), "{line}");
        }
        for line in ["# TYPE a nonsense", "# HELP", "# HELP a.b x", "# HELP a \\q", "# TYPE a"] {
            assert!(comment(line).is_err(), "{line}");
        }
    }

    #[test]
    fn comments_are_read() {
        for (line, expected) in [
            ("# HELP a  two\\nlines \"q\"", Some(Comment::Help("a", "two\nlines \"q\"".to_owned()))),
            ("#HELP a", Some(Comment::Help("a", String::new()))),
            ("#\tTYPE a Gauge", Some(Comment::Type("a", Kind::Gauge))),
            ("# HELPER x", None),
            ("#", None),
        ] {
            assert_eq!(comment(line), Ok(expected), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_taken_without_panic(line in ".*", near in "[a-z]{0,3}\\{?[a-z=\"\\\\,{} 0-9]*") {
            for line in [line, near] {
                let _any = sample(&line);
                let _any = comment(&format!("#{line}"));
            }
        }
    }
}
