//! RFC 3339 times as the container runtimes write them: checked by shape, copied as they are. No calendar: 31 February
//! passes here and is the sink's to judge.

/// Whether `text` is `YYYY-MM-DDTHH:MM:SS`, with up to nine digits of a second, and `Z` or an offset.
#[must_use]
pub fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((date, rest)) = bytes.split_at_checked(19) else { return false };
    let number = |from: usize| match (date[from], date[from + 1]) {
        (tens @ b'0'..=b'9', ones @ b'0'..=b'9') => Some((tens - b'0') * 10 + ones - b'0'),
        _ => None,
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let ranges = [(0, 0..=99), (2, 0..=99), (5, 1..=12), (8, 1..=31), (11, 0..=23), (14, 0..=59), (17, 0..=59)];
    separators.iter().all(|(place, byte)| date[*place] == *byte)
        && ranges.iter().all(|(place, range)| number(*place).is_some_and(|number| range.contains(&number)))
        && is_zone(without_fraction(rest))
}

fn without_fraction(rest: &[u8]) -> &[u8] {
    let Some(digits) = rest.strip_prefix(b".") else { return rest };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=9).contains(&length) { &digits[length..] } else { rest }
}

fn is_zone(zone: &[u8]) -> bool {
    match zone {
        b"Z" => true,
        [b'+' | b'-', hour @ .., b':', _, _] if hour.len() == 2 => {
            zone.iter().skip(1).all(|byte| byte.is_ascii_digit() || *byte == b':')
        }
        _ => false,
    }
}

/// Milliseconds since 1970, for ages; `None` if there is no such day.
#[must_use]
pub fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(is_rfc3339(text), expected, "{text}");
    }

    #[test]
    fn shapes() {
        check("2026-11-24T05:00:00.500000000Z", true);
        check("2026-11-24T05:00:00Z", true);
        check("2026-11-24T05:00:00.1Z", true);
        check("2026-11-24T05:00:00.123456789+02:00", true);
        check("1970-01-01T00:00:00-11:30", true);
        check("2026-11-24T05:00:00", false);
        check("2026-11-24T05:00:00.Z", false);
        check("2026-11-24T05:00:00.1234567890Z", false);
        check("2026-13-24T05:00:00Z", false);
        check("2026-11-24 05:00:00Z", false);
        check("2026-11-24T05:00:00+2:000", false);
        check("", false);
        check("é026-11-24T05:00:00Z", false);
    }

    #[test]
    fn ages() {
        assert_eq!(milliseconds("1970-01-01T00:00:01.5Z"), Some(1500));
        assert_eq!(milliseconds("2026-02-31T00:00:00Z"), None);
    }
}
