//! The harness of the tests that see the whole: starts the stack, asks it over HTTP, watches its processes, and opens its
//! page in a real browser. It asserts nothing about Binnacle itself; that is the tests' business. Everything it starts
//! dies with the test, also when the test is killed.
#![expect(clippy::panic, clippy::expect_used, reason = "a harness reports a fault by failing the test")]

pub mod binary;
pub mod browser;
pub mod http;
pub mod process;
pub mod servers;
pub mod up;
pub mod wait;

pub use browser::Browser;
pub use up::{Launch, Up};
pub use wait::eventually;
