//! Counts of tests, read from the closing lines of Rust's test runner. It knows nothing of stages or commands.

use std::fmt;

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Counts `line` when it is a closing line such as `test result: ok. 12 passed; 0 failed; 0 ignored; ...`.
    pub fn line(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else { return };
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(number, word)| (number.parse::<u64>(), word)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                _ => {}
            }
        }
    }

    /// The count of a stage at its end. A stage that runs no tests is one itself; one that failed though no test did (it
    /// did not compile, it hung) counts as one failure.
    pub fn closed(mut self, failed: bool) -> Self {
        if failed && self.failed == 0 {
            self.failed = 1;
        } else if !failed && self == Self::default() {
            self.passed = 1;
        }
        self
    }

    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], failed: bool, expected: &str) {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.line(line));
        assert_eq!(tally.closed(failed).to_string(), expected, "{lines:?}");
    }

    #[test]
    fn counts_closing_lines_and_nothing_else() {
        let good = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        let bad = "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s";
        check(&[good, "running 3 tests", bad], true, "14 passed, 1 failed");
        check(&["a line that says 7 passed; 3 failed"], false, "1 passed, 0 failed");
        check(&["test result: ", "test result: ok. passed; x failed"], false, "1 passed, 0 failed");
        check(&[good], true, "12 passed, 1 failed");
        check(&[], true, "0 passed, 1 failed");
    }
}
