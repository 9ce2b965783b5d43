//! What a search asks for, read from its path, its parameters and its body. Options that change the answer and are not
//! here are refused by name; those that only tune Elasticsearch's own work are passed over.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use tantivy::Order;
use tantivy::query::{AllQuery, BooleanQuery, Query};

use super::document::{INDEX, TIMESTAMP};
use super::failure::Failure;
use super::query::{JsonQuery, Language, Operator, QueryString};

/// Elasticsearch's bound of `from` and `size` together.
const MAX_WINDOW: usize = 10_000;
/// Elasticsearch's number of hits when none is asked for.
const DEFAULT_SIZE: usize = 10;

/// Parameters that change nothing here: there is one node, and every answer is exact and complete.
const PASSED_OVER: [&str; 12] = [
    "allow_no_indices",
    "allow_partial_search_results",
    "ccs_minimize_roundtrips",
    "expand_wildcards",
    "human",
    "ignore_throttled",
    "ignore_unavailable",
    "preference",
    "pretty",
    "request_cache",
    "timeout",
    "track_total_hits",
];

/// A search that can be run.
#[derive(Debug)]
pub struct SearchRequest {
    /// Which documents.
    pub query: Box<dyn Query>,
    /// Hits left out at the beginning.
    pub from: usize,
    /// Hits wanted.
    pub size: usize,
    /// By time, ascending or descending.
    pub order: Order,
    /// Whether hits carry their sources.
    pub source: bool,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
struct SearchBody {
    query: Option<JsonQuery>,
    from: Option<usize>,
    size: Option<usize>,
    sort: Option<Value>,
    #[serde(rename = "_source")]
    source: Option<bool>,
    #[serde(default, rename = "track_total_hits")]
    _track_total_hits: IgnoredAny,
    #[serde(default, rename = "timeout")]
    _timeout: IgnoredAny,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
struct CountBody {
    query: Option<JsonQuery>,
}

/// The parameters of a search or a count.
#[derive(Default, Debug)]
struct Parameters {
    text: Option<String>,
    operator: Operator,
    default_field: Option<String>,
    from: Option<usize>,
    size: Option<usize>,
    sort: Option<String>,
    source: Option<bool>,
}

impl SearchRequest {
    /// A search of `indices`, the comma list in the path.
    ///
    /// # Errors
    /// Something in it cannot be understood, or asks for too much.
    pub fn search(
        indices: Option<&str>,
        parameters: &[(String, String)],
        body: &[u8],
        language: &Language,
    ) -> Result<Self, Failure> {
        let parameters = Parameters::read(parameters)?;
        let body: SearchBody = read(body)?;
        let from = parameters.from.or(body.from).unwrap_or(0);
        let size = parameters.size.or(body.size).unwrap_or(DEFAULT_SIZE);
        if from.saturating_add(size) > MAX_WINDOW {
            return Err(Failure::argument(format!(
                "from and size are {from} and {size}: together they are at most {MAX_WINDOW}"
            )));
        }
        let order = match (&parameters.sort, &body.sort) {
            (Some(text), _) => order_of_text(text)?,
            (None, Some(sort)) => order_of(sort)?,
            (None, None) => Order::Desc,
        };
        let source = parameters.source.or(body.source).unwrap_or(true);
        Ok(Self { query: query(indices, parameters, body.query, language)?, from, size, order, source })
    }

