//! Regular expressions of flags, and the pairs of an include and an exclude expression that many collectors have.

use regex::bytes::{Regex, RegexBuilder};

use crate::flag::{Flag, FlagError, Flags, Value};

/// The most memory one compiled expression may take: the defaults need a tenth of it.
const MAX_SIZE: usize = 1 << 20;
/// The most memory one expression may use for speed while it matches.
const MATCH_CACHE: usize = 128 << 10;

/// A regular expression given by a flag.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// The expression of `flag`; `None` if it is empty.
    ///
    /// # Errors
    /// It is no expression.
    pub fn of(flag: &Flag, text: &str) -> Result<Option<Self>, FlagError> {
        if text.is_empty() {
            return Ok(None);
        }
        let build =
            |unicode: bool| RegexBuilder::new(text).unicode(unicode).size_limit(MAX_SIZE).dfa_size_limit(MATCH_CACHE).build();
        // Without Unicode `\d` means what it means in Go, and the tables are a tenth; classes such as [é] need it.
        build(false).or_else(|_| build(true)).map(|regex| Some(Self(regex))).map_err(|error| {
            let first = error.to_string().lines().last().unwrap_or_default().to_owned();
            FlagError::new(flag, format!("{text:?} is no regular expression: {first}"))
        })
    }

    /// Whether the expression is found in `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text.as_bytes())
    }
}

/// What is left out, and what alone is let in.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    exclude: Option<Pattern>,
    include: Option<Pattern>,
}

/// The flags of one filter. The old spellings are `node_exporter`'s, still taken there.
#[derive(Debug)]
pub struct FilterFlags {
    /// What is left out; its default holds unless include is given.
    pub exclude: &'static Flag,
    /// What alone is let in.
    pub include: &'static Flag,
    /// An earlier name of `exclude`.
    pub old_exclude: &'static Flag,
    /// An earlier name of `include`.
    pub old_include: Option<&'static Flag>,
}

impl Filter {
    /// The filter that the flags ask for. Include and exclude together are refused, as upstream does.
    ///
    /// # Errors
    /// Two flags that exclude each other, or a text that is no regular expression.
    pub fn new(flags: &Flags, names: &FilterFlags) -> Result<Self, FlagError> {
        let (exclude, excluded) = one_of(flags, names.exclude, Some(names.old_exclude))?;
        let (include, included) = one_of(flags, names.include, names.old_include)?;
        if let (Some(_), Some(_)) = (excluded, included) {
            return Err(FlagError::new(include, format!("it cannot be given together with --{}: choose one", exclude.name)));
        }
        let default = match names.exclude.value {
            // An empty exclude given by hand means: exclude nothing.
            Value::Text(default) if included.is_none() && flags.list(exclude).is_empty() => default,
            _ => "",
        };
        Ok(Self {
            exclude: Pattern::of(exclude, excluded.unwrap_or(default))?,
            include: Pattern::of(include, included.unwrap_or_default())?,
        })
    }

    /// The filter of a pair of flags that may be given together: then both hold.
    ///
    /// # Errors
    /// A text that is no regular expression.
    pub fn both(flags: &Flags, exclude: &Flag, include: &Flag) -> Result<Self, FlagError> {
        Ok(Self { exclude: Pattern::of(exclude, flags.text(exclude))?, include: Pattern::of(include, flags.text(include))? })
    }

    /// Whether `name` is to be shown.
    #[must_use]
    pub fn admits(&self, name: &str) -> bool {
        !self.exclude.as_ref().is_some_and(|exclude| exclude.matches(name))
            && self.include.as_ref().is_none_or(|include| include.matches(name))
    }
}

fn one_of<'f>(
    flags: &'f Flags,
    new: &'static Flag,
    old: Option<&'static Flag>,
) -> Result<(&'static Flag, Option<&'f str>), FlagError> {
    let Some((old, text)) = old.and_then(|old| Some((old, flags.given(old)?))) else { return Ok((new, flags.given(new))) };
    if flags.given(new).is_some() {
        return Err(FlagError::new(old, format!("it is the old name of --{}: give only that", new.name)));
    }
    tracing::warn!(flag = old.name, instead = new.name, "old flag name");
    Ok((old, Some(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    static EXCLUDE: Flag = Flag::text("x.device-exclude", "^(z?ram|loop)\\d+$", "");
    static INCLUDE: Flag = Flag::text("x.device-include", "", "");
    static OLD: Flag = Flag::text("x.ignored-devices", "", "");
    static NAMES: FilterFlags = FilterFlags { exclude: &EXCLUDE, include: &INCLUDE, old_exclude: &OLD, old_include: None };

    fn filter(given: &[(&'static Flag, &str)]) -> Result<Filter, FlagError> {
        let mut flags = Flags::default();
        for (flag, text) in given {
            flags.give(flag, vec![(*text).to_owned()]);
        }
        Filter::new(&flags, &NAMES)
    }

    #[test]
    fn defaults_hold_unless_something_else_is_asked_for() {
        let shown = |filter: Filter| ["sda", "ram0", "loop1"].into_iter().filter(|name| filter.admits(name)).collect::<Vec<_>>();
        assert_eq!(shown(filter(&[]).unwrap()), ["sda"]);
        assert_eq!(shown(filter(&[(&EXCLUDE, "")]).unwrap()), ["sda", "ram0", "loop1"]);
        assert_eq!(shown(filter(&[(&EXCLUDE, "sd.")]).unwrap()), ["ram0", "loop1"]);
        assert_eq!(shown(filter(&[(&OLD, "sd.")]).unwrap()), ["ram0", "loop1"]);
        assert_eq!(shown(filter(&[(&INCLUDE, "am")]).unwrap()), ["ram0"]);
    }

    #[test]
    fn contradictions_and_bad_expressions_name_the_flag() {
        let cases: [(&[(&'static Flag, &str)], &str); 4] = [
            (&[(&EXCLUDE, "a"), (&INCLUDE, "b")], "--x.device-include: it cannot be given together with --x.device-exclude"),
            (&[(&EXCLUDE, "a"), (&OLD, "b")], "--x.ignored-devices: it is the old name of --x.device-exclude"),
            (&[(&OLD, "a"), (&INCLUDE, "b")], "--x.device-include: it cannot"),
            (&[(&INCLUDE, "a(")], "--x.device-include: \"a(\" is no regular expression: error: unclosed group"),
        ];
        for (given, expected) in cases {
            let error = filter(given).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
