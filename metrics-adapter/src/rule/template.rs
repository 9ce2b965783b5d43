//! The part of Go's text/template that rules use, between `<<` and `>>`: fields, `index`, comments and trim markers. Anything
//! else is refused when the template is read, so that no question fails for it later.

use std::collections::BTreeMap;

/// Longest template; people write them by hand.
const MAX_BYTES: usize = 16 * 1024;

/// A template that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `<<` without `>>`.
    #[error("`{0}` has no closing >>")]
    Open(String),
    /// An action that is not supported.
    #[error("<<{action}>> is not supported: use {known}, or `index` with one of them")]
    Action {
        /// What stands between the brackets.
        action: String,
        /// The fields that there are.
        known: String,
    },
    /// Far too long.
    #[error("the template is longer than {MAX_BYTES} bytes")]
    TooLong,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// Text.
    Text(&'a str),
    /// Texts by name.
    Map(&'a BTreeMap<String, String>),
    /// A list of texts.
    List(&'a [String]),
}

/// A template that has been read.
#[derive(Clone, Debug)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Field(&'static str),
    Key { field: &'static str, key: String },
    Item { field: &'static str, at: usize },
}

impl Template {
    /// Reads a template that may use these fields.
    ///
    /// # Errors
    /// It uses anything else.
    pub fn parse(text: &str, fields: &[&'static str]) -> Result<Self, TemplateError> {
        if text.len() > MAX_BYTES {
            return Err(TemplateError::TooLong);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        let mut trims_left = false;
        loop {
            let (before, after) = rest.split_once("<<").map_or((rest, None), |(before, after)| (before, Some(after)));
            let before = if trims_left { before.trim_start() } else { before };
            let Some(after) = after else {
                parts.push(Part::Text(before.to_owned()));
                break;
            };
            let Some((action, following)) = split_action(after) else {
                return Err(TemplateError::Open(format!("<<{}", after.chars().take(40).collect::<String>())));
            };
            let (before, action) = match action.strip_prefix('-').filter(|rest| rest.starts_with(char::is_whitespace)) {
                Some(rest) => (before.trim_end(), rest),
                None => (before, action),
            };
            let trimmed = action.strip_suffix('-').filter(|rest| rest.ends_with(char::is_whitespace));
            trims_left = trimmed.is_some();
            let action = trimmed.unwrap_or(action).trim();
            parts.push(Part::Text(before.to_owned()));
            let is_comment = action.starts_with("/*") && action.ends_with("*/");
            if !is_comment {
                parts.push(parse_action(action, fields).ok_or_else(|| TemplateError::Action {
                    action: action.to_owned(),
                    known: fields.iter().map(|field| format!("<<.{field}>>")).collect::<Vec<_>>().join(", "),
                })?);
            }
            rest = following;
        }
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }

    /// Whether nothing would come out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(text) if text.trim().is_empty()))
    }

    /// The text with what `field` says of each field, printed as Go prints it.
    pub fn render<'a>(&self, field: impl Fn(&str) -> Field<'a>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Field(name) => match field(name) {
                    Field::Text(value) => text.push_str(value),
                    Field::List(values) => text.push_str(&format!("[{}]", values.join(" "))),
                    Field::Map(values) => {
                        let pairs: Vec<String> = values.iter().map(|(key, value)| format!("{key}:{value}")).collect();
                        text.push_str(&format!("map[{}]", pairs.join(" ")));
                    }
                },
                // A name that is not there is the empty text, as Go's index has it.
                Part::Key { field: name, key } => {
                    if let Field::Map(values) = field(name) {
                        text.push_str(values.get(key).map_or("", String::as_str));
                    }
                }
                Part::Item { field: name, at } => {
                    if let Field::List(values) = field(name) {
                        text.push_str(values.get(*at).map_or("", String::as_str));
                    }
                }
            }
        }
        text
    }
}

/// Up to the closing `>>`, which may stand in a quoted string.
fn split_action(text: &str) -> Option<(&str, &str)> {
    let (mut quote, mut escaped) = (None, false);
    for (place, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(b'"'), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'`') => quote = Some(byte),
            (None, b'>') if text[place..].starts_with(">>") => return Some((&text[..place], &text[place + 2..])),
            (None, _) => {}
        }
    }
    None
}

