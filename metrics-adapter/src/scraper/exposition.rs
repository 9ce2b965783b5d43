//! The text in which targets expose their metrics: Prometheus' format 0.0.4, and as much of OpenMetrics as targets send that
//! ignore what they are asked for. One pass over the bytes, no allocation, no panic; what a name means is not its business.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// Which of the two formats a body has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`: timestamps in milliseconds.
    Prometheus,
    /// `application/openmetrics-text`: timestamps in seconds, and exemplars after samples.
    OpenMetrics,
}

/// One sample line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line<'a> {
    /// Name and labels as they stand there; equal texts are the same series.
    pub series: &'a str,
    /// The metric's name.
    pub metric: &'a str,
    /// What stands between the braces.
    pub labels: &'a str,
    /// The value.
    pub value: f64,
    /// Milliseconds since 1970, if the line has a time of its own.
    pub timestamp: Option<i64>,
}

/// A body that is no exposition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpositionError {
    /// Binary data.
    #[error("not text: byte {0} is not UTF-8")]
    NotText(usize),
    /// A line that is no sample.
    #[error("line {line}: {problem}")]
    Line {
        /// Which line, from 1 on.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Calls `see` with every sample of `body`, in order.
///
/// # Errors
/// The first line that is not understood; the samples before it have been seen.
pub fn parse<'a>(body: &'a [u8], format: Format, mut see: impl FnMut(Line<'a>)) -> Result<(), ExpositionError> {
    let text = std::str::from_utf8(body).map_err(|error| ExpositionError::NotText(error.valid_up_to()))?;
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = skip_blanks(line);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        see(sample(line, format).map_err(|problem| ExpositionError::Line { line: number, problem })?);
    }
    Ok(())
}

fn sample(line: &str, format: Format) -> Result<Line<'_>, &'static str> {
    let (metric, after) = line.split_at(name_end(line, true));
    if metric.is_empty() {
        return Err("a metric's name must start the line");
    }
    let (labels, series, after) = match skip_blanks(after).strip_prefix('{') {
        Some(inner) => {
            let close = labels_end(inner)?;
            let after = &inner[close + 1..];
            (&inner[..close], &line[..line.len() - after.len()], after)
        }
        None if after.starts_with([' ', '\t']) => ("", metric, after),
        None => return Err("a character that no metric's name may have"),
    };
    let (value, after) = word(after);
    let value = number(value).ok_or("the value is not a number")?;
    let (timestamp, after) = word(after);
    let (timestamp, after) = match (timestamp, format) {
        ("", _) => (None, after),
        // Where a time could stand the exemplar begins.
        ("#", Format::OpenMetrics) => (None, ""),
        (text, Format::Prometheus) => (Some(text.parse().map_err(|_| "the timestamp is not a whole number")?), after),
        (text, Format::OpenMetrics) => {
            let seconds = number(text).filter(|seconds| seconds.is_finite()).ok_or("the timestamp is not a number")?;
            (Some((seconds * 1000.0).round() as i64), after)
        }
    };
    match (skip_blanks(after), format) {
        ("", _) => Ok(Line { series, metric, labels, value, timestamp }),
        (text, Format::OpenMetrics) if text.starts_with('#') => Ok(Line { series, metric, labels, value, timestamp }),
        _ => Err("there is text after the sample"),
    }
}

/// The first word, and what comes after it.
fn word(text: &str) -> (&str, &str) {
    let text = skip_blanks(text);
    text.split_at(memchr2(b' ', b'\t', text.as_bytes()).unwrap_or(text.len()))
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// How long the name at the start of `text` is; names of metrics may have colons.
fn name_end(text: &str, colons: bool) -> usize {
    let is_name = |(place, byte): (usize, u8)| {
        byte.is_ascii_alphabetic() || byte == b'_' || (colons && byte == b':') || (place > 0 && byte.is_ascii_digit())
    };
    text.bytes().enumerate().position(|item| !is_name(item)).unwrap_or(text.len())
}

/// Where the labels end: the place of the closing brace. Checks all that lies before it.
fn labels_end(text: &str) -> Result<usize, &'static str> {
    let mut rest = text;
    loop {
        rest = skip_blanks(rest);
        if rest.starts_with('}') {
            return Ok(text.len() - rest.len());
        }
        let (_, _, after) = label(rest)?;
        rest = skip_blanks(after);
        rest = match rest.as_bytes().first() {
            Some(b',') => &rest[1..],
            Some(b'}') => rest,
            _ => return Err("a comma or a closing brace must follow a label"),
        };
    }
}

/// The label at the start of `text`: its name, its value as written, and what comes after it.
fn label(text: &str) -> Result<(&str, &str, &str), &'static str> {
    let (name, rest) = text.split_at(name_end(text, false));
    if name.is_empty() {
        return Err("a label's name is missing, or the braces are not closed");
    }
    let rest = skip_blanks(rest).strip_prefix('=').ok_or("an equals sign must follow a label's name")?;
    let rest = skip_blanks(rest).strip_prefix('"').ok_or("a label's value must be quoted")?;
    let mut place = 0;
    loop {
        place += memchr2(b'"', b'\\', &rest.as_bytes()[place..]).ok_or("a label's value has no closing quote")?;
        if rest.as_bytes()[place] == b'"' {
            return Ok((name, &rest[..place], &rest[place + 1..]));
        }
        // What is escaped may be the start of a longer character; its other bytes are neither quotes nor backslashes.
        place = (place + 2).min(rest.len());
    }
}

/// The labels between the braces, decoded.
#[must_use]
pub fn labels(text: &str) -> Vec<(&str, Cow<'_, str>)> {
    let mut labels = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while let Ok((name, value, after)) = label(rest) {
        labels.push((name, unescaped(value)));
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    labels
}

fn unescaped(value: &str) -> Cow<'_, str> {
    if memchr(b'\\', value.as_bytes()).is_none() {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (letter, false) => text.push(letter),
            (_, true) => match letters.next() {
                Some('n') => text.push('\n'),
                Some(letter @ ('"' | '\\')) => text.push(letter),
                // Prometheus leaves what it does not know as it is.
                other => text.extend(['\\'].into_iter().chain(other)),
            },
        }
    }
    Cow::Owned(text)
}

/// A number as Go writes it. Counters are whole numbers most of the time, and those are read by hand.
fn number(text: &str) -> Option<f64> {
    /// Whole numbers of this many digits are exact in a float.
    const EXACT_DIGITS: usize = 15;
    let bytes = text.as_bytes();
    if (1..=EXACT_DIGITS).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
        let whole = bytes.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        return Some(whole as f64);
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests;
