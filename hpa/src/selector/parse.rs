//! The grammar of label selectors in text form, with upstream's error texts. Keys and values are taken as they come: the API
//! server that stores a selector has checked them.

use super::{Requirement, Test};

/// A text that is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SelectorError {
    #[error("unable to parse requirement: found '{found}', expected: {expected}")]
    Requirement { found: String, expected: &'static str },
    #[error("found '{found}', expected: {expected}")]
    Between { found: String, expected: &'static str },
    #[error(
        "unable to parse requirement: values[0][{key}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
    )]
    Number { key: String, value: String },
}

/// One word or sign; the end is an empty one.
type Token<'a> = &'a str;

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let mut tokens = Tokens { rest: text };
    let mut requirements = Vec::new();
    if tokens.peek().is_empty() {
        return Ok(requirements);
    }
    loop {
        if !is_word(tokens.peek()) && tokens.peek() != "!" {
            let expected = if requirements.is_empty() { "!, identifier, or 'end of string'" } else { "identifier after ','" };
            return Err(SelectorError::Between { found: tokens.peek().to_owned(), expected });
        }
        requirements.push(requirement(&mut tokens)?);
        match tokens.next() {
            "" => return Ok(requirements),
            "," => {}
            found => return Err(SelectorError::Between { found: found.to_owned(), expected: "',' or 'end of string'" }),
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, SelectorError> {
    let wrong = |found: Token<'_>, expected| SelectorError::Requirement { found: found.to_owned(), expected };
    let mut key = tokens.next();
    let absent = key == "!";
    if absent {
        key = tokens.next();
    }
    if !is_word(key) {
        return Err(wrong(key, "identifier"));
    }
    let key = key.to_owned();
    if absent {
        return Ok(Requirement { key, test: Test::Absent });
    }
    if matches!(tokens.peek(), "" | ",") {
        return Ok(Requirement { key, test: Test::Exists });
    }
    let operator = tokens.next();
    let test = match operator {
        "in" => Test::In(values(tokens)?),
        "notin" => Test::NotIn(values(tokens)?),
        "=" | "==" => Test::In(vec![value(tokens)?]),
        "!=" => Test::NotIn(vec![value(tokens)?]),
        ">" | "<" => {
            let value = value(tokens)?;
            let number = value.parse().map_err(|_| SelectorError::Number { key: key.clone(), value })?;
            if operator == ">" { Test::Above(number) } else { Test::Below(number) }
        }
        found => return Err(wrong(found, "in, notin, =, ==, !=, gt, lt")),
    };
    Ok(Requirement { key, test })
}

/// What stands behind `=`; nothing is the empty value.
fn value(tokens: &mut Tokens<'_>) -> Result<String, SelectorError> {
    if matches!(tokens.peek(), "" | ",") {
        return Ok(String::new());
    }
    match tokens.next() {
        word if is_word(word) => Ok(word.to_owned()),
        found => Err(SelectorError::Requirement { found: found.to_owned(), expected: "identifier" }),
    }
}

/// `(a,b)`, where a place may be empty.
fn values(tokens: &mut Tokens<'_>) -> Result<Vec<String>, SelectorError> {
    let wrong = |found: Token<'_>, expected| SelectorError::Requirement { found: found.to_owned(), expected };
    match tokens.next() {
        "(" => {}
        found => return Err(wrong(found, "'('")),
    }
    let (mut values, mut place) = (Vec::new(), None);
    loop {
        match tokens.next() {
            ")" => {
                values.push(place.unwrap_or_default());
                return Ok(values);
            }
            "," => values.push(place.take().unwrap_or_default()),
            word if is_word(word) && place.is_none() => place = Some(word.to_owned()),
            found => return Err(wrong(found, "',', ')' or identifier")),
        }
    }
}

/// Signs that end a word.
const SIGNS: [char; 7] = ['=', '!', '(', ')', ',', '>', '<'];

fn is_word(token: Token<'_>) -> bool {
    !token.is_empty() && !token.starts_with(SIGNS)
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> Token<'a> {
        Tokens { rest: self.rest }.next()
    }

    fn next(&mut self) -> Token<'a> {
        let blank = |letter: char| letter.is_ascii_whitespace();
        self.rest = self.rest.trim_start_matches(blank);
        let length = if self.rest.starts_with("==") || self.rest.starts_with("!=") {
            2
        } else if self.rest.starts_with(SIGNS) {
            1
        } else {
            self.rest.find(|letter: char| blank(letter) || SIGNS.contains(&letter)).unwrap_or(self.rest.len())
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        token
    }
}
