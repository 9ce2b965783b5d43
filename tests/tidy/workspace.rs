//! The files of the repository as git sees them, and the list of faults that a rule finds in them.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use integration_tests::binary::root;

/// One file that git tracks, or would if it were added.
pub struct Source {
    /// Its path in the repository.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// Its lines with their numbers, from 1 on.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Lines of Rust that are neither comments nor tests.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.is_test();
        let lines = self.lines().take_while(move |(_, line)| !is_test && !line.starts_with("#[cfg(test)]"));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Whether the whole file is tests.
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

/// The text files whose path ends in `end`, sorted.
///
/// # Panics
/// git is not there, or none matches: then the rule would check nothing.
pub fn files(end: &str) -> Vec<Source> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git starts");
    assert!(listing.status.success(), "git lists no files: {}", String::from_utf8_lossy(&listing.stderr));
    let listing = String::from_utf8(listing.stdout).expect("paths are UTF-8");
    let mut paths: Vec<&str> = listing.split('\0').filter(|path| !path.is_empty() && path.ends_with(end)).collect();
    paths.sort_unstable();
    paths.dedup();
    // A file that is deleted and still in the index, or no text, is no business of these rules.
    let read = |path: &str| Some(Source { path: path.to_owned(), text: fs::read_to_string(root().join(path)).ok()? });
    let found: Vec<Source> = paths.into_iter().filter_map(read).collect();
    assert!(!found.is_empty(), "no file ends in {end:?}");
    found
}

/// The text of one file.
///
/// # Panics
/// It is not there.
pub fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A path in the repository.
pub fn at(path: &str) -> PathBuf {
    root().join(path)
}

/// What a rule has found.
#[derive(Default)]
pub struct Faults(Vec<String>);

impl Faults {
    /// A fault at a line, with what to do.
    pub fn add(&mut self, path: &str, line: usize, advice: impl Display) {
        self.0.push(format!("{path}:{line}: {advice}"));
    }

    /// Ends the rule.
    ///
    /// # Panics
    /// There are faults: all are listed.
    pub fn report(self) {
        assert!(self.0.is_empty(), "{} to mend:\n{}", self.0.len(), self.0.join("\n"));
    }
}
