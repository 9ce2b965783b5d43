//! Queries on one field, by the way it is indexed. It knows no syntax: both query languages end here.

use std::ops::Bound;

use jiff::Timestamp;
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, PhrasePrefixQuery, PhraseQuery, Query, RangeQuery, RegexQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::{TextAnalyzer, TokenStream as _};
use tantivy::{DateTime, Term};

use super::instant::{self, Instant};
use super::refused;
use crate::log_store::document::{Fields, Kind, SEARCHABLE, words};
use crate::log_store::failure::Failure;

/// Elasticsearch's name for the whole value of a field that is also indexed by its words. Here a field is one or the other.
const WHOLE_VALUE: &str = ".keyword";

/// What names and times in a query mean.
#[derive(Clone, Copy, Debug)]
pub struct Language {
    fields: Fields,
    now: Timestamp,
}

impl Language {
    /// The index's fields, and the present that `now` in a query stands for.
    pub const fn new(fields: Fields, now: Timestamp) -> Self {
        Self { fields, now }
    }

    /// The field of that name.
    ///
    /// # Errors
    /// There is none that can be searched.
    pub fn field(&self, name: &str) -> Result<Searched, Failure> {
        let found = self.fields.find(name).or_else(|| {
            let found = self.fields.find(name.strip_suffix(WHOLE_VALUE)?)?;
            (found.1 == Kind::Whole).then_some(found)
        });
        let Some((field, kind)) = found else {
            let name: String = name.chars().take(100).collect();
            return Err(Failure::parsing(format!("no field {name:?} can be searched: there are {}", SEARCHABLE.join(", "))));
        };
        Ok(Searched { field, kind, now: self.now })
    }
}

/// A field that is searched.
#[derive(Clone, Copy, Debug)]
pub struct Searched {
    field: Field,
    kind: Kind,
    now: Timestamp,
}

/// How the words of a text go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// One of them is enough.
    Any,
    /// All of them, anywhere.
    All,
    /// In this order, with at most so many moves.
    Phrase {
        /// The moves.
        slop: u32,
    },
    /// In this order, where the last may go on.
    Begun,
}

/// The ends of a range as they were written.
#[derive(Debug, Default)]
pub struct Bounds {
    pub gt: Option<String>,
    pub gte: Option<String>,
    pub lt: Option<String>,
    pub lte: Option<String>,
}

type Built = Result<Box<dyn Query>, Failure>;

impl Searched {
    /// A word or value as it is in the index; a time, as exact as it is written.
    pub fn term(&self, text: &str) -> Built {
        if self.kind == Kind::Time {
            let bounds = Bounds { gte: Some(text.to_owned()), lte: Some(text.to_owned()), ..Bounds::default() };
            return self.range(&bounds);
        }
        Ok(Box::new(TermQuery::new(self.as_term(text), IndexRecordOption::Basic)))
    }

    /// Any of several words or values.
    pub fn terms(&self, texts: impl Iterator<Item = String>) -> Built {
        if self.kind == Kind::Time {
            let any = texts.map(|text| self.term(&text)).collect::<Result<_, _>>()?;
            return Ok(Box::new(BooleanQuery::union(any)));
        }
        Ok(Box::new(TermSetQuery::new(texts.map(|text| self.as_term(&text)))))
    }

    /// A text by its words; in fields that are not split into words, the whole of it.
    pub fn text(&self, text: &str, joined: Joined) -> Built {
        match (self.kind, joined) {
            (Kind::Words, _) => {}
            (Kind::Whole, Joined::Begun) => return self.wildcard(&format!("{}*", escaped(text))),
            (Kind::Whole | Kind::Time, _) => return self.term(text),
        }
        let terms = self.words(&mut words(), text);
        Ok(match (terms.as_slice(), joined) {
            ([], _) => Box::new(EmptyQuery),
            ([(_, word)], Joined::Any | Joined::All | Joined::Phrase { .. }) => {
                Box::new(TermQuery::new(word.clone(), IndexRecordOption::Basic))
            }
            (_, Joined::Begun) => {
                let mut query = PhrasePrefixQuery::new_with_offset(terms);
                query.set_max_expansions(u32::MAX);
                Box::new(query)
            }
            (_, Joined::Phrase { slop }) => Box::new(PhraseQuery::new_with_offset_and_slop(terms, slop)),
            (_, Joined::Any) => Box::new(TermSetQuery::new(terms.into_iter().map(|(_, word)| word))),
            (_, Joined::All) => {
                let word = |(_, word)| -> Box<dyn Query> { Box::new(TermQuery::new(word, IndexRecordOption::Basic)) };
                Box::new(BooleanQuery::intersection(terms.into_iter().map(word).collect()))
            }
        })
    }

