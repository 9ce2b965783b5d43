//! Durations on the command line, such as `500ms`, `90s` or `2m`.

use std::time::Duration;

/// Reads a duration of at least nothing.
///
/// # Errors
/// What is wrong, as the end of a sentence that names the flag and the value.
pub fn parse(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| "not a duration such as 500ms, 90s or 2m".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "a duration cannot be negative".to_owned())
}

/// Reads a duration of more than nothing.
///
/// # Errors
/// As [`parse`].
pub fn positive(text: &str) -> Result<Duration, String> {
    parse(text).and_then(|duration| if duration.is_zero() { Err("it must be longer than 0 s".to_owned()) } else { Ok(duration) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text: &str, any: Result<u64, &str>, more: Result<u64, &str>| {
            let millis = |read: Result<Duration, String>| read.map(|duration| duration.as_millis());
            assert_eq!(millis(parse(text)), any.map(u128::from).map_err(str::to_owned), "{text}");
            assert_eq!(millis(positive(text)), more.map(u128::from).map_err(str::to_owned), "{text}");
        };
        check("500ms", Ok(500), Ok(500));
        check("2m", Ok(120_000), Ok(120_000));
        check("0s", Ok(0), Err("it must be longer than 0 s"));
        check("-1s", Err("a duration cannot be negative"), Err("a duration cannot be negative"));
        check("soon", Err("not a duration such as 500ms, 90s or 2m"), Err("not a duration such as 500ms, 90s or 2m"));
    }
}
