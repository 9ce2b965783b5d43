//! Label selectors in the API's text form (`app=web,tier in (a,b)`), as a scale's status carries them: read with upstream's
//! error texts, and matched against labels. And the structured form (`matchLabels`) written as text. It holds no pods.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use metrics_api::LabelSelector;

mod parse;

pub use parse::SelectorError;

/// Requirements that all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

/// What one label must be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

impl Selector {
    /// Reads the text form.
    ///
    /// # Errors
    /// The text is no selector; the message is upstream's.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        parse::parse(text).map(Self)
    }

    /// Whether an object with these labels is selected.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let label = labels.get(&requirement.key);
            let number = || label.and_then(|label| label.parse::<i64>().ok());
            match &requirement.test {
                Test::In(values) => label.is_some_and(|label| values.contains(label)),
                Test::NotIn(values) => label.is_none_or(|label| !values.contains(label)),
                Test::Exists => label.is_some(),
                Test::Absent => label.is_none(),
                Test::Above(least) => number().is_some_and(|number| number > *least),
                Test::Below(most) => number().is_some_and(|number| number < *most),
            }
        })
    }
}

/// The structured form as text for a query, sorted by key; none when it selects everything.
#[must_use]
pub fn query(selector: Option<&LabelSelector>) -> Option<String> {
    let selector = selector?;
    let mut parts: Vec<(&str, String)> =
        selector.match_labels.iter().map(|(key, value)| (key.as_str(), format!("{key}={value}"))).collect();
    for requirement in &selector.match_expressions {
        let key = requirement.key.as_str();
        let values = || {
            let mut values = requirement.values.clone();
            values.sort_unstable();
            values.join(",")
        };
        parts.push((
            key,
            match requirement.operator.as_str() {
                "In" => format!("{key} in ({})", values()),
                "NotIn" => format!("{key} notin ({})", values()),
                "DoesNotExist" => format!("!{key}"),
                _ => key.to_owned(),
            },
        ));
    }
    parts.sort_by(|one, other| one.0.cmp(other.0));
    let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
    (!parts.is_empty()).then(|| parts.join(","))
}

/// The structured form as Go prints it, which upstream's reasons and messages contain.
#[must_use]
pub fn printed(selector: Option<&LabelSelector>) -> String {
    let Some(selector) = selector else { return "nil".to_owned() };
    let mut text = "&LabelSelector{MatchLabels:map[string]string{".to_owned();
    // Writing to a string cannot fail.
    for (key, value) in &selector.match_labels {
        let _written = write!(text, "{key}: {value},");
    }
    text.push_str("},MatchExpressions:[]LabelSelectorRequirement{");
    for requirement in &selector.match_expressions {
        let (key, operator, values) = (&requirement.key, &requirement.operator, requirement.values.join(" "));
        let _written = write!(text, "LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},");
    }
    text.push_str("},}");
    text
}

#[cfg(test)]
mod tests;
