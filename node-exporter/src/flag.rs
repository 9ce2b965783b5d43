//! The flags of collectors as a table: each collector lists its own beside its code, and the command line, the help text
//! and the tests are made from those lists. Parsing the command line itself is `args`' matter.

use std::collections::BTreeMap;
use std::time::Duration;

/// One flag of a collector.
#[derive(Debug)]
pub struct Flag {
    /// Its name without the two dashes.
    pub name: &'static str,
    /// What it does, for `--help`; a flag without help is an old spelling and not shown.
    pub help: &'static str,
    /// What it takes.
    pub value: Value,
}

/// What a flag takes, and what holds when it is not given.
#[derive(Debug)]
pub enum Value {
    /// `--name` or `--no-name`.
    Switch(bool),
    /// `--name=TEXT`.
    Text(&'static str),
    /// `--name=TEXT`, any number of times.
    List,
}

impl Flag {
    /// A flag that is on or off.
    #[must_use]
    pub const fn switch(name: &'static str, default: bool, help: &'static str) -> Self {
        Self { name, help, value: Value::Switch(default) }
    }

    /// A flag with a text.
    #[must_use]
    pub const fn text(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self { name, help, value: Value::Text(default) }
    }

    /// A flag that may be given more than once.
    #[must_use]
    pub const fn list(name: &'static str, help: &'static str) -> Self {
        Self { name, help, value: Value::List }
    }
}

/// What was given on the command line, by flag name; switches as `true` and `false`.
#[derive(Clone, Debug, Default)]
pub struct Flags(BTreeMap<&'static str, Vec<String>>);

/// A flag's value that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("--{flag}: {problem}")]
pub struct FlagError {
    /// The flag.
    pub flag: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl FlagError {
    /// `flag` was given something unusable.
    pub fn new(flag: &Flag, problem: impl Into<String>) -> Self {
        Self { flag: flag.name.to_owned(), problem: problem.into() }
    }
}

impl Flags {
    /// Notes that `flag` was given.
    pub fn give(&mut self, flag: &'static Flag, values: Vec<String>) {
        self.0.insert(flag.name, values);
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn on(&self, flag: &Flag) -> bool {
        self.last(flag).map_or(matches!(flag.value, Value::Switch(true)), |text| text == "true")
    }

    /// A flag's text, or its default.
    #[must_use]
    pub fn text(&self, flag: &Flag) -> &str {
        let default = if let Value::Text(default) = flag.value { default } else { "" };
        self.last(flag).unwrap_or(default)
    }

    /// A flag's text if it was given and is not empty.
    #[must_use]
    pub fn given(&self, flag: &Flag) -> Option<&str> {
        self.last(flag).filter(|text| !text.is_empty())
    }

    /// All texts given to a list.
    #[must_use]
    pub fn list(&self, flag: &Flag) -> &[String] {
        self.0.get(flag.name).map_or(&[], Vec::as_slice)
    }

    /// A flag's duration, such as `5s` or `1m30s`.
    ///
    /// # Errors
    /// It is none.
    pub fn duration(&self, flag: &Flag) -> Result<Duration, FlagError> {
        let text = self.text(flag);
        duration(text).ok_or_else(|| FlagError::new(flag, format!("{text:?} is no duration: write it as 500ms, 5s or 1m30s")))
    }

    fn last(&self, flag: &Flag) -> Option<&str> {
        self.0.get(flag.name)?.last().map(String::as_str)
    }
}

fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut whole = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        whole = whole.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_go() {
        let cases = [
            ("5s", Some(5000)),
            ("500ms", Some(500)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("", None),
            ("5", None),
            ("s", None),
            ("5d", None),
            ("-1s", None),
            ("9999999999999999999999h", None),
            ("1..2s", None),
        ];
        for (text, millis) in cases {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn defaults_hold_until_a_flag_is_given() {
        static SWITCH: Flag = Flag::switch("a", true, "");
        static TEXT: Flag = Flag::text("b", "x", "");
        static LIST: Flag = Flag::list("c", "");
        let mut flags = Flags::default();
        assert!(flags.on(&SWITCH) && flags.text(&TEXT) == "x" && flags.given(&TEXT).is_none() && flags.list(&LIST).is_empty());
        flags.give(&SWITCH, vec!["false".to_owned()]);
        flags.give(&TEXT, vec![String::new()]);
        flags.give(&LIST, vec!["p".to_owned(), "q".to_owned()]);
        assert!(
            !flags.on(&SWITCH) && flags.text(&TEXT).is_empty() && flags.given(&TEXT).is_none() && flags.list(&LIST).len() == 2
        );
    }
}