    /// The documents that a count is of.
    ///
    /// # Errors
    /// Something in it cannot be understood.
    pub fn count(
        indices: Option<&str>,
        parameters: &[(String, String)],
        body: &[u8],
        language: &Language,
    ) -> Result<Box<dyn Query>, Failure> {
        let parameters = Parameters::read(parameters)?;
        let CountBody { query: wanted } = read(body)?;
        query(indices, parameters, wanted, language)
    }
}

impl Parameters {
    fn read(parameters: &[(String, String)]) -> Result<Self, Failure> {
        let mut read = Self::default();
        for (name, value) in parameters {
            let wrong = |wanted: &str| Failure::argument(format!("parameter [{name}] is {value:?}, not {wanted}"));
            let number = || value.parse().map(Some).map_err(|_| wrong("a number"));
            match name.as_str() {
                "q" => read.text = Some(value.clone()),
                "df" => read.default_field = Some(value.clone()),
                "default_operator" => {
                    read.operator = match value.to_ascii_uppercase().as_str() {
                        "AND" => Operator::And,
                        "OR" => Operator::Or,
                        _ => return Err(wrong("AND or OR")),
                    }
                }
                "from" => read.from = number()?,
                "size" => read.size = number()?,
                "sort" => read.sort = Some(value.clone()),
                "_source" => read.source = Some(value.parse().map_err(|_| wrong("true or false"))?),
                name if PASSED_OVER.contains(&name) => {}
                _ => return Err(Failure::argument(format!("parameter [{name}] is not understood"))),
            }
        }
        Ok(read)
    }
}

fn read<T: Default + for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Failure> {
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body).map_err(|error| Failure::parsing(format!("cannot understand the request body: {error}")))
}

fn query(
    indices: Option<&str>,
    parameters: Parameters,
    body: Option<JsonQuery>,
    language: &Language,
) -> Result<Box<dyn Query>, Failure> {
    let Parameters { text, operator, default_field, .. } = parameters;
    let wanted = match (text, body) {
        (Some(_), Some(_)) => {
            return Err(Failure::argument("there is a query in the parameter [q] and one in the body: leave one out"));
        }
        (Some(query), None) => {
            QueryString { query, default_field, default_operator: operator, _analyze_wildcard: IgnoredAny }.build(language)?
        }
        (None, Some(query)) => query.build(language)?,
        (None, None) => Box::new(AllQuery),
    };
    let Some(named) = named(indices, language)? else { return Ok(wanted) };
    // One term's documents are counted without being visited.
    if wanted.is::<AllQuery>() { Ok(named) } else { Ok(Box::new(BooleanQuery::intersection(vec![wanted, named]))) }
}

/// The documents of the indices in the path; none means all. An index that is not there has no documents.
fn named(indices: Option<&str>, language: &Language) -> Result<Option<Box<dyn Query>>, Failure> {
    let names: Vec<&str> = indices.unwrap_or("_all").split(',').collect();
    if names.iter().any(|name| matches!(*name, "_all" | "*")) {
        return Ok(None);
    }
    let index = language.field(INDEX)?;
    let mut queries = names.into_iter().map(|name| match name {
        "" => Err(Failure::argument("there is an empty index name in the path")),
        name if name.starts_with('-') => Err(Failure::argument(format!("index name {name:?}: leaving out is not understood"))),
        name if name.contains('*') => index.wildcard(name),
        name => index.term(name),
    });
    Ok(match (queries.next().transpose()?, queries.collect::<Result<Vec<_>, _>>()?) {
        (Some(only), others) if others.is_empty() => Some(only),
        (first, others) => Some(Box::new(BooleanQuery::union(first.into_iter().chain(others).collect()))),
    })
}

/// `field`, `field:asc` or `field:desc`.
fn order_of_text(text: &str) -> Result<Order, Failure> {
    match text.split_once(':') {
        Some((name, order)) => order_by(name, order),
        None => order_by(text, "asc"),
    }
}

/// `"field"`, `{"field": "desc"}`, `{"field": {"order": "desc"}}`, or one of these in an array.
fn order_of(sort: &Value) -> Result<Order, Failure> {
    let wrong = || Failure::parsing(format!("[sort] is understood as one field only, such as {{\"{TIMESTAMP}\": \"desc\"}}"));
    match sort {
        Value::String(name) => order_by(name, "asc"),
        Value::Array(sorts) => match sorts.as_slice() {
            [] => Ok(Order::Desc),
            [sort] if !sort.is_array() => order_of(sort),
            _ => Err(wrong()),
        },
        Value::Object(fields) => {
            let mut fields = fields.iter();
            let (Some((name, order)), None) = (fields.next(), fields.next()) else { return Err(wrong()) };
            match order {
                Value::String(order) => order_by(name, order),
                // Options of how to sort what has no time or another type: here everything has one.
                Value::Object(options) => {
                    order_by(name, options.get("order").map_or(Some("asc"), Value::as_str).ok_or_else(wrong)?)
                }
                _ => Err(wrong()),
            }
        }
        _ => Err(wrong()),
    }
}

fn order_by(name: &str, order: &str) -> Result<Order, Failure> {
    let name: String = name.chars().take(100).collect();
    match (name.as_str(), order) {
        (TIMESTAMP, "asc") => Ok(Order::Asc),
        (TIMESTAMP, "desc") => Ok(Order::Desc),
        (TIMESTAMP, _) => Err(Failure::parsing("[sort] is in the order asc or desc")),
        _ => Err(Failure::parsing(format!("[sort] by {name:?} is not possible: documents are sorted by {TIMESTAMP}"))),
    }
}

#[cfg(test)]
mod tests;
