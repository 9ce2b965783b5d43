//! Sizes as bcache writes them for people: whole numbers, or with one digit and a letter, where `1.1M` means one and 1/10.24
//! of a mebibyte. They are turned back into what they stand for, as upstream does.

use super::super::Malformed;

const LETTERS: [char; 8] = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
/// The digit after the point counts in 1024ths of ten.
const DIGIT: f64 = 10.24;
const STEP: f64 = 1024.0;

/// A size in line `line`, with a sign or without.
pub fn parse(text: &str, line: usize) -> Result<f64, Malformed> {
    let bad = || Malformed::new(line, format!("{text:?} is no size such as 20.4G"));
    let plain = text.strip_prefix('-').unwrap_or(text);
    let size = match LETTERS.iter().position(|letter| plain.ends_with(*letter)) {
        None => plain.parse::<f64>().map_err(|_| bad())?,
        Some(power) => {
            let number = &plain[..plain.len() - 1];
            let (whole, digit) = number.split_once('.').unwrap_or((number, "0"));
            let (whole, digit): (f64, f64) = (whole.parse().map_err(|_| bad())?, digit.parse().map_err(|_| bad())?);
            (whole + digit / DIGIT) * STEP.powi(power as i32 + 1)
        }
    };
    let size = size.trunc();
    Ok(if text.starts_with('-') { -size } else { size })
}

/// The size at the end of the line that starts with `key`, without the unit behind it; `None` without such a line.
pub fn parse_rate(text: &str, key: &str) -> Result<Option<f64>, Malformed> {
    let Some((index, line)) = text.lines().enumerate().find(|(_, line)| line.starts_with(key)) else { return Ok(None) };
    let value = line.split_whitespace().next_back().unwrap_or_default();
    let value = value.strip_suffix("/sec").or_else(|| value.strip_suffix('%')).unwrap_or(value);
    parse(value, index + 1).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_for_people_become_numbers() {
        for (text, expected) in [
            ("0", Some(0.0)),
            ("542", Some(542.0)),
            ("1.1M", Some(1_150_976.0)),
            ("20k", Some(20_480.0)),
            ("-321.5k", Some(-329_204.0)),
            ("", None),
            ("k", None),
            ("1.xk", None),
            ("G1", None),
        ] {
            assert_eq!(parse(text, 1).ok(), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_found_by_their_key() {
        let text = "rate:\t\t1.1M/sec\nUnused:\t\t99%\nnext io:\t17ms\n";
        assert_eq!(parse_rate(text, "rate:"), Ok(Some(1_150_976.0)));
        assert_eq!(parse_rate(text, "Unused:"), Ok(Some(99.0)));
        assert_eq!(parse_rate(text, "none:"), Ok(None));
        assert!(parse_rate(text, "next io:").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "-?[0-9.]{0,30}.?", other in "(?s)rate:.*") {
            let _any = (parse(&text, 1), parse_rate(&other, "rate:"));
        }
    }
}
