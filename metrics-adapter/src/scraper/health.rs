//! Whether scraping works: what became of the last discovery and of each target's last scrape.

use std::collections::{BTreeMap, BTreeSet};

use crate::labels::Labels;

/// How things went last.
#[derive(Debug, Default)]
pub struct Health {
    discovery: Option<Result<(), String>>,
    targets: BTreeMap<Labels, Option<Result<(), String>>>,
    /// Whether every target of some discovery has been scraped, well or not.
    completed: bool,
}

impl Health {
    /// The list of targets could not be had.
    pub fn discovery_failed(&mut self, problem: String) {
        self.discovery = Some(Err(problem));
    }

    /// These are the targets now.
    pub fn discovered<'a>(&mut self, targets: impl Iterator<Item = &'a Labels>) {
        self.discovery = Some(Ok(()));
        let current: BTreeSet<&Labels> = targets.collect();
        self.targets.retain(|target, _| current.contains(target));
        for target in current {
            self.targets.entry(target.clone()).or_default();
        }
        self.check();
    }

    /// A target was scraped. One that is no target any more does not count.
    pub fn scraped(&mut self, target: &Labels, outcome: Result<(), String>) {
        if let Some(last) = self.targets.get_mut(target) {
            *last = Some(outcome);
        }
        self.check();
    }

    fn check(&mut self) {
        self.completed |= matches!(self.discovery, Some(Ok(()))) && self.targets.values().all(Option::is_some);
    }

    /// How it is now; none before the first round is complete.
    #[must_use]
    pub fn get(&self) -> Option<Result<(), String>> {
        if let Some(Err(problem)) = &self.discovery {
            return Some(Err(problem.clone()));
        }
        if !self.completed {
            return None;
        }
        let mut outcomes = self.targets.values().flatten();
        let first_fault = self.targets.values().flatten().find_map(|outcome| outcome.as_ref().err());
        Some(match first_fault {
            Some(problem) if outcomes.all(Result::is_err) => match self.targets.len() {
                1 => Err(format!("the only target cannot be scraped: {problem}")),
                count => Err(format!("none of {count} targets can be scraped; the first: {problem}")),
            },
            _ => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_round_counts_and_then_only_what_fails_altogether() {
        let (one, other) = (Labels::new([("pod", "a")]), Labels::new([("pod", "b")]));
        let mut health = Health::default();
        assert_eq!(health.get(), None);
        health.discovery_failed("http://sd: refused".to_owned());
        assert_eq!(health.get(), Some(Err("http://sd: refused".to_owned())));
        health.discovered([&one, &other].into_iter());
        assert_eq!(health.get(), None);
        health.scraped(&one, Err("http://a: refused".to_owned()));
        assert_eq!(health.get(), None);
        health.scraped(&other, Ok(()));
        assert_eq!(health.get(), Some(Ok(())), "one of two is enough");
        health.scraped(&other, Err("http://b: refused".to_owned()));
        assert!(health.get().unwrap().unwrap_err().contains("none of 2 targets"));
        health.discovered([&one].into_iter());
        assert!(health.get().unwrap().unwrap_err().contains("the only target cannot be scraped: http://a: refused"));
        health.scraped(&other, Ok(()));
        assert!(health.get().unwrap().is_err(), "it is no target any more");
        health.discovered([&one, &other].into_iter());
        assert!(health.get().unwrap().is_err(), "the new one has not been scraped yet");
        health.discovered(std::iter::empty());
        assert_eq!(health.get(), Some(Ok(())));
    }

    #[test]
    fn no_targets_are_a_round() {
        let mut health = Health::default();
        health.discovered(std::iter::empty());
        assert_eq!(health.get(), Some(Ok(())));
    }
}
