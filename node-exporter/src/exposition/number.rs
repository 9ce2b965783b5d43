//! Floating point numbers as Go's `strconv.FormatFloat(v, 'g', -1, 64)` writes them: the shortest digits that read back
//! the same, with an exponent below 1e-4 and from 1e6 on (hence `1.340511e+06`), of at least two digits.

use std::io::Write as _;

/// Whole numbers below this are exact in a double and their decimal digits are the shortest ones.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Decimal exponents that are written without an `e`.
const PLAIN: std::ops::Range<i32> = -4..6;

/// Appends `value` to `out`.
pub fn write_number(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if value == 0.0 {
        out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    } else {
        if value < 0.0 {
            out.push(b'-');
        }
        finite(value.abs(), out);
    }
}

fn finite(value: f64, out: &mut Vec<u8>) {
    // 17 digits, a point and an exponent fit well.
    let mut scratch = [0_u8; 40];
    let (digits, exponent) =
        if value < EXACT && value.fract() == 0.0 { whole(value, &mut scratch) } else { shortest(value, &mut scratch) };
    lay_out(digits, exponent, out);
}

// The digits without trailing zeros, and the exponent of the first of them.
fn whole(value: f64, scratch: &mut [u8; 40]) -> (&[u8], i32) {
    // Below 2^53: the conversion is exact.
    let mut rest = value as u64;
    let mut start = scratch.len();
    while rest > 0 {
        start -= 1;
        scratch[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let digits = &scratch[start..];
    let exponent = digits.len() as i32 - 1;
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    (&digits[..digits.len() - zeros], exponent)
}

// Rust writes the shortest digits too, as `d.ddde-7`.
fn shortest(value: f64, scratch: &mut [u8; 40]) -> (&[u8], i32) {
    let length = scratch.len();
    let mut cursor = &mut scratch[..];
    // Cannot fail: the text of a double with an exponent has at most 25 bytes.
    let _written = write!(cursor, "{value:e}");
    let used = length - cursor.len();
    let text = &scratch[..used];
    let split = text.iter().position(|byte| *byte == b'e').unwrap_or(used);
    let exponent =
        std::str::from_utf8(text.get(split + 1..).unwrap_or_default()).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    if split > 1 {
        // Close the gap that the point leaves.
        scratch.copy_within(2..split, 1);
        (&scratch[..split - 1], exponent)
    } else {
        (&scratch[..split], exponent)
    }
}

fn lay_out(digits: &[u8], exponent: i32, out: &mut Vec<u8>) {
    if !PLAIN.contains(&exponent) {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let power = exponent.unsigned_abs();
        // Writing to a vector cannot fail.
        let _written = write!(out, "{power:02}");
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + (-exponent - 1) as usize, b'0');
        out.extend_from_slice(digits);
    } else {
        let before_point = exponent as usize + 1;
        let given = digits.len().min(before_point);
        out.extend_from_slice(&digits[..given]);
        out.resize(out.len() + before_point - given, b'0');
        if digits.len() > before_point {
            out.push(b'.');
            out.extend_from_slice(&digits[before_point..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        write_number(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_read_as_go_writes_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (10.0, "10"),
            (12345.0, "12345"),
            (100_000.0, "100000"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1_340_511.0, "1.340511e+06"),
            (5.9910002e7, "5.9910002e+07"),
            (1e21, "1e+21"),
            (18_446_744_073_709_551_615.0, "1.8446744073709552e+19"),
            (0.104, "0.104"),
            (0.10400000000000001, "0.10400000000000001"),
            (6.5360000000000005, "6.5360000000000005"),
            (1_158_557.8, "1.1585578e+06"),
            (46229.572, "46229.572"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (2.5e-300, "2.5e-300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (-2.5, "-2.5"),
            (9_007_199_254_740_993.0, "9.007199254740992e+15"),
            (123_456.789, "123456.789"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(bits: u64) {
            let value = f64::from_bits(bits);
            let read: f64 = text(value).parse().unwrap();
            prop_assert!(read == value || (read.is_nan() && value.is_nan()));
        }

        #[test]
        fn whole_numbers_read_back_the_same(whole in 0_u64..1 << 54) {
            prop_assert_eq!(text(whole as f64).parse::<f64>().unwrap(), whole as f64);
        }
    }
}
