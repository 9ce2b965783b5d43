//! Text to quantity. Knows the grammar; printing is the parent's.

use super::{Format, MAX_NANO, NANO, Quantity};

/// Powers of ten beyond this are either capped or rounded to one billionth, whatever the digits (at most 64 of them count).
const FARTHEST_EXPONENT: i64 = 128;
/// More digits than any amount between a billionth and the cap needs; longer texts are no quantities but attacks.
const MOST_DIGITS: usize = 64;

/// `SIGN? DIGITS? ('.' DIGITS?)? SUFFIX?` with at least one digit.
pub(super) fn parse(text: &str) -> Result<Quantity, &'static str> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        Some(_) => (false, text),
        None => return Err("it is empty"),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') {
        return Err("it has two points");
    }
    if whole.is_empty() && fraction.is_empty() {
        return Err("it has no digits");
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if whole.len() + fraction.len() > MOST_DIGITS {
        return Err("it has more than 64 digits");
    }
    let (format, scale) = suffix_of(suffix).ok_or("its suffix is not one of n u m k M G T P E Ki Mi Gi Ti Pi Ei or eN")?;
    let nano = match scale {
        Scale::Ten(exponent) => decimal(whole, fraction, exponent + 9),
        Scale::Two(shift) => binary(whole, fraction, shift),
    };
    let nano = nano.min(MAX_NANO);
    Ok(Quantity { nano: if negative { -nano } else { nano }, format })
}

enum Scale {
    Ten(i64),
    Two(u32),
}

fn suffix_of(suffix: &str) -> Option<(Format, Scale)> {
    let decimal = |exponent| Some((Format::DecimalSi, Scale::Ten(exponent)));
    let binary = |shift| Some((Format::BinarySi, Scale::Two(shift)));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            // A longer exponent than 64 bits hold is no amount that anything could measure.
            let exponent: i64 = exponent.parse().ok()?;
            Some((Format::DecimalExponent, Scale::Ten(exponent.clamp(-FARTHEST_EXPONENT, FARTHEST_EXPONENT))))
        }
    }
}

/// The digits times 10^`exponent`, rounded up, capped above the cap.
fn decimal(whole: &str, fraction: &str, exponent: i64) -> i128 {
    let point = whole.len() as i64 + exponent;
    let mut digits = whole.bytes().chain(fraction.bytes());
    let mut amount: i128 = 0;
    for _ in 0..point.max(0) {
        let digit = digits.next().unwrap_or(b'0') - b'0';
        amount = amount.saturating_mul(10).saturating_add(i128::from(digit)).min(MAX_NANO);
    }
    // A point left of the first digit leaves all digits for the remainder.
    let remainder = digits.any(|digit| digit != b'0');
    amount + i128::from(remainder)
}

/// The digits times 2^`shift`, in billionths, rounded up, capped above the cap.
fn binary(whole: &str, fraction: &str, shift: u32) -> i128 {
    let unit = NANO << shift;
    let whole = decimal(whole, "", 0).min(MAX_NANO / unit + 1).saturating_mul(unit);
    // Digit by digit from the right: (digit * unit + rest) / 10, remembering whether anything was cut off.
    let mut rest: i128 = 0;
    let mut cut = false;
    for digit in fraction.bytes().rev() {
        let sum = i128::from(digit - b'0') * unit + rest;
        rest = sum / 10;
        cut |= sum % 10 != 0;
    }
    whole.saturating_add(rest + i128::from(cut))
}
