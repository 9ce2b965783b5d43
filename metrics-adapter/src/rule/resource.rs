//! Which object a series describes: labels stand for kinds, by overrides or by a template of label names.

use std::collections::BTreeMap;

use super::RuleError;
use super::kind::{self, Kind};
use super::template::{Field, Template};
use crate::config::Resources;
use crate::labels::is_label_name;

/// The third stage of a rule.
#[derive(Clone, Debug)]
pub struct ResourceStage {
    kinds: BTreeMap<String, &'static Kind>,
    labels: BTreeMap<&'static Kind, String>,
}

impl ResourceStage {
    /// Compiles `resources`.
    ///
    /// # Errors
    /// A kind is not known, a template is none, or objects in namespaces are described and no label names the namespace.
    pub fn new(resources: &Resources) -> Result<Self, RuleError> {
        let Resources { template, overrides, namespaced: _ } = resources;
        let mut stage = Self { kinds: BTreeMap::new(), labels: BTreeMap::new() };
        for (label, target) in overrides {
            let kind = kind::find(&target.group, &target.resource).ok_or_else(|| RuleError::Kind {
                label: label.clone(),
                resource: target.resource.clone(),
                group: target.group.clone(),
            })?;
            stage.kinds.insert(label.clone(), kind);
            // Two labels may stand for one kind; the first by name is asked for in queries.
            stage.labels.entry(kind).or_insert_with(|| label.clone());
        }
        if !template.is_empty() {
            stage.add_template(template)?;
        }
        if stage.labels.is_empty() {
            return Err(RuleError::Missing("resources.overrides (or resources.template)"));
        }
        let namespaces = stage.label(&kind::NAMESPACES).is_some();
        if let Some((kind, label)) = stage.labels.iter().find(|(kind, _)| kind.namespaced && !namespaces) {
            return Err(RuleError::NoNamespace { label: label.clone(), kind: kind.kind });
        }
        Ok(stage)
    }

    /// Every kind gives a label name; overrides stay.
    fn add_template(&mut self, text: &str) -> Result<(), RuleError> {
        let template = Template::parse(text, &["Group", "Resource"])
            .map_err(|source| RuleError::Template { field: "resources.template", source })?;
        let render = |group: &str, resource: &str| {
            // Group names have characters that labels must not have.
            let group = group.replace(['.', '-'], "_");
            template.render(|field| Field::Text(if field == "Group" { &group } else { resource }))
        };
        let sample = render("", "pod");
        if sample == render("", "node") || !is_label_name(&sample) {
            return Err(RuleError::LabelTemplate(text.to_owned()));
        }
        for kind in kind::ALL {
            let label = render(kind.group, kind.singular);
            self.kinds.entry(label.clone()).or_insert(kind);
            self.labels.entry(kind).or_insert(label);
        }
        Ok(())
    }

    /// The kind that a label names an object of.
    #[must_use]
    pub fn kind(&self, label: &str) -> Option<&'static Kind> {
        self.kinds.get(label).copied()
    }

    /// The label that names objects of a kind.
    #[must_use]
    pub fn label(&self, kind: &Kind) -> Option<&str> {
        self.labels.get(kind).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GroupResource;

    fn resources(template: &str, overrides: &[(&str, &str, &str)]) -> Resources {
        let target = |group: &str, resource: &str| GroupResource { group: group.to_owned(), resource: resource.to_owned() };
        let overrides = overrides.iter().map(|(label, group, resource)| ((*label).to_owned(), target(group, resource)));
        Resources { template: template.to_owned(), overrides: overrides.collect(), namespaced: None }
    }

    #[test]
    fn overrides_and_templates_name_kinds_by_labels() {
        let check = |stage: &ResourceStage, label: &str, expected: Option<&str>| {
            assert_eq!(stage.kind(label).map(Kind::resource).as_deref(), expected, "{label}");
        };
        let stage = ResourceStage::new(&resources("", &[("ns", "", "namespace"), ("svc", "", "services")])).unwrap();
        check(&stage, "svc", Some("services"));
        check(&stage, "service", None);
        assert_eq!(stage.label(kind::find("", "service").unwrap()), Some("svc"));

        let stage = ResourceStage::new(&resources("<<.Resource>>", &[("kubernetes_pod", "", "pod")])).unwrap();
        check(&stage, "pod", Some("pods"));
        check(&stage, "kubernetes_pod", Some("pods"));
        check(&stage, "job", Some("jobs.batch"));
        assert_eq!(stage.label(kind::find("", "pod").unwrap()), Some("kubernetes_pod"));

        let stage = ResourceStage::new(&resources("kube_<<.Group>>_<<.Resource>>", &[])).unwrap();
        check(&stage, "kube_networking_k8s_io_ingress", Some("ingresses.networking.k8s.io"));
        check(&stage, "kube__pod", Some("pods"));
        ResourceStage::new(&resources("", &[("node", "", "node")])).unwrap();
    }

    #[test]
    fn faults_are_named() {
        let check = |resources: &Resources, expected: &str| {
            let error = ResourceStage::new(resources).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(&resources("", &[]), "resources.overrides");
        check(&resources("", &[("u", "", "unicorn")]), "unicorn");
        check(&resources("", &[("pod", "", "pod")]), "no label for the namespace");
        check(&resources("static", &[]), "static");
        check(&resources("<<.Nothing>>", &[]), "<<.Nothing>>");
        check(&resources("a-<<.Resource>>", &[]), "a-<<.Resource>>");
    }
}
