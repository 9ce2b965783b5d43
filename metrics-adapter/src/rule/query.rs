//! The PromQL of a question: the template of a rule, filled with the series and the objects that are asked about. It writes
//! text and evaluates nothing. Every value is quoted here, so no label value can become PromQL.

use std::collections::BTreeMap;

use super::RuleError;
use super::template::{Field, Template};
use crate::matcher::is_special;

const FIELDS: &[&str] = &["Series", "LabelMatchers", "LabelValuesByName", "GroupBy", "GroupBySlice"];

/// The fourth stage of a rule.
#[derive(Clone, Debug)]
pub struct QueryStage(Template);

/// One condition on the series of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The label.
    pub label: String,
    /// How its value is compared.
    pub operator: Comparison,
    /// With what: one value for the equalities, any number for the lists, none for presence.
    pub values: Vec<String>,
}

/// How a label's value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    In,
    NotIn,
    Present,
    Absent,
}

impl QueryStage {
    /// Compiles `metricsQuery`.
    ///
    /// # Errors
    /// The template is empty or uses what is not supported.
    pub fn new(metrics_query: &str) -> Result<Self, RuleError> {
        let template =
            Template::parse(metrics_query, FIELDS).map_err(|source| RuleError::Template { field: "metricsQuery", source })?;
        if template.is_empty() { Err(RuleError::Missing("metricsQuery")) } else { Ok(Self(template)) }
    }

    /// The PromQL about `series` under these conditions, for results by the label `group_by`.
    #[must_use]
    pub fn render(&self, series: &str, conditions: &[Condition], group_by: &str) -> String {
        let matchers = conditions.iter().map(Condition::matcher).collect::<Vec<_>>().join(",");
        let values: BTreeMap<String, String> =
            conditions.iter().map(|condition| (condition.label.clone(), condition.values.join("|"))).collect();
        let group_by = [group_by.to_owned()];
        self.0.render(|field| match field {
            "Series" => Field::Text(series),
            "LabelMatchers" => Field::Text(&matchers),
            "LabelValuesByName" => Field::Map(&values),
            "GroupBySlice" => Field::List(&group_by),
            _ => Field::Text(&group_by[0]),
        })
    }
}

impl Condition {
    /// The label has one of these values.
    #[must_use]
    pub fn one_of(label: &str, values: Vec<String>) -> Self {
        let operator = if values.len() == 1 { Comparison::Equal } else { Comparison::In };
        Self { label: label.to_owned(), operator, values }
    }

    /// As a matcher of PromQL.
    fn matcher(&self) -> String {
        let label = &self.label;
        let only = self.values.first().map_or("", String::as_str);
        let list = || self.values.iter().map(|value| literal(value)).collect::<Vec<_>>().join("|");
        match self.operator {
            Comparison::Equal => format!("{label}={}", quoted(only)),
            Comparison::NotEqual => format!("{label}!={}", quoted(only)),
            Comparison::In => format!("{label}=~{}", quoted(&list())),
            Comparison::NotIn => format!("{label}!~{}", quoted(&list())),
            Comparison::Present => format!("{label}!=\"\""),
            Comparison::Absent => format!("{label}=\"\""),
        }
    }
}

/// As a string of PromQL.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            '\n' => text.push_str("\\n"),
            letter => text.push(letter),
        }
    }
    text.push('"');
    text
}

/// As a regular expression that matches just this. Upstream leaves a dot as it is, where it matches anything.
fn literal(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        if is_special(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::promql;

    fn condition(label: &str, operator: Comparison, values: &[&str]) -> Condition {
        Condition { label: label.to_owned(), operator, values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    #[test]
    fn conditions_become_matchers_in_their_order() {
        let stage = QueryStage::new("sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)").unwrap();
        let conditions = [
            condition("code", Comparison::In, &["2.0", "3"]),
            condition("verb", Comparison::NotEqual, &["GET"]),
            condition("a", Comparison::Present, &[]),
            condition("b", Comparison::Absent, &[]),
            condition("c", Comparison::NotIn, &["x"]),
            condition("namespace", Comparison::Equal, &["default"]),
            Condition::one_of("pod", vec!["p-1".to_owned()]),
        ];
        let expected = concat!(
            r#"sum(rate(x_total{code=~"2\\.0|3",verb!="GET",a!="",b="",c!~"x",namespace="default","#,
            r#"pod="p-1"}[2m])) by (pod)"#
        );
        assert_eq!(stage.render("x_total", &conditions, "pod"), expected);
        let several = Condition::one_of("pod", vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(stage.render("x", &[several], "pod"), r#"sum(rate(x{pod=~"a|b"}[2m])) by (pod)"#);
    }

    #[test]
    fn values_are_there_by_name() {
        let stage = QueryStage::new(r#"x{p=~"<<index .LabelValuesByName "pod">>"} + <<index .GroupBySlice 0>>"#).unwrap();
        let conditions = [Condition::one_of("pod", vec!["a".to_owned(), "b".to_owned()])];
        assert_eq!(stage.render("x", &conditions, "pod"), r#"x{p=~"a|b"} + pod"#);
    }

    #[test]
    fn an_empty_template_is_missing() {
        assert!(QueryStage::new("  ").unwrap_err().to_string().contains("metricsQuery is missing"));
    }

    proptest! {
        #[test]
        fn no_value_becomes_promql(one in "\\PC{0,12}|[\"\\\\\n|}{)(]{0,8}", other in "[a-z.\"\\\\]{0,6}") {
            let stage = QueryStage::new("<<.Series>>{<<.LabelMatchers>>}").unwrap();
            let conditions = [
                condition("a", Comparison::Equal, &[&one]),
                condition("b", Comparison::In, &[&one, &other]),
            ];
            let matchers = promql::selector(&stage.render("x", &conditions, "pod")).unwrap();
            prop_assert_eq!(matchers.len(), 3);
            prop_assert!(matchers[1].is_match(&one) && matchers[2].is_match(&one) && matchers[2].is_match(&other));
        }
    }
}
