//! Label selectors as query strings carry them (`a=b,c in (d,e),!f`): read as Kubernetes reads them, turned into conditions on
//! series and into the document that answers repeat.

use metrics_api::{LabelSelector, Requirement as DocumentRequirement};

use crate::labels::is_label_name;
use crate::rule::query::{Comparison, Condition};

/// Longest selector; Kubernetes has no bound, and no one writes this much.
const MAX_BYTES: usize = 4096;
/// Longest name and longest value of a label in Kubernetes.
const MAX_NAME: usize = 63;
/// Longest prefix of a label's name.
const MAX_PREFIX: usize = 253;

/// A selector that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Something else was expected.
    #[error("unable to parse requirement: found '{found}', expected: {expected}")]
    Unexpected {
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// Not a label's name.
    #[error("'{0}' is not the name of a label")]
    Key(String),
    /// Not a label's value.
    #[error(
        "'{0}' is not the value of a label: at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends"
    )]
    Value(String),
    /// Comparison by size.
    #[error("the operator '{0}' is not supported: metrics' labels have no order")]
    Order(String),
    /// A label that no metric can have.
    #[error("'{0}' is not the name of a metric's label: letters, digits and '_' only")]
    MetricKey(String),
    /// Far too long.
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    key: String,
    operator: Comparison,
    values: Vec<String>,
}

/// Reads a selector; the empty text has no requirements.
///
/// # Errors
/// It is no selector.
pub fn parse(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    if text.len() > MAX_BYTES {
        return Err(SelectorError::TooLong);
    }
    let mut tokens = Tokens { rest: text };
    let mut requirements = Vec::new();
    if tokens.peek().is_empty() {
        return Ok(requirements);
    }
    loop {
        requirements.push(requirement(&mut tokens)?);
        match tokens.next() {
            "" => return Ok(requirements),
            "," => {}
            found => return unexpected(found, "',' or the end"),
        }
    }
}

fn unexpected<T>(found: &str, expected: &'static str) -> Result<T, SelectorError> {
    Err(SelectorError::Unexpected { found: found.to_owned(), expected })
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, SelectorError> {
    let absent = tokens.peek() == "!";
    if absent {
        tokens.next();
    }
    let key = match tokens.next() {
        found if is_word(found) => found.to_owned(),
        found => return unexpected(found, "a label's name or '!'"),
    };
    if !is_key(&key) {
        return Err(SelectorError::Key(key));
    }
    let bare = matches!(tokens.peek(), "" | ",");
    if absent || bare {
        let operator = if absent { Comparison::Absent } else { Comparison::Present };
        return Ok(Requirement { key, operator, values: Vec::new() });
    }
    let (operator, values) = match tokens.next() {
        "=" | "==" => (Comparison::Equal, vec![value(tokens)]),
        "!=" => (Comparison::NotEqual, vec![value(tokens)]),
        "in" => (Comparison::In, list(tokens)?),
        "notin" => (Comparison::NotIn, list(tokens)?),
        order @ (">" | "<" | "gt" | "lt") => return Err(SelectorError::Order(order.to_owned())),
        found => return unexpected(found, "in, notin, =, ==, != or the end"),
    };
    match values.iter().find(|value| !is_value(value)) {
        Some(value) => Err(SelectorError::Value(value.clone())),
        None => Ok(Requirement { key, operator, values }),
    }
}

/// A value, which may be empty.
fn value(tokens: &mut Tokens<'_>) -> String {
    if is_word(tokens.peek()) { tokens.next().to_owned() } else { String::new() }
}

fn list(tokens: &mut Tokens<'_>) -> Result<Vec<String>, SelectorError> {
    match tokens.next() {
        "(" => {}
        found => return unexpected(found, "'('"),
    }
    if tokens.peek() == ")" {
        return unexpected(")", "a label's value");
    }
    let mut values = Vec::new();
    loop {
        values.push(value(tokens));
        match tokens.next() {
            "," => {}
            ")" => return Ok(values),
            found => return unexpected(found, "',' or ')'"),
        }
    }
}

/// Words, and marks that stand for themselves.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> &'a str {
        let rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let mark = |length: usize| &rest[..length];
        match rest.as_bytes() {
            [b'=', b'=', ..] | [b'!', b'=', ..] => mark(2),
            [first, ..] if is_mark(char::from(*first)) => mark(1),
            _ => mark(rest.find(|letter: char| is_mark(letter) || letter.is_ascii_whitespace()).unwrap_or(rest.len())),
        }
    }

    fn next(&mut self) -> &'a str {
        let token = self.peek();
        self.rest = &self.rest.trim_start_matches([' ', '\t', '\n', '\r'])[token.len()..];
        token
    }
}

const fn is_mark(letter: char) -> bool {
    matches!(letter, '=' | '!' | '(' | ')' | ',' | '<' | '>')
}

fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(|first| !is_mark(first))
}

/// `name` or `prefix/name`.
fn is_key(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    !name.is_empty()
        && is_value(name)
        && prefix.is_none_or(|prefix| (1..=MAX_PREFIX).contains(&prefix.len()) && is_domain(prefix))
}

fn is_domain(text: &str) -> bool {
    text.split('.').all(|part| {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !part.is_empty()
            && part.bytes().all(|byte| is_letter(byte) || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    })
}

fn is_value(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_end = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    text.len() <= MAX_NAME && text.bytes().all(is_inner) && is_end(text.bytes().next()) && is_end(text.bytes().last())
}

/// The requirements as conditions on the labels of a metric.
///
/// # Errors
/// No metric can have such a label.
pub fn conditions(requirements: &[Requirement]) -> Result<Vec<Condition>, SelectorError> {
    let condition = |requirement: &Requirement| {
        let Requirement { key, operator, values } = requirement.clone();
        if is_label_name(&key) { Ok(Condition { label: key, operator, values }) } else { Err(SelectorError::MetricKey(key)) }
    };
    requirements.iter().map(condition).collect()
}

/// The requirements as answers repeat them. What is not equal is not in a list of one, which is the only way to write it.
pub fn document(requirements: &[Requirement]) -> LabelSelector {
    let mut selector = LabelSelector::default();
    for Requirement { key, operator, values } in requirements.iter().cloned() {
        let word = match operator {
            Comparison::Equal => {
                selector.match_labels.insert(key, values.into_iter().next().unwrap_or_default());
                continue;
            }
            Comparison::In => "In",
            Comparison::NotEqual | Comparison::NotIn => "NotIn",
            Comparison::Present => "Exists",
            Comparison::Absent => "DoesNotExist",
        };
        selector.match_expressions.push(DocumentRequirement { key, operator: word.to_owned(), values });
    }
    selector
}

#[cfg(test)]
mod tests;
