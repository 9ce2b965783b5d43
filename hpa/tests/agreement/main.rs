//! Agreement with the real controller: every recorded decision of `tests/vectors/` through the crate, with upstream's way
//! chosen where its arithmetic has known defects.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a case that cannot be read fails its test")]

mod calculator;
mod controller;
mod parts;

use serde_json::Value;

/// The recorded cases of one kind.
fn cases(kind: &str) -> Vec<Value> {
    let path = format!("{}/tests/vectors/{kind}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// Runs every case of one kind; all that differ are told at once.
fn agree(kind: &str, count: usize, check: impl Fn(&Value) -> Result<(), String>) {
    let cases = cases(kind);
    assert_eq!(cases.len(), count, "cases of {kind}");
    let differing: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case["name"], check(case).err()?))).collect();
    assert!(differing.is_empty(), "{} of {count} differ:\n{}", differing.len(), differing.join("\n"));
}

/// An error that names the field if two values differ.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what}: got {got:?}, expected {expected:?}")) }
}

/// A part of a case in one of the crate's own shapes.
fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn integer(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}
