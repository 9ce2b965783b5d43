//! Processes and threads by state: `/proc/<pid>/stat` and `/proc/<pid>/task/<tid>/stat` of all of them, which is why it is off
//! by default. Processes that end meanwhile are passed over.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, ReadError, Source};
use crate::metric::{Kind, Page};

struct Processes {
    most_threads: Source,
    most_processes: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Processes { most_threads: host.proc("sys/kernel/threads-max"), most_processes: host.proc("sys/kernel/pid_max") }))
}

#[derive(Default)]
struct Counts {
    processes: u32,
    threads: u64,
    states: BTreeMap<String, u32>,
    thread_states: BTreeMap<String, u32>,
}

impl Collector for Processes {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let counts = Counts::of(&host.roots().procfs)?;
        let gauge = |page: &mut Page, name, help, value: f64| page.single(name, help, Kind::Gauge, value);
        gauge(page, "node_processes_threads", "Allocated threads in system", counts.threads as f64);
        gauge(page, "node_processes_max_threads", "Limit of threads in the system", limit(&mut self.most_threads)?);
        gauge(page, "node_processes_pids", "Number of PIDs", f64::from(counts.processes));
        gauge(page, "node_processes_max_processes", "Number of max PIDs limit", limit(&mut self.most_processes)?);
        let family = page.family("node_processes_state", "Number of processes in each state.", Kind::Gauge);
        for (state, count) in &counts.states {
            page.sample(family, &[("state", state)], f64::from(*count));
        }
        let family = page.family("node_processes_threads_state", "Number of threads in each state.", Kind::Gauge);
        for (state, count) in &counts.thread_states {
            page.sample(family, &[("thread_state", state)], f64::from(*count));
        }
        Ok(())
    }

    // Tens of thousands of files on a large machine.
    fn may_block(&self) -> bool {
        true
    }
}

impl Counts {
    fn of(procfs: &Path) -> Result<Self, Error> {
        let mut counts = Self::default();
        let entries = fs::read_dir(procfs).map_err(|source| ReadError::io(procfs, source))?;
        for entry in entries.flatten().filter(|entry| is_id(&entry.file_name())) {
            let path = entry.path().join("stat");
            let Ok(text) = fs::read(&path) else { continue };
            let (state, threads) = parse(&String::from_utf8_lossy(&text)).map_err(|malformed| malformed.of(&path))?;
            counts.processes += 1;
            counts.threads = counts.threads.saturating_add(threads);
            *counts.states.entry(state.clone()).or_default() += 1;
            // Without a list of its threads a process counts as none, as in upstream.
            let Ok(tasks) = fs::read_dir(entry.path().join("task")) else { continue };
            for task in tasks.flatten().filter(|task| is_id(&task.file_name())) {
                let path = task.path().join("stat");
                let state = if task.file_name() == entry.file_name() {
                    state.clone()
                } else {
                    let Ok(text) = fs::read(&path) else { continue };
                    parse(&String::from_utf8_lossy(&text)).map_err(|malformed| malformed.of(&path))?.0
                };
                *counts.thread_states.entry(state).or_default() += 1;
            }
        }
        Ok(counts)
    }
}

fn is_id(name: &std::ffi::OsStr) -> bool {
    !name.is_empty() && name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
}

fn limit(file: &mut Source) -> Result<f64, Error> {
    let (text, path) = file.text()?;
    Ok(number::<u64>(Some(text.trim()), 1).map_err(|malformed| malformed.of(path))? as f64)
}

// State and number of threads; the name before them may hold blanks and brackets.
fn parse(text: &str) -> Result<(String, u64), Malformed> {
    let rest = text.rsplit_once(')').map(|(_, rest)| rest);
    let mut fields = rest.ok_or_else(|| Malformed::new(1, "there is no name in brackets"))?.split_ascii_whitespace();
    let state = fields.next().ok_or_else(|| Malformed::new(1, "a field is missing"))?;
    // Fields are numbered as in proc(5): the state is 3, the number of threads 20.
    let threads = number::<i64>(fields.nth(16), 1)?;
    Ok((state.to_owned(), threads.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let text = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 42 18";
        assert_eq!(parse(text), Ok(("S".to_owned(), 42)));
        for bad in ["", "7 (a", "7 (a)", "7 (a) S 1 2"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)[0-9]* \\(.*\\) [A-Z]( -?[0-9]{1,21}){0,20}.*") {
            let _any = parse(&text);
        }
    }
}
