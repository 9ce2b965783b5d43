//! JSON queries as Elasticsearch writes them, turned into queries of the index. Kinds and options that are not here are
//! refused by name: a query that is half understood finds the wrong lines. Nothing is ranked, so boosts are no options.

mod field;
mod instant;
mod query_string;

use std::collections::BTreeMap;
use std::fmt;

use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use tantivy::query::{AllQuery, BooleanQuery, EmptyQuery, Occur, Query};

use super::failure::Failure;

pub use field::Language;
use field::{Bounds, Joined};
pub use query_string::QueryString;

/// A query of one of the kinds that are understood.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum JsonQuery {
    /// Every document.
    MatchAll(NoOptions),
    /// None.
    MatchNone(NoOptions),
    /// A word of the text, or the whole value, as it is in the index.
    Term(OneField<TermOptions>),
    /// Any of several.
    Terms(OneField<Vec<Scalar>>),
    /// Words of the text.
    Match(OneField<MatchOptions>),
    /// Words in this order.
    MatchPhrase(OneField<PhraseOptions>),
    /// Words or values that begin so.
    Prefix(OneField<TermOptions>),
    /// Words or values with `*` and `?`.
    Wildcard(OneField<TermOptions>),
    /// A span of time.
    Range(OneField<RangeOptions>),
    /// Documents that have the field.
    Exists(ExistsOptions),
    /// The query string language.
    QueryString(QueryString),
    /// Several queries.
    Bool(Box<BoolOptions>),
}

/// An empty object.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct NoOptions {}

/// An object with one key, the field's name.
#[derive(Deserialize, Debug)]
#[serde(transparent)]
pub struct OneField<T>(BTreeMap<String, T>);

impl<T> OneField<T> {
    fn take(self, kind: &str) -> Result<(String, T), Failure> {
        let mut fields = self.0.into_iter();
        match (fields.next(), fields.next()) {
            (Some(field), None) => Ok(field),
            _ => Err(Failure::parsing(format!("[{kind}] takes exactly one field"))),
        }
    }
}

/// A string, number or truth value, taken as text.
#[derive(Deserialize, Clone, Debug)]
#[serde(untagged, expecting = "a string, number or truth value is wanted here")]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A number.
    Number(serde_json::Number),
    /// A truth value.
    Truth(bool),
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => number.fmt(formatter),
            Self::Truth(truth) => truth.fmt(formatter),
        }
    }
}

/// A value, bare or as an option.
#[derive(Deserialize, Debug)]
#[serde(untagged, expecting = "a value or {\"value\": ...} is wanted here")]
pub enum TermOptions {
    Bare(Scalar),
    Options(TermValue),
}

/// The value of a term.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct TermValue {
    value: Scalar,
}

impl TermOptions {
    fn value(self) -> String {
        let (Self::Bare(value) | Self::Options(TermValue { value })) = self;
        value.to_string()
    }
}

/// A text, bare or with options.
#[derive(Deserialize, Debug)]
#[serde(untagged, expecting = "a text or {\"query\": ..., \"operator\": ...} is wanted here")]
pub enum MatchOptions {
    Bare(Scalar),
    Options(MatchText),
}

/// The text of a match.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct MatchText {
    query: Scalar,
    #[serde(default)]
    operator: Operator,
}

/// A phrase, bare or with options.
#[derive(Deserialize, Debug)]
#[serde(untagged, expecting = "a text or {\"query\": ..., \"slop\": ...} is wanted here")]
pub enum PhraseOptions {
    Bare(Scalar),
    Options(PhraseText),
}

/// The text of a phrase.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct PhraseText {
    query: Scalar,
    #[serde(default)]
    slop: u32,
}

/// How words without an operator between them are joined.
#[derive(Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operator {
    #[default]
    #[serde(alias = "or")]
    #[serde(rename = "OR")]
    Or,
    #[serde(alias = "and")]
    #[serde(rename = "AND")]
    And,
}

/// The ends of a span.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RangeOptions {
    pub gt: Option<Scalar>,
    pub gte: Option<Scalar>,
    pub lt: Option<Scalar>,
    pub lte: Option<Scalar>,
}

/// A field's name.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct ExistsOptions {
    pub field: String,
}

/// Several queries and how they go together.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct BoolOptions {
    #[serde(default)]
    pub must: Several,
    #[serde(default)]
    pub filter: Several,
    #[serde(default)]
    pub should: Several,
    #[serde(default)]
    pub must_not: Several,
    pub minimum_should_match: Option<Scalar>,
}

