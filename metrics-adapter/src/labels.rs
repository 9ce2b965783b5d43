//! Label sets: names and values, sorted and packed into one shared text, because a scraper holds hundreds of thousands of
//! them. Holds no samples and knows no rule.

use std::fmt;
use std::sync::Arc;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// A set of labels, sorted by name, none of them empty. A clone shares the text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<Packed>);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Packed {
    /// Names and values one after the other, without separators.
    text: Box<str>,
    /// Where each of them ends: name, value, name, value.
    ends: Box<[u32]>,
}

impl Labels {
    /// The set of these pairs. A label with an empty value is the same as no label; of two with one name the last counts.
    #[must_use]
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        // Stable, so that the last of equal names stays last.
        pairs.sort_by_key(|pair| pair.0);
        let last = |index: usize| pairs.get(index + 1).is_none_or(|next| next.0 != pairs[index].0);
        let kept: Vec<(&str, &str)> =
            (0..pairs.len()).filter(|&index| last(index) && !pairs[index].1.is_empty()).map(|index| pairs[index]).collect();
        let mut text = String::with_capacity(kept.iter().map(|pair| pair.0.len() + pair.1.len()).sum());
        let mut ends = Vec::with_capacity(kept.len() * 2);
        for part in kept.iter().flat_map(|pair| [pair.0, pair.1]) {
            text.push_str(part);
            // A body is at most 16 MiB, and no label set is longer than the body it came in.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self(Arc::new(Packed { text: text.into_boxed_str(), ends: ends.into_boxed_slice() }))
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.0.ends.chunks_exact(2).map(move |pair| {
            let (middle, end) = (pair[0] as usize, pair[1] as usize);
            let label = (&self.0.text[start..middle], &self.0.text[middle..end]);
            start = end;
            label
        })
    }

    /// The value of one label; empty if the set has none of this name, as matchers see it.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.iter().find(|label| label.0 == name).map_or("", |label| label.1)
    }

    /// The metric's name.
    #[must_use]
    pub fn metric(&self) -> &str {
        self.get(METRIC_NAME)
    }
}

impl fmt::Display for Labels {
    /// As PromQL writes a series: `name{label="value"}`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{{", self.metric())?;
        for (index, (name, value)) in self.iter().filter(|label| label.0 != METRIC_NAME).enumerate() {
            write!(out, "{}{name}={value:?}", if index == 0 { "" } else { "," })?;
        }
        out.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Whether `text` can be a label's name: letters, digits and underscores, no digit first.
#[must_use]
pub fn is_label_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sorted_and_without_empty_values() {
        let labels = Labels::new([("pod", "a"), ("__name__", "up"), ("empty", ""), ("job", "x"), ("pod", "b")]);
        assert_eq!(labels.to_string(), r#"up{job="x",pod="b"}"#);
        assert_eq!((labels.get("pod"), labels.get("empty"), labels.get("none"), labels.metric()), ("b", "", "", "up"));
        assert_eq!(labels, Labels::new([("job", "x"), ("pod", "b"), ("__name__", "up")]));
        assert_ne!(Labels::new([("ab", "c")]), Labels::new([("a", "bc")]));
    }

    #[test]
    fn an_empty_value_after_a_full_one_removes_it() {
        assert_eq!(Labels::new([("a", "1"), ("a", "")]).iter().count(), 0);
    }

    #[test]
    fn label_names_are_those_of_prometheus() {
        for (text, expected) in [("a", true), ("_a1", true), ("1a", false), ("", false), ("a-b", false), ("ä", false)] {
            assert_eq!(is_label_name(text), expected, "{text}");
        }
    }
}
