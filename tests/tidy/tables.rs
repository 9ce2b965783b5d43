//! Rules on tables: what is listed has a file, and what has a file is listed.

use std::collections::BTreeSet;

use crate::workspace::{Faults, Source, files};

/// Where node-exporter lists its collectors.
const COLLECTORS: &str = "node-exporter/src/collector.rs";

#[test]
fn every_collector_has_a_line_in_the_table_and_a_file() {
    let mut faults = Faults::default();
    let sources = files(".rs");
    let table = sources.iter().find(|file| file.path == COLLECTORS).expect("the collectors' table");
    let listed = listed(table);
    assert!(!listed.is_empty(), "no line of the table was understood");
    let folder = COLLECTORS.replace(".rs", "/");
    let names = sources.iter().filter_map(|file| file.path.strip_prefix(&folder)?.strip_suffix(".rs"));
    let rooms: BTreeSet<&str> = names.filter(|name| !name.contains('/')).collect();
    for (number, name) in &listed {
        if !rooms.contains(name) {
            faults.add(COLLECTORS, *number, format!("collector {name} has no file: write {folder}{name}.rs"));
        }
    }
    for room in rooms.iter().filter(|room| !listed.iter().any(|(_, name)| name == *room)) {
        faults.add(&format!("{folder}{room}.rs"), 1, format!("collector {room} is not in ALL: add its line to {COLLECTORS}"));
    }
    let golden = files("node-exporter/fixtures/expected.txt");
    for (number, name) in &listed {
        if !golden[0].text.contains(&format!("collector=\"{name}\"")) {
            faults.add(
                COLLECTORS,
                *number,
                format!("collector {name} is not in fixtures/expected.txt: run its golden test with UPDATE_GOLDEN=1"),
            );
        }
    }
    faults.report();
}

/// The names in the table `ALL`, with their lines: the first string of each entry.
fn listed(table: &Source) -> Vec<(usize, &str)> {
    let entries =
        table.lines().skip_while(|(_, line)| !line.starts_with("pub const ALL")).skip(1).take_while(|(_, line)| *line != "];");
    entries.filter_map(|(number, line)| Some((number, line.split('"').nth(1)?))).collect()
}
