//! Tests against real servers. Each needs what `cargo xtask servers` gets, and fails with that advice when it is not there.
#![expect(clippy::expect_used, reason = "these are tests")]

mod aggregation;
mod kubernetes;
mod node;
mod prometheus;
mod search;
