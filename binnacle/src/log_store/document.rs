//! What the store knows of a document: which fields are indexed and how, and how a JSON source becomes one. The source is
//! kept word for word; fields that are not named here are kept in it but cannot be searched.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};
use tantivy::schema::{DateOptions, DateTimePrecision, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{LowerCaser, RemoveLongFilter, SimpleTokenizer, TextAnalyzer, TokenizerManager};
use tantivy::{DateTime, TantivyDocument};

/// The field every document must have, by which they are ordered and dropped.
pub const TIMESTAMP: &str = "@timestamp";
/// The field that words without a field name are searched in.
pub const MESSAGE: &str = "message";
/// The index a document belongs to.
pub const INDEX: &str = "_index";
/// The fields a query may name.
pub const SEARCHABLE: [&str; 8] =
    [MESSAGE, "stream", "kubernetes.namespace", "kubernetes.pod", "kubernetes.container", "container.id", INDEX, TIMESTAMP];

/// Index and id of a document as one term: ids are unique within an index only, and no index name holds a slash.
const KEY: &str = "_key";
const SOURCE: &str = "_source";
const TOKENIZER: &str = "log";
/// Longer words are left out of the index, though not of the source: 64 hex digits and most URLs' parts are shorter, and
/// a longer word is base64 that nobody types.
const LONGEST_WORD_BYTES: usize = 128;

/// The index's fields.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Index and id.
    pub key: Field,
    /// The index's name.
    pub index: Field,
    /// Nanoseconds since 1970, as a column.
    pub timestamp: Field,
    /// The words of the line.
    pub message: Field,
    /// The JSON source as it came.
    pub source: Field,
    stream: Field,
    namespace: Field,
    pod: Field,
    container: Field,
    container_id: Field,
}

/// How a field is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By the words in it.
    Words,
    /// By its whole value.
    Whole,
    /// As a time.
    Time,
}

impl Fields {
    /// The field that a query calls `name`, unless it is none of [`SEARCHABLE`].
    pub fn find(&self, name: &str) -> Option<(Field, Kind)> {
        Some(match name {
            TIMESTAMP => (self.timestamp, Kind::Time),
            MESSAGE => (self.message, Kind::Words),
            INDEX => (self.index, Kind::Whole),
            "stream" => (self.stream, Kind::Whole),
            "kubernetes.namespace" => (self.namespace, Kind::Whole),
            "kubernetes.pod" => (self.pod, Kind::Whole),
            "kubernetes.container" => (self.container, Kind::Whole),
            "container.id" => (self.container_id, Kind::Whole),
            _ => return None,
        })
    }
}

/// The schema of every index directory. Changing it makes old directories unreadable, which `open` says.
pub fn schema() -> (Schema, Fields) {
    let words = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        // Phrases need positions; nothing is ranked, so lengths are not kept.
        .set_index_option(IndexRecordOption::WithFreqsAndPositions)
        .set_fieldnorms(false);
    let whole =
        TextFieldIndexing::default().set_tokenizer("raw").set_index_option(IndexRecordOption::Basic).set_fieldnorms(false);
    let whole = TextOptions::default().set_indexing_options(whole);
    let mut builder = Schema::builder();
    let fields = Fields {
        key: builder.add_text_field(KEY, whole.clone() | STORED),
        index: builder.add_text_field(INDEX, whole.clone()),
        timestamp: builder
            .add_date_field(TIMESTAMP, DateOptions::default().set_fast().set_precision(DateTimePrecision::Nanoseconds)),
        message: builder.add_text_field(MESSAGE, TextOptions::default().set_indexing_options(words)),
        source: builder.add_text_field(SOURCE, STORED),
        stream: builder.add_text_field("stream", whole.clone()),
        namespace: builder.add_text_field("kubernetes.namespace", whole.clone()),
        pod: builder.add_text_field("kubernetes.pod", whole.clone()),
        container: builder.add_text_field("kubernetes.container", whole.clone()),
        container_id: builder.add_text_field("container.id", whole),
    };
    (builder.build(), fields)
}

/// The tokenizers that the schema names: words of letters and digits in lower case, and whole values.
pub fn tokenizers() -> TokenizerManager {
    let tokenizers = TokenizerManager::default();
    tokenizers.register(TOKENIZER, words());
    tokenizers
}

/// What takes a text apart into words, when it is written and when it is searched for.
pub fn words() -> TextAnalyzer {
    let words = TextAnalyzer::builder(SimpleTokenizer::default());
    words.filter(RemoveLongFilter::limit(LONGEST_WORD_BYTES)).filter(LowerCaser).build()
}

/// The term that stands for document `id` of `index`.
pub fn key(index: &str, id: &str) -> String {
    format!("{index}/{id}")
}

/// Takes a key apart again into index and id.
pub fn split_key(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}

/// The indexed part of a document.
#[derive(Deserialize, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: Instant,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    stream: Option<Text<'a>>,
    #[serde(borrow)]
    kubernetes: Option<Kubernetes<'a>>,
    #[serde(borrow)]
    container: Option<Container<'a>>,
}

#[derive(Deserialize, Debug, PartialEq, Eq)]
struct Kubernetes<'a> {
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    pod: Option<Text<'a>>,
    #[serde(borrow)]
    container: Option<Text<'a>>,
}

#[derive(Deserialize, Debug, PartialEq, Eq)]
struct Container<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

impl<'a> Document<'a> {
    /// Reads a JSON source; the error says what is wrong with it.
    pub fn parse(source: &'a str) -> Result<Self, String> {
        serde_json::from_str(source).map_err(|error| error.to_string())
    }

    /// The document as the index takes it.
    pub fn into_tantivy(self, fields: &Fields, key: &str, index: &str, source: &str) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(fields.key, key);
        document.add_text(fields.index, index);
        document.add_date(fields.timestamp, DateTime::from_timestamp_nanos(self.timestamp.0));
        document.add_text(fields.source, source);
        let Kubernetes { namespace, pod, container } =
            self.kubernetes.unwrap_or(Kubernetes { namespace: None, pod: None, container: None });
        let texts = [
            (fields.message, self.message),
            (fields.stream, self.stream),
            (fields.namespace, namespace),
            (fields.pod, pod),
            (fields.container, container),
            (fields.container_id, self.container.and_then(|container| container.id)),
        ];
        for (field, text) in texts {
            if let Some(Text(text)) = text {
                document.add_text(field, text);
            }
        }
        document
    }
}

/// Nanoseconds since 1970, written as RFC 3339 or as milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instant(i64);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        nanoseconds(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!("field [{TIMESTAMP}]: {text:?} is neither RFC 3339 nor milliseconds since 1970"))
        })
    }
}

/// Nanoseconds since 1970 of a time written as RFC 3339 or as milliseconds since 1970.
pub fn nanoseconds(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(milliseconds) => milliseconds.checked_mul(1_000_000),
        Err(_) => i64::try_from(text.parse::<Timestamp>().ok()?.as_nanosecond()).ok(),
    }
}

/// A JSON string, or a number or truth value as text: applications write both `"status":200` and `"status":"200"`.
#[derive(Debug, PartialEq, Eq)]
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, number or truth value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_string())))
    }
}

#[cfg(test)]
mod tests;