/// One query or an array of them.
#[derive(Debug, Default)]
pub struct Several(Vec<JsonQuery>);

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand, because a derived choice would forget the name of the query that is not understood.
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Several;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a query or an array of queries")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Several, A::Error> {
                JsonQuery::deserialize(MapAccessDeserializer::new(map)).map(|query| Several(vec![query]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Several, A::Error> {
                let mut queries = Vec::new();
                while let Some(query) = array.next_element()? {
                    queries.push(query);
                }
                Ok(Several(queries))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

impl JsonQuery {
    /// The query of the index.
    ///
    /// # Errors
    /// A field, a time or a query string in it cannot be understood.
    pub fn build(self, language: &Language) -> Result<Box<dyn Query>, Failure> {
        match self {
            Self::MatchAll(NoOptions {}) => Ok(Box::new(AllQuery)),
            Self::MatchNone(NoOptions {}) => Ok(Box::new(EmptyQuery)),
            Self::Term(term) => {
                let (name, term) = term.take("term")?;
                language.field(&name)?.term(&term.value())
            }
            Self::Terms(terms) => {
                let (name, terms) = terms.take("terms")?;
                language.field(&name)?.terms(terms.iter().map(ToString::to_string))
            }
            Self::Match(text) => {
                let (name, text) = text.take("match")?;
                let (text, operator) = match text {
                    MatchOptions::Bare(text) => (text, Operator::Or),
                    MatchOptions::Options(MatchText { query, operator }) => (query, operator),
                };
                let joined = if operator == Operator::And { Joined::All } else { Joined::Any };
                language.field(&name)?.text(&text.to_string(), joined)
            }
            Self::MatchPhrase(text) => {
                let (name, text) = text.take("match_phrase")?;
                let (text, slop) = match text {
                    PhraseOptions::Bare(text) => (text, 0),
                    PhraseOptions::Options(PhraseText { query, slop }) => (query, slop),
                };
                language.field(&name)?.text(&text.to_string(), Joined::Phrase { slop })
            }
            Self::Prefix(term) => {
                let (name, term) = term.take("prefix")?;
                language.field(&name)?.wildcard(&format!("{}*", field::escaped(&term.value())))
            }
            Self::Wildcard(term) => {
                let (name, term) = term.take("wildcard")?;
                language.field(&name)?.wildcard(&term.value())
            }
            Self::Range(range) => {
                let (name, RangeOptions { gt, gte, lt, lte }) = range.take("range")?;
                let text = |end: Option<Scalar>| end.map(|end| end.to_string());
                language.field(&name)?.range(&Bounds { gt: text(gt), gte: text(gte), lt: text(lt), lte: text(lte) })
            }
            Self::Exists(ExistsOptions { field }) => language.field(&field)?.exists(),
            Self::QueryString(query) => query.build(language),
            Self::Bool(options) => options.build(language),
        }
    }
}

impl BoolOptions {
    fn build(self, language: &Language) -> Result<Box<dyn Query>, Failure> {
        let Self { must, filter, should, must_not, minimum_should_match } = self;
        let optional = should.0.len();
        let required = must.0.len() + filter.0.len();
        let groups = [(Occur::Must, must), (Occur::Must, filter), (Occur::Should, should), (Occur::MustNot, must_not)];
        let mut clauses = Vec::new();
        for (occur, Several(queries)) in groups {
            for query in queries {
                clauses.push((occur, query.build(language)?));
            }
        }
        let least = match minimum_should_match.map(|least| least.to_string()) {
            Some(least) => {
                least.parse().map_err(|_| Failure::parsing("[minimum_should_match] is understood as a number only"))?
            }
            // As in Elasticsearch: without anything required, one of the optional ones is.
            None => usize::from(required == 0 && optional > 0),
        };
        Ok(joined(clauses, least))
    }
}

/// Several queries as one of which at least `least` optional ones match. The index finds nothing by exclusion alone, so
/// that is taken from everything.
fn joined(mut clauses: Vec<(Occur, Box<dyn Query>)>, least: usize) -> Box<dyn Query> {
    if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot || (*occur == Occur::Should && least == 0)) {
        clauses.push((Occur::Must, Box::new(AllQuery)));
    }
    Box::new(BooleanQuery::with_minimum_required_clauses(clauses, least))
}

/// A query that the index itself refuses.
fn refused(error: &tantivy::TantivyError) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "query_shard_exception", format!("the query cannot be run: {error}"))
}

#[cfg(test)]
mod tests;
