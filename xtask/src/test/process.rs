//! Ends a process with all that it started. Nothing else is ever signalled.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// Kills `pid` and its descendants. Parents first, so that none starts a new child meanwhile.
pub fn kill_tree(pid: u32) {
    let parents = parents();
    let mut doomed = vec![pid];
    let mut next = 0;
    while let Some(&parent) = doomed.get(next) {
        doomed.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| child));
        next += 1;
    }
    for pid in doomed.into_iter().filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
        // One that has ended by itself needs nothing.
        let _killed = kill_process(pid, Signal::KILL);
    }
}

/// Every process now alive, with its parent.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            Some((pid, parent(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
        })
        .collect()
}

/// The parent in a line of `/proc/PID/stat`, such as `7 (a name) S 3 7 7 0 -1`: the name may hold blanks and brackets.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_parent_behind_any_name() {
        for (stat, expected) in [
            ("7 (sh) S 3 7 7 0 -1", Some(3)),
            ("8 (a) b) c) R 12 8", Some(12)),
            ("9 (cut", None),
            ("", None),
            ("1 (x) S y", None),
        ] {
            assert_eq!(parent(stat), expected, "{stat}");
        }
    }

    #[test]
    fn this_process_has_its_parent() {
        assert!(parents().contains(&(std::process::id(), std::os::unix::process::parent_id())));
    }
}
