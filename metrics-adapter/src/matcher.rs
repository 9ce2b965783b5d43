//! Matchers on labels, as PromQL's selectors and rules have them. Regular expressions are anchored, and a plain list of
//! words (what a question about several objects becomes) is looked up instead of run.

use regex::Regex;

use crate::labels::{Labels, METRIC_NAME};

/// One condition on one label.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// What its value must be.
    pub test: Test,
}

/// What a value must be. A label that is not there has the empty value.
#[derive(Clone, Debug)]
pub enum Test {
    /// `=`
    Equal(String),
    /// `!=`
    NotEqual(String),
    /// `=~`
    Matches(Pattern),
    /// `!~`
    DiffersFrom(Pattern),
}

/// An anchored regular expression.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// One of these words; sorted.
    OneOf(Vec<String>),
    /// Anything else.
    Regex(Regex),
}

impl Pattern {
    /// Compiles `text` as Prometheus does: the whole value must match, and a dot is any character.
    ///
    /// # Errors
    /// It is no regular expression, or one that would grow too large; in one line.
    pub fn new(text: &str) -> Result<Self, String> {
        let compile = || Regex::new(&format!("^(?s:{text})$")).map(Self::Regex).map_err(|error| regex_problem(&error));
        words(text).map_or_else(compile, |words| Ok(Self::OneOf(words)))
    }

    /// Whether the whole of `value` matches.
    #[must_use]
    pub fn is_match(&self, value: &str) -> bool {
        match self {
            Self::OneOf(words) => words.binary_search_by(|word| word.as_str().cmp(value)).is_ok(),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

impl Matcher {
    /// `name="value"`.
    #[must_use]
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), test: Test::Equal(value.to_owned()) }
    }

    /// Whether a value passes.
    #[must_use]
    pub fn is_match(&self, value: &str) -> bool {
        match &self.test {
            Test::Equal(expected) => value == expected,
            Test::NotEqual(expected) => value != expected,
            Test::Matches(pattern) => pattern.is_match(value),
            Test::DiffersFrom(pattern) => !pattern.is_match(value),
        }
    }
}

/// Whether the set passes every matcher.
#[must_use]
pub fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name)))
}

/// Whether a metric of this name can pass, whatever its other labels are.
#[must_use]
pub fn name_matches(matchers: &[Matcher], metric: &str) -> bool {
    matchers.iter().filter(|matcher| matcher.name == METRIC_NAME).all(|matcher| matcher.is_match(metric))
}

/// What is wrong with an expression, in one line; the library draws a picture over several.
#[must_use]
pub fn regex_problem(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// The words of `a|b\.c|d`, sorted; none if the text is more than words and bars.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '|' => {
                words.push(String::new());
                continue;
            }
            '\\' => letters.next().filter(|escaped| is_special(*escaped))?,
            letter if is_special(letter) => return None,
            letter => letter,
        };
        words.last_mut()?.push(literal);
    }
    words.sort_unstable();
    Some(words)
}

/// Whether a character means something in a regular expression, and itself after a backslash.
#[must_use]
pub const fn is_special(letter: char) -> bool {
    matches!(letter, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pattern: &str, value: &str, expected: bool) {
        assert_eq!(Pattern::new(pattern).unwrap().is_match(value), expected, "{pattern} on {value}");
    }

    #[test]
    fn patterns_are_anchored_and_words_are_looked_up() {
        check("a|b", "a", true);
        check("a|b", "ab", false);
        check("a|", "", true);
        check("", "", true);
        check("a.c", "abc", true);
        check("a.c", "a\nc", true);
        check(r"a\.c", "abc", false);
        check(r"a\.c", "a.c", true);
        check(".+", "", false);
        check("(?i)A", "a", true);
        check(r"\d+", "12", true);
        assert!(matches!(Pattern::new(r"x\.y|z"), Ok(Pattern::OneOf(_))));
        assert!(matches!(Pattern::new(r"\d"), Ok(Pattern::Regex(_))));
        assert!(Pattern::new("(").is_err());
    }

    #[test]
    fn a_missing_label_is_an_empty_one() {
        let labels = Labels::new([(METRIC_NAME, "up"), ("pod", "a")]);
        let check = |name: &str, test: Test, expected: bool| {
            assert_eq!(all_match(&[Matcher { name: name.to_owned(), test }], &labels), expected);
        };
        check("none", Test::Equal(String::new()), true);
        check("none", Test::NotEqual(String::new()), false);
        check("pod", Test::NotEqual(String::new()), true);
        check("pod", Test::DiffersFrom(Pattern::new("b.*").unwrap()), true);
        check(METRIC_NAME, Test::Matches(Pattern::new("u.").unwrap()), true);
    }

    proptest! {
        #[test]
        fn looking_words_up_is_the_same_as_running_them(pattern in "[ab|.\\\\]{0,8}", value in "[ab.|]{0,4}") {
            if let (Ok(ours), Ok(regex)) = (Pattern::new(&pattern), Regex::new(&format!("^(?s:{pattern})$"))) {
                prop_assert_eq!(ours.is_match(&value), regex.is_match(&value));
            }
        }
    }
}
