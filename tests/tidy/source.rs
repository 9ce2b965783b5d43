//! Rules on Rust files: how they open, how long they are, what they are called, what they may not hold.

use crate::workspace::{Faults, files};

/// No file is longer.
const MAX_LINES: usize = 500;
/// `main` parses and calls; the work is in the library.
const MAX_MAIN_LINES: usize = 30;
/// Files that are one long table, which would not read better in two.
const TABLES: &[&str] = &[];
/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "types", "misc"];

/// Text that has no place in a finished file, and what to do instead. This file is the only one that may hold it.
const BANNED: &[(&str, &str)] = &[
    ("todo!(", "write it, or leave it out"),
    ("unimplemented!(", "write it, or leave it out"),
    ("dbg!(", "use tracing, or take it out"),
    ("FIXME", "fix it, or open an issue"),
    ("TODO", "do it, or open an issue"),
    ("XXX", "fix it, or open an issue"),
    ("#[ignore", "make the test fast and sure, or delete it"),
    ("should_panic", "test the error that is returned"),
    ("#[allow(", "use #[expect(lint, reason = \"...\")], or do what the lint says"),
    ("#![allow(", "use #![expect(lint, reason = \"...\")], or do what the lint says"),
];

/// Code that one room alone may hold, outside tests.
const ONE_ROOM: &[(&str, &[&str], &str)] = &[
    (
        "process::exit",
        &["daemon/src/shutdown.rs"],
        "return an error or an exit code; only a second signal ends a process at once",
    ),
    ("unsafe {", &["node-exporter/src/host/adjtimex.rs"], "find a safe crate, or do without"),
    ("thread::sleep", &["xtask/", "node-exporter/"], "wait for what you wait for, with a deadline"),
];

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let mut faults = Faults::default();
    for file in files(".rs") {
        if !file.text.starts_with("//! ") {
            faults.add(&file.path, 1, "open with `//!`: what this is, and what it deliberately does not do");
        }
    }
    faults.report();
}

#[test]
fn files_are_short() {
    let mut faults = Faults::default();
    let mut lengths = Vec::new();
    for file in files(".rs") {
        let length = file.text.lines().count();
        lengths.push((length, file.path.clone()));
        if length > MAX_LINES && !TABLES.contains(&file.path.as_str()) {
            faults.add(&file.path, MAX_LINES, format!("{length} lines: split it by idea, or move its tests to a tests.rs"));
        }
        if file.path.ends_with("src/main.rs") && length > MAX_MAIN_LINES {
            faults.add(&file.path, MAX_MAIN_LINES, format!("{length} lines: move the work to the library"));
        }
    }
    lengths.sort_unstable();
    let at = |part: usize| lengths[(lengths.len() - 1) * part / 100].0;
    let (longest, path) = &lengths[lengths.len() - 1];
    println!("{} files: median {} lines, p90 {}, longest {longest} ({path})", lengths.len(), at(50), at(90));
    for table in TABLES {
        if !lengths.iter().any(|(length, path)| path == table && *length > MAX_LINES) {
            faults.add(file!(), 1, format!("{table} is no longer long: take it out of TABLES"));
        }
    }
    faults.report();
}

#[test]
fn rooms_have_names_that_say_something() {
    let mut faults = Faults::default();
    for file in files(".rs") {
        for room in file.path.trim_end_matches(".rs").split('/') {
            if EMPTY_NAMES.contains(&room) {
                faults.add(&file.path, 1, format!("`{room}` says nothing: put each thing where its one user is"));
            }
        }
        if file.path.ends_with("/mod.rs") {
            faults.add(&file.path, 1, "write foo.rs beside foo/ instead");
        }
    }
    faults.report();
}

#[test]
fn nothing_is_left_half_done() {
    let mut faults = Faults::default();
    for file in files(".rs").iter().filter(|file| file.path != "tests/tidy/source.rs") {
        for (number, line) in file.lines() {
            for (text, advice) in BANNED.iter().filter(|(text, _)| line.contains(text)) {
                faults.add(&file.path, number, format!("`{text}`: {advice}"));
            }
        }
    }
    faults.report();
}

#[test]
fn what_belongs_in_one_room_stays_there() {
    let mut faults = Faults::default();
    for file in files(".rs") {
        for (number, line) in file.code() {
            for (text, rooms, advice) in ONE_ROOM {
                if line.contains(text) && !rooms.iter().any(|room| file.path.starts_with(room)) {
                    faults.add(&file.path, number, format!("`{text}`: {advice}"));
                }
            }
        }
    }
    faults.report();
}

/// Where programs look for files is said by their flags, so that any captured tree replays.
#[test]
fn mount_paths_are_in_args_only() {
    let mut faults = Faults::default();
    let programs = ["node-exporter/src/", "log-agent/src/", "metrics-adapter/src/", "hpa/src/"];
    for file in files(".rs") {
        let is_args = file.path.contains("/args.rs") || file.path.contains("/args/");
        if is_args || !programs.iter().any(|program| file.path.starts_with(program)) {
            continue;
        }
        for (number, line) in file.code() {
            // What a family's HELP says of a file is upstream's sentence, not a path that is opened.
            if ["\"/proc", "\"/sys", "\"/var/", "\"/run/"].iter().any(|start| line.contains(start)) && !line.contains(" field ") {
                faults.add(&file.path, number, "a literal path: make it a flag in args.rs, and take it from Config");
            }
        }
    }
    faults.report();
}
