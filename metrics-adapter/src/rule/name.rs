//! What a series is called in the API: `matches` filters and captures, `as` says how to write it.

use regex::Regex;

use super::RuleError;

/// The second stage of a rule.
#[derive(Clone, Debug)]
pub struct NameStage {
    matches: Regex,
    template: String,
}

impl NameStage {
    /// Compiles `name.matches` and `name.as`. Without `as` the name is the only group, or the whole match if there is none.
    ///
    /// # Errors
    /// The expression is none, or has several groups and no `as` says which.
    pub fn new(matches: &str, template: &str) -> Result<Self, RuleError> {
        let matches = if matches.is_empty() { ".*" } else { matches };
        let matches = super::regex("name.matches", matches)?;
        let template = match (template, matches.captures_len() - 1) {
            ("", 0) => "$0",
            ("", 1) => "$1",
            ("", _) => return Err(RuleError::Groups),
            (template, _) => template,
        };
        Ok(Self { matches, template: template.to_owned() })
    }

    /// The name of a metric in the API; none if the rule is not about it. Only the template is expanded: what of the metric's
    /// name lies outside the match is gone.
    #[must_use]
    pub fn api_name(&self, metric: &str) -> Option<String> {
        let mut name = String::new();
        self.matches.captures(metric)?.expand(&self.template, &mut name);
        Some(name).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_expansions_of_as() {
        let check = |matches: &str, template: &str, metric: &str, expected: Option<&str>| {
            let name = NameStage::new(matches, template).unwrap().api_name(metric);
            assert_eq!(name.as_deref(), expected, "{matches} {template} {metric}");
        };
        check("^(.*)_total$", "${1}", "http_requests_total", Some("http_requests"));
        check("^(.*)_total$", "", "http_requests_total", Some("http_requests"));
        check("^(.*)_total$", "", "http_requests", None);
        check("", "", "http_requests", Some("http_requests"));
        check("", "my_$0", "x", Some("my_x"));
        check("requests", "", "http_requests_total", Some("requests"));
        check("^(.*)_(total|count)$", "${1}_per_second", "x_count", Some("x_per_second"));
        // As in Go, `$1_x` is the group named "1_x", of which there is none.
        check("^(.*)_total$", "a$1_x", "x_total", Some("a"));
        check("^(.*)_total$", "$1_x", "x_total", None);
        check("^(?P<base>.*)_total$", "${base}_rate", "x_total", Some("x_rate"));
    }

    #[test]
    fn faults_are_named() {
        assert!(NameStage::new("(", "").unwrap_err().to_string().contains("name.matches"));
        assert!(NameStage::new("(a)(b)", "").unwrap_err().to_string().contains("name.as"));
    }
}