    /// Words or values that match a pattern with `*` and `?`; a backslash takes away their meaning.
    pub fn wildcard(&self, pattern: &str) -> Built {
        let mut regex = String::with_capacity(pattern.len() * 2);
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '*' => regex.push_str(".*"),
                '?' => regex.push('.'),
                '\\' => push_literal(&mut regex, letters.next().unwrap_or('\\')),
                letter => push_literal(&mut regex, letter),
            }
        }
        // The words of a text are in lower case.
        self.regex(&if self.kind == Kind::Words { regex.to_lowercase() } else { regex })
    }

    /// Words or values that match a regular expression as a whole.
    pub fn regex(&self, pattern: &str) -> Built {
        self.no_time("patterns")?;
        Ok(Box::new(RegexQuery::from_pattern(pattern, self.field).map_err(|error| refused(&error))?))
    }

    /// Documents that have the field.
    pub fn exists(&self) -> Built {
        // Every document has a time.
        if self.kind == Kind::Time { Ok(Box::new(AllQuery)) } else { self.regex(".*") }
    }

    /// A span of time.
    pub fn range(&self, bounds: &Bounds) -> Built {
        if self.kind != Kind::Time {
            return Err(Failure::parsing("ranges are understood for @timestamp only"));
        }
        let Bounds { gt, gte, lt, lte } = bounds;
        let read = |text: &Option<String>| -> Result<Option<Instant>, Failure> {
            text.as_deref().map(|text| instant::read(text, self.now)).transpose()
        };
        let at = |nanosecond| Term::from_field_date(self.field, DateTime::from_timestamp_nanos(nanosecond));
        let lower = match (read(gte)?, read(gt)?) {
            (Some(gte), None) => Bound::Included(at(gte.start)),
            (None, Some(gt)) => Bound::Included(at(gt.end)),
            (None, None) => Bound::Unbounded,
            (Some(_), Some(_)) => return Err(Failure::parsing("[range] takes one of gt and gte")),
        };
        let upper = match (read(lte)?, read(lt)?) {
            (Some(lte), None) => Bound::Excluded(at(lte.end)),
            (None, Some(lt)) => Bound::Excluded(at(lt.start)),
            (None, None) => Bound::Unbounded,
            (Some(_), Some(_)) => return Err(Failure::parsing("[range] takes one of lt and lte")),
        };
        Ok(match (&lower, &upper) {
            (Bound::Unbounded, Bound::Unbounded) => Box::new(AllQuery),
            _ => Box::new(RangeQuery::new(lower, upper)),
        })
    }

    fn words(&self, analyzer: &mut TextAnalyzer, text: &str) -> Vec<(usize, Term)> {
        let mut terms = Vec::new();
        analyzer.token_stream(text).process(&mut |token| terms.push((token.position, self.as_term(&token.text))));
        terms
    }

    fn as_term(&self, text: &str) -> Term {
        Term::from_field_text(self.field, text)
    }

    fn no_time(&self, what: &str) -> Result<(), Failure> {
        if self.kind == Kind::Time {
            Err(Failure::parsing(format!("@timestamp takes times and ranges, no {what}")))
        } else {
            Ok(())
        }
    }
}

/// A text in which nothing has a meaning in [`Searched::wildcard`].
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn push_literal(regex: &mut String, letter: char) {
    if letter.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(letter);
}