/// `.Field`, `.Map.key`, `index .Map "key"` or `index .List 0`.
fn parse_action(action: &str, fields: &[&'static str]) -> Option<Part> {
    let known = |text: &str| fields.iter().copied().find(|field| text.strip_prefix('.') == Some(*field));
    if let Some(field) = known(action) {
        return Some(Part::Field(field));
    }
    if let Some(rest) = action.strip_prefix("index").filter(|rest| rest.starts_with(char::is_whitespace)) {
        let (field, argument) = rest.trim().split_once(char::is_whitespace)?;
        let (field, argument) = (known(field)?, argument.trim());
        if let Ok(at) = argument.parse() {
            return Some(Part::Item { field, at }).filter(|_| field.ends_with("Slice"));
        }
        let quoted =
            |quote: char| argument.strip_prefix(quote)?.strip_suffix(quote).filter(|key| !key.contains(['"', '`', '\\']));
        let key = quoted('"').or_else(|| quoted('`'))?.to_owned();
        return Some(Part::Key { field, key }).filter(|_| field.ends_with("ByName"));
    }
    let (field, key) = action.rsplit_once('.')?;
    let field = known(field).filter(|field| field.ends_with("ByName") && crate::labels::is_label_name(key))?;
    Some(Part::Key { field, key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIELDS: &[&str] = &["Series", "ValuesByName", "BySlice"];

    fn render(text: &str) -> Result<String, TemplateError> {
        let map = BTreeMap::from([("pod".to_owned(), "a|b".to_owned()), ("job".to_owned(), "x".to_owned())]);
        let list = ["pod".to_owned(), "container".to_owned()];
        Ok(Template::parse(text, FIELDS)?.render(|field| match field {
            "ValuesByName" => Field::Map(&map),
            "BySlice" => Field::List(&list),
            _ => Field::Text("up"),
        }))
    }

    #[test]
    fn fields_are_printed_as_go_prints_them() {
        let check = |text: &str, expected: &str| assert_eq!(render(text).unwrap(), expected, "{text}");
        check("sum(<<.Series>>)", "sum(up)");
        check("<< .Series >>{}", "up{}");
        check("a <<- .Series ->> b", "aupb");
        check("a <<.Series ->> b", "a upb");
        check("<<.ValuesByName>>", "map[job:x pod:a|b]");
        check("<<.BySlice>>", "[pod container]");
        check(r#"<<index .ValuesByName "pod">>"#, "a|b");
        check("<<index .ValuesByName `none`>>.", ".");
        check("<<.ValuesByName.pod>>", "a|b");
        check("<<index .BySlice 1>>", "container");
        check("x<</* why */>>y", "xy");
        check("a >> b", "a >> b");
        check("", "");
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        for text in [
            "<<if .Series>>",
            "<<.Unknown>>",
            "<<range .BySlice>>",
            "<<printf \"%s\" .Series>>",
            "<<>>",
            "<<.Series.x>>",
            "<<index .Series 0>>",
            "<<index .ValuesByName>>",
            "<<Series>>",
        ] {
            let error = render(text).unwrap_err().to_string();
            assert!(error.contains("is not supported: use <<.Series>>"), "{text}: {error}");
        }
        assert!(matches!(render("a << b"), Err(TemplateError::Open(_))));
        assert!(matches!(render(&"x".repeat(MAX_BYTES + 1)), Err(TemplateError::TooLong)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[<>.\\-a-z \"`Sä]{0,40}") {
            let _rendered = render(&text);
        }
    }
}
