//! The query string language: words, "phrases", `field:value`, AND OR NOT + -, groups, `*` and `?`, /patterns/ and ranges
//! of time. The grammar is the index library's; what a leaf of it means is decided by its field.

use serde::Deserialize;
use serde::de::IgnoredAny;
use tantivy::query::{AllQuery, Occur, Query};
use tantivy::query_grammar::{
    Delimiter, UserInputAst, UserInputBound, UserInputLeaf, UserInputLiteral, parse_query, parse_query_lenient,
};

use super::field::{Bounds, Joined, Language, Searched};
use super::{Operator, joined};
use crate::log_store::document::MESSAGE;
use crate::log_store::failure::Failure;

/// Nobody types more, and what builds queries builds no longer ones.
const MAX_QUERY_BYTES: usize = 4096;
/// Parentheses and NOTs nest by recursion, here and in the grammar.
const MAX_DEPTH: usize = 50;

/// A query string with its options.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct QueryString {
    pub query: String,
    pub default_field: Option<String>,
    #[serde(default)]
    pub default_operator: Operator,
    /// Wildcards are always taken as the field's words are.
    #[serde(default, rename = "analyze_wildcard")]
    pub _analyze_wildcard: IgnoredAny,
}

impl QueryString {
    /// The query of the index.
    ///
    /// # Errors
    /// The text does not follow the grammar, or names what is not there.
    pub fn build(&self, language: &Language) -> Result<Box<dyn Query>, Failure> {
        let text = self.query.trim();
        if text.len() > MAX_QUERY_BYTES {
            return Err(Failure::parsing(format!("the query has {} bytes, at most {MAX_QUERY_BYTES} are taken", text.len())));
        }
        let depth = text.matches('(').count() + text.matches("NOT").count();
        if depth > MAX_DEPTH {
            return Err(Failure::parsing(format!("the query has {depth} parentheses and NOTs, at most {MAX_DEPTH} are taken")));
        }
        let name = self.default_field.as_deref().filter(|name| *name != "*").unwrap_or(MESSAGE);
        let default = language.field(name)?;
        let reader = Reader { language, default, operator: self.default_operator };
        // Lucene's name of everything, which the grammar does not know.
        let text = if text == "*:*" { "*" } else { text };
        reader.build(parse_query(text).map_err(|_| wrong(text))?)
    }
}

/// Where and why a text does not follow the grammar.
fn wrong(text: &str) -> Failure {
    let (_, errors) = parse_query_lenient(text);
    let place = errors.into_iter().next().map(|error| {
        let before = text.get(..error.pos).unwrap_or(text).chars().count();
        format!(" at character {}: {}", before + 1, error.message)
    });
    let shown: String = text.chars().take(100).collect();
    Failure::parsing(format!("cannot understand the query {shown:?}{}", place.unwrap_or_default()))
}

struct Reader<'a> {
    language: &'a Language,
    default: Searched,
    operator: Operator,
}

impl Reader<'_> {
    fn build(&self, tree: UserInputAst) -> Result<Box<dyn Query>, Failure> {
        match tree {
            UserInputAst::Clause(clauses) if clauses.is_empty() => Ok(Box::new(AllQuery)),
            UserInputAst::Clause(clauses) => {
                let default = if self.operator == Operator::And { Occur::Must } else { Occur::Should };
                let clauses: Vec<(Occur, Box<dyn Query>)> = clauses
                    .into_iter()
                    .map(|(occur, tree)| Ok((occur.unwrap_or(default), self.build(tree)?)))
                    .collect::<Result<_, Failure>>()?;
                let optional_only = clauses.iter().any(|(occur, _)| *occur == Occur::Should)
                    && clauses.iter().all(|(occur, _)| *occur != Occur::Must);
                Ok(joined(clauses, usize::from(optional_only)))
            }
            // Nothing is ranked.
            UserInputAst::Boost(tree, _) => self.build(*tree),
            UserInputAst::Leaf(leaf) => self.leaf(*leaf),
        }
    }

    fn leaf(&self, leaf: UserInputLeaf) -> Result<Box<dyn Query>, Failure> {
        match leaf {
            UserInputLeaf::All => Ok(Box::new(AllQuery)),
            UserInputLeaf::Literal(literal) => literal_query(self.field(literal.field_name.as_deref())?, &literal),
            UserInputLeaf::Range { field, lower, upper } => {
                let mut bounds = Bounds::default();
                match lower {
                    UserInputBound::Inclusive(text) => bounds.gte = Some(text),
                    UserInputBound::Exclusive(text) => bounds.gt = Some(text),
                    UserInputBound::Unbounded => {}
                }
                match upper {
                    UserInputBound::Inclusive(text) => bounds.lte = Some(text),
                    UserInputBound::Exclusive(text) => bounds.lt = Some(text),
                    UserInputBound::Unbounded => {}
                }
                self.field(field.as_deref())?.range(&bounds)
            }
            UserInputLeaf::Set { field, elements } => self.field(field.as_deref())?.terms(elements.into_iter()),
            UserInputLeaf::Exists { field } => self.field(Some(&field))?.exists(),
            UserInputLeaf::Regex { field, pattern } => self.field(field.as_deref())?.regex(&pattern),
        }
    }

    fn field(&self, name: Option<&str>) -> Result<Searched, Failure> {
        name.map_or(Ok(self.default), |name| self.language.field(name))
    }
}

fn literal_query(field: Searched, literal: &UserInputLiteral) -> Result<Box<dyn Query>, Failure> {
    let UserInputLiteral { phrase, delimiter, slop, prefix, field_name: _ } = literal;
    if *prefix {
        return field.text(phrase, Joined::Begun);
    }
    if *delimiter != Delimiter::None {
        return field.text(phrase, Joined::Phrase { slop: *slop });
    }
    if let Some((_, distance)) = phrase.rsplit_once('~')
        && distance.bytes().all(|digit| digit.is_ascii_digit())
    {
        return Err(Failure::parsing(format!("{phrase:?} asks for similar words, which are not sought: write a * instead")));
    }
    match wildcard(phrase) {
        // A text of several words whose last goes on: `GET /api/it*`.
        Wildcard::AtEnd(start) if start.contains(|letter: char| !letter.is_alphanumeric()) => field.text(&start, Joined::Begun),
        Wildcard::AtEnd(_) | Wildcard::Inside => field.wildcard(phrase),
        Wildcard::None(text) => field.text(&text, Joined::Phrase { slop: 0 }),
    }
}

enum Wildcard {
    None(String),
    AtEnd(String),
    Inside,
}

/// Where a word has `*` and `?` that are not taken literally.
fn wildcard(word: &str) -> Wildcard {
    let mut plain = String::with_capacity(word.len());
    let mut letters = word.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek().is_some_and(|next| matches!(next, '*' | '?' | '\\')) => plain.extend(letters.next()),
            '*' if letters.peek().is_none() => return Wildcard::AtEnd(plain),
            '*' | '?' => return Wildcard::Inside,
            letter => plain.push(letter),
        }
    }
    Wildcard::None(plain)
}

#[cfg(test)]
mod tests;
