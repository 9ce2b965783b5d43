//! The small tables of bcachefs, and its sizes written for people: `1.5G` is one and a half gibibytes.

use super::super::{Malformed, number};

const LETTERS: &str = "kmgtpe";
const STEP: f64 = 1024.0;

/// A size in line `line`.
pub fn parse_size(text: &str, line: usize) -> Result<f64, Malformed> {
    let text = text.trim();
    let power = text.chars().next_back().and_then(|last| LETTERS.find(last.to_ascii_lowercase()));
    let (plain, factor) = match power {
        Some(power) => (&text[..text.len() - 1], STEP.powi(power as i32 + 1)),
        None => (text, 1.0),
    };
    let value: f64 = plain.trim().parse().map_err(|_| Malformed::new(line, format!("{text:?} is no size such as 1.5G")))?;
    Ok((value * factor).trunc())
}

/// Rows below a heading: a name, with a colon or without, and two sizes.
pub fn parse_sizes(text: &str) -> impl Iterator<Item = Result<(&str, [f64; 2]), Malformed>> {
    text.lines().enumerate().skip(1).filter_map(|(index, line)| {
        let mut fields = line.split_ascii_whitespace();
        let (name, one, other) = (fields.next()?, fields.next()?, fields.next()?);
        let size = |text: &str| parse_size(text, index + 1);
        let both = size(one).and_then(|one| Ok([one, size(other)?]));
        Some(both.map(|both| (name.strip_suffix(':').unwrap_or(name), both)))
    })
}

/// Rows of a name, a count and a time.
pub fn parse_errors(text: &str) -> impl Iterator<Item = Result<(&str, u64), Malformed>> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let mut fields = line.split_ascii_whitespace();
        let (name, count) = (fields.next()?, fields.next()?);
        Some(number(Some(count), index + 1).map(|count| (name, count)))
    })
}

/// The line `since filesystem creation: 67890` of a counter; there is also one since the mount.
pub fn parse_counter(text: &str) -> Result<f64, Malformed> {
    let mut lines = text.lines().enumerate();
    let created = lines.find_map(|(index, line)| Some((index, line.strip_prefix("since filesystem creation:")?)));
    match created {
        Some((index, value)) => parse_size(value, index + 1),
        None if text.lines().any(|line| line.starts_with("since mount:")) => Ok(0.0),
        None => Err(Malformed::new(1, "there is no line `since filesystem creation`")),
    }
}

/// Bytes by operation (`read:`, `write:`) and kind of data (`  btree : 123`).
pub fn parse_io_done(text: &str) -> impl Iterator<Item = Result<(&str, &str, u64), Malformed>> {
    let mut operation = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let "read:" | "write:" = line {
            operation = line.strip_suffix(':');
            return None;
        }
        let (data, bytes) = line.split_once(':')?;
        let operation = operation?;
        Some(number(Some(bytes.trim()), index + 1).map(|bytes| (operation, data.trim(), bytes)))
    })
}

/// Errors by kind in the section `IO errors since filesystem creation`.
pub fn parse_io_errors(text: &str) -> impl Iterator<Item = Result<(&str, u64), Malformed>> {
    let lines = text.lines().enumerate().skip_while(|(_, line)| !line.starts_with("IO errors since filesystem creation")).skip(1);
    lines.take_while(|(_, line)| !line.starts_with("IO errors since ")).filter_map(|(index, line)| {
        let (kind, count) = line.trim().split_once(':')?;
        Some(number(Some(count.trim()), index + 1).map(|count| (kind.trim(), count)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_for_people_become_bytes() {
        for (text, expected) in [
            ("405", Some(405.0)),
            ("1.5G", Some(1_610_612_736.0)),
            ("2k", Some(2048.0)),
            ("", None),
            ("k", None),
            ("x", None),
            ("ä", None),
        ] {
            assert_eq!(parse_size(text, 1).ok(), expected, "{text}");
        }
    }

    #[test]
    fn tables_are_read_row_by_row() {
        let sizes: Vec<_> = parse_sizes("type size\nlz4 1k 2k 3\nshort 1\ninitial:  7 4k\n").map(Result::unwrap).collect();
        assert_eq!(sizes, [("lz4", [1024.0, 2048.0]), ("initial", [7.0, 4096.0])]);
        let errors: Vec<_> = parse_errors("bad_node 5 1700000000\n\n").map(Result::unwrap).collect();
        assert_eq!(errors, [("bad_node", 5)]);
        assert_eq!(parse_counter("since mount: 1\nsince filesystem creation: 2k\n"), Ok(2048.0));
        assert_eq!(parse_counter("since mount: 1\n"), Ok(0.0));
        assert!(parse_counter("7\n").is_err());
        let done: Vec<_> = parse_io_done("stray : 1\nread:\n  btree : 12\nwrite:\n sb:3\n").map(Result::unwrap).collect();
        assert_eq!(done, [("read", "btree", 12), ("write", "sb", 3)]);
        let text = "IO errors since filesystem creation\n  read:    3\nIO errors since 8 y ago\n  read: 9\n";
        assert_eq!(parse_io_errors(text).map(Result::unwrap).collect::<Vec<_>>(), [("read", 3)]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(read:\n|IO errors since filesystem creation\n|[a-z]+:? [0-9.]{0,22}.? [0-9]*k?\n){0,4}.*") {
            parse_sizes(&text).for_each(drop);
            parse_errors(&text).for_each(drop);
            parse_io_done(&text).for_each(drop);
            parse_io_errors(&text).for_each(drop);
            let _any = (parse_counter(&text), parse_size(&text, 1));
        }
    }
}
