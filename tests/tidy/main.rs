//! The house rules as a test: what every file, dependency, table and document of this repository keeps to. Each fault names
//! its place and what to do. What the compiler and clippy can see is theirs, not ours.
#![expect(clippy::panic, clippy::expect_used, reason = "a rule that cannot be checked fails its test")]

mod dependencies;
mod documents;
mod homes;
mod source;
mod tables;
mod workspace;
