//! Times as queries write them: RFC 3339, milliseconds since 1970, a date, or `now` with a shift such as `now-15m`. A time
//! stands for the span that its digits leave open, as in Elasticsearch. Shifts are exact durations: no months, no rounding.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::log_store::document::nanoseconds;
use crate::log_store::failure::Failure;

const MILLISECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 60 * 60 * 1000 * MILLISECOND;

/// What a written time means, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The first nanosecond.
    pub start: i64,
    /// The first one after it.
    pub end: i64,
}

/// Reads a time.
///
/// # Errors
/// It is none.
pub fn read(text: &str, now: Timestamp) -> Result<Instant, Failure> {
    let text = text.trim();
    let found = match text.strip_prefix("now") {
        Some(shift) => shifted(now, shift).map(|start| (start, MILLISECOND)),
        None => absolute(text),
    };
    let Some((start, width)) = found else {
        let text: String = text.chars().take(100).collect();
        return Err(Failure::parsing(format!(
            "{text:?} is no time: write RFC 3339, a date, milliseconds since 1970, or now with a shift such as now-15m"
        )));
    };
    Ok(Instant { start, end: start.saturating_add(width) })
}

fn absolute(text: &str) -> Option<(i64, i64)> {
    if let Some(start) = nanoseconds(text) {
        let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.bytes().take_while(u8::is_ascii_digit).count());
        // Nobody who writes no fraction means the nanosecond zero, and clocks of browsers have milliseconds.
        let digits = u32::try_from(digits).unwrap_or(u32::MAX).clamp(3, 9);
        return Some((start, 10_i64.pow(9 - digits)));
    }
    // Only the day's own form: others would be taken for something more exact than they say.
    let date: Date = if text.len() == "2006-01-02".len() { text.parse().ok()? } else { return None };
    let start = TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?;
    Some((i64::try_from(start.as_nanosecond()).ok()?, DAY))
}

/// `now` moved by shifts such as `-1d+2h`.
fn shifted(now: Timestamp, mut shift: &str) -> Option<i64> {
    let mut at = now;
    while let Some(sign) = shift.chars().next() {
        let rest = shift.strip_prefix(['+', '-'])?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' | 'H' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        let moved = SignedDuration::from_secs(count.checked_mul(seconds)?);
        at = if sign == '-' { at.checked_sub(moved) } else { at.checked_add(moved) }.ok()?;
        shift = &rest[digits + unit.len_utf8()..];
    }
    i64::try_from(at.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn check(text: &str, expected: Option<(i64, i64)>) {
        let read = read(text, Timestamp::from_millisecond(NOW).unwrap());
        match (read, expected) {
            (Ok(Instant { start, end }), Some(expected)) => assert_eq!((start, end - start), expected, "{text}"),
            (Err(failure), None) => assert!(failure.reason.contains("is no time: write RFC 3339"), "{failure:?}"),
            (read, _) => panic!("{text:?} gave {read:?}"),
        }
    }

    #[test]
    fn times() {
        check("1970-01-01T00:00:01Z", Some((1_000_000_000, MILLISECOND)));
        check("1970-01-01T01:00:00.5+01:00", Some((500_000_000, MILLISECOND)));
        check("1970-01-01T00:00:00.123456Z", Some((123_456_000, 1000)));
        check("1970-01-01T00:00:00.123456789Z", Some((123_456_789, 1)));
        check("1500", Some((1_500_000_000, MILLISECOND)));
        check("1970-01-02", Some((DAY, DAY)));
        check("now", Some((NOW * MILLISECOND, MILLISECOND)));
        check(" now-1m ", Some(((NOW - 60_000) * MILLISECOND, MILLISECOND)));
        check("now+1h-2d", Some(((NOW + 3_600_000) * MILLISECOND - 2 * DAY, MILLISECOND)));
        for text in [
            "",
            "yesterday",
            "now-",
            "now-1",
            "now-1y",
            "now-1d/d",
            "now1d",
            "now-99999999999999999w",
            "2024-13-01",
            "20240101T000000",
            "now-1ä",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(now)?[-+/0-9a-zä:.TZ ]{0,24}") {
            let _read = read(&text, Timestamp::UNIX_EPOCH);
        }
    }
}
