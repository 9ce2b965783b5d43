//! What metrics exist now: for each kind of object and each name the rule and the series that answer. A registry is made
//! whole and never changed, so a reader sees either the old or the new one. Making it asks no source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::labels::Labels;
use crate::rule::Rule;
use crate::rule::kind::Kind;

/// The metrics that can be asked for.
#[derive(Debug, Default)]
pub struct Registry {
    metrics: BTreeMap<(String, String), Arc<Metric>>,
}

/// One metric of one kind of object.
#[derive(Debug)]
pub struct Metric {
    /// The kind of object.
    pub kind: &'static Kind,
    /// The name in the API.
    pub name: String,
    /// The name of the series.
    pub series: String,
    /// The rule that answers.
    pub rule: Arc<Rule>,
}

impl Registry {
    /// The metrics of these rules, each with the series that it selected. Where two rules give one name the later one counts,
    /// as in prometheus-adapter; of two series of one rule the later by name.
    #[must_use]
    pub fn new(rules: &[(Arc<Rule>, Vec<Labels>)]) -> Self {
        let mut metrics = BTreeMap::new();
        for (rule, series) in rules {
            for (series, kind) in described(rule, series) {
                let Some(name) = rule.name.api_name(series) else { continue };
                let metric = Metric { kind, name: name.clone(), series: series.to_owned(), rule: rule.clone() };
                metrics.insert((kind.resource(), name), Arc::new(metric));
            }
        }
        Self { metrics }
    }

    /// The metric of this name for objects of this kind.
    #[must_use]
    pub fn get(&self, kind: &Kind, name: &str) -> Option<Arc<Metric>> {
        self.metrics.get(&(kind.resource(), name.to_owned())).cloned()
    }

    /// All metrics, sorted by resource and name.
    pub fn iter(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values().map(Arc::as_ref)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.metrics.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty()
    }
}

/// Names of series and the kinds that their labels name, each pair once, sorted.
fn described<'a>(rule: &Rule, series: &'a [Labels]) -> BTreeSet<(&'a str, &'static Kind)> {
    let mut found = BTreeSet::new();
    for labels in series {
        let metric = labels.metric();
        let kinds = labels.iter().filter_map(|label| rule.resource.kind(label.0));
        found.extend(kinds.map(|kind| (metric, kind)));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rule::kind;

    fn registry(rules: &str, series: &[&[(&str, &str)]]) -> Registry {
        let rules = crate::config::parse(rules, Path::new("rules.yaml")).unwrap();
        let series: Vec<Labels> = series.iter().map(|pairs| Labels::new(pairs.iter().copied())).collect();
        let selected = |rule: Rule| {
            let series = series.iter().filter(|labels| rule.series.selects(labels)).cloned().collect();
            (Arc::new(rule), series)
        };
        Registry::new(&rules.into_iter().map(selected).collect::<Vec<_>>())
    }

    #[test]
    fn every_kind_that_labels_name_has_the_metric() {
        let rules = "rules: [{seriesQuery: '{namespace!=\"\"}', resources: {template: <<.Resource>>}, metricsQuery: '<<.Series>>', \
                     name: {matches: '^(.*)_total$'}}]";
        let series: &[&[(&str, &str)]] = &[
            &[("__name__", "x_total"), ("namespace", "a"), ("pod", "p"), ("code", "200")],
            &[("__name__", "x_total"), ("namespace", "a"), ("deployment", "d")],
            &[("__name__", "y"), ("namespace", "a"), ("pod", "p")],
            &[("__name__", "z_total"), ("pod", "p")],
        ];
        let registry = registry(rules, series);
        let shown: Vec<String> = registry.iter().map(|metric| format!("{}/{}", metric.kind.resource(), metric.name)).collect();
        assert_eq!(shown, ["deployments.apps/x", "namespaces/x", "pods/x"]);
        assert_eq!(registry.get(kind::of_path("pod").unwrap(), "x").unwrap().series, "x_total");
        assert!(registry.get(kind::of_path("pod").unwrap(), "y").is_none());
    }

    #[test]
    fn the_later_rule_counts() {
        let rules = "rules:\n- {seriesQuery: a, resources: {template: <<.Resource>>}, metricsQuery: '<<.Series>>', name: {as: m}}\n\
                     - {seriesQuery: b, resources: {template: <<.Resource>>}, metricsQuery: '<<.Series>>', name: {as: m}}\n";
        let series: &[&[(&str, &str)]] =
            &[&[("__name__", "a"), ("namespace", "x"), ("pod", "p")], &[("__name__", "b"), ("namespace", "x"), ("pod", "p")]];
        assert_eq!(registry(rules, series).get(kind::of_path("pods").unwrap(), "m").unwrap().series, "b");
    }
}
