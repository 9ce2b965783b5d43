//! Durations as Go programs take them on the command line (`15s`, `1m30s`, `250ms`), since manifests write them so.

use std::time::Duration;

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration such as 500ms, 90s or 1m30s{}", if *.positive { ", longer than nothing" } else { "" })]
pub struct DurationError {
    text: String,
    positive: bool,
}

/// As much of a wrong text as an error repeats.
const SHOWN: usize = 40;
/// Longer than any program runs; sums beyond it would overflow timers.
const LONGEST_SECONDS: f64 = 1e9;

/// Reads a duration; a negative one is none.
///
/// # Errors
/// The text is no duration.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let wrong = || DurationError { text: text.chars().take(SHOWN).collect(), positive: false };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let number = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').ok_or_else(wrong)?;
        let amount: f64 = rest[..number].parse().map_err(|_| wrong())?;
        rest = &rest[number..];
        let unit = rest.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(rest.len());
        let factor = match &rest[..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(wrong()),
        };
        seconds += amount * factor;
        rest = &rest[unit..];
    }
    if text.is_empty() || seconds > LONGEST_SECONDS {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// Reads a duration of more than nothing.
///
/// # Errors
/// The text is no duration, or none at all.
pub fn positive(text: &str) -> Result<Duration, DurationError> {
    let wrong = DurationError { text: text.chars().take(SHOWN).collect(), positive: true };
    parse(text).ok().filter(|duration| !duration.is_zero()).ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, millis) in
            [("15s", 15_000), ("5m0s", 300_000), ("1h", 3_600_000), ("1m30.5s", 90_500), ("250ms", 250), ("0", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "15", "s", "-1s", "1d", "1.2.3s", "1s1", "9999999999999h", " 1s"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_not_positive() {
        assert_eq!(positive("1ms"), Ok(Duration::from_millis(1)));
        for text in ["0s", "0", "-1s", "soon"] {
            assert!(positive(text).is_err_and(|error| error.to_string().contains(text)), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.a-zµ -]{0,20}") {
            let _parsed = parse(&text);
        }
    }
}
