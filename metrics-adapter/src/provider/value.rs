//! From a float to an exact number of thousandths, or to the reason why there is none.

/// A value that no quantity can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Often a division of zero by zero.
    #[error("its value is not a number")]
    NotANumber,
    /// Often a division by zero.
    #[error("its value is infinite")]
    Infinite,
    /// More than 64 bits of thousandths.
    #[error("its value is beyond 9.2e15")]
    TooGreat,
}

/// The value in thousandths, cut off towards zero as prometheus-adapter does. What it would show as `-9223372036854775808m`
/// (not a number, infinity, overflow) is an error here.
///
/// # Errors
/// There is no such number.
pub fn milli(value: f64) -> Result<i64, ValueError> {
    /// The first float that 64 bits do not hold.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let milli = (value * 1000.0).trunc();
    if value.is_nan() {
        Err(ValueError::NotANumber)
    } else if value.is_infinite() {
        Err(ValueError::Infinite)
    } else if milli.abs() >= LIMIT {
        Err(ValueError::TooGreat)
    } else {
        Ok(milli as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_cut_off_towards_zero() {
        let check = |value: f64, expected: Result<i64, ValueError>| assert_eq!(milli(value), expected, "{value}");
        check(42.0, Ok(42_000));
        check(1.234_567_8, Ok(1234));
        check(-3.25, Ok(-3250));
        check(-1.2345, Ok(-1234));
        check(0.0004, Ok(0));
        check(0.001_999, Ok(1));
        check(501.484, Ok(501_484));
        check(9.2e15, Ok(9_200_000_000_000_000_000));
        check(9.3e15, Err(ValueError::TooGreat));
        check(-9.3e15, Err(ValueError::TooGreat));
        check(f64::MAX, Err(ValueError::TooGreat));
        check(f64::NAN, Err(ValueError::NotANumber));
        check(f64::NEG_INFINITY, Err(ValueError::Infinite));
    }
}
