//! Counters of the whole kernel: `/proc/stat` without its `cpu` lines, such as `ctxt 38014093`, and
//! `softirq 5057579 250191 1481983 1647 ...`, whose first number is the total.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::{Flag, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static SOFTIRQ: Flag = Flag::switch("collector.stat.softirq", false, "Export softirq calls per vector");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&SOFTIRQ];

const FAMILIES: [(&str, &str, &str, Kind); 6] = [
    ("intr", "node_intr_total", "Total number of interrupts serviced.", Kind::Counter),
    ("ctxt", "node_context_switches_total", "Total number of context switches.", Kind::Counter),
    ("processes", "node_forks_total", "Total number of forks.", Kind::Counter),
    ("btime", "node_boot_time_seconds", "Node boot time, in unixtime.", Kind::Gauge),
    ("procs_running", "node_procs_running", "Number of processes in runnable state.", Kind::Gauge),
    ("procs_blocked", "node_procs_blocked", "Number of processes blocked waiting for I/O to complete.", Kind::Gauge),
];

/// In the kernel's order.
const VECTORS: [&str; 10] = ["hi", "timer", "net_tx", "net_rx", "block", "block_iopoll", "tasklet", "sched", "hrtimer", "rcu"];

struct Stat {
    file: Source,
    softirq: bool,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(Stat { file: host.proc("stat"), softirq: flags.on(&SOFTIRQ) }))
}

impl Collector for Stat {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let totals = parse(text, self.softirq).map_err(|malformed| malformed.of(path))?;
        for ((_, name, help, kind), value) in FAMILIES.into_iter().zip(totals.values) {
            // A kernel that leaves a line out has no such count, which is not the count 0.
            if let Some(value) = value {
                page.single(name, help, kind, value as f64);
            }
        }
        if let Some(calls) = totals.softirqs {
            let family = page.family("node_softirqs_total", "Number of softirq calls.", Kind::Counter);
            for (vector, calls) in VECTORS.into_iter().zip(calls) {
                page.sample(family, &[("vector", vector)], calls as f64);
            }
        }
        Ok(())
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    values: [Option<u64>; 6],
    softirqs: Option<[u64; 10]>,
}

// The line of the softirqs is looked at only when asked for: old kernels have fewer vectors.
fn parse(text: &str, softirq: bool) -> Result<Totals, Malformed> {
    let mut totals = Totals::default();
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_ascii_whitespace();
        let Some(key) = fields.next() else { continue };
        if let Some(place) = FAMILIES.iter().position(|family| family.0 == key) {
            totals.values[place] = Some(number(fields.next(), index + 1)?);
        } else if softirq && key == "softirq" {
            let mut calls = [0; 10];
            for (vector, place) in calls.iter_mut().enumerate() {
                *place = number(if vector == 0 { fields.nth(1) } else { fields.next() }, index + 1)?;
            }
            totals.softirqs = Some(calls);
        }
    }
    if totals == Totals::default() {
        return Err(Malformed::new(1, "there is no line of any counter"));
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_number_of_each_line_counts() {
        let text = "cpu  1 2 3\nintr 8885917 17 0 0\nctxt 38014093\nbtime 1418183276\nprocesses 26442\nprocs_running 2\nprocs_blocked 0\nsoftirq 55 1 2 3 4 5 6 7 8 9 10\n";
        let totals = parse(text, true).unwrap();
        assert_eq!(totals.values, [Some(8_885_917), Some(38_014_093), Some(26442), Some(1_418_183_276), Some(2), Some(0)]);
        assert_eq!(totals.softirqs, Some([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    }

    #[test]
    fn what_is_absent_stays_absent_and_what_is_broken_is_named() {
        assert_eq!(parse("ctxt 1\n", true).unwrap().values, [None, Some(1), None, None, None, None]);
        for (bad, line) in [("ctxt\n", 1), ("x 1\nintr -1", 2), ("", 1), ("softirq 1 2 3", 1), ("btime 18446744073709551616", 1)]
        {
            assert_eq!(parse(bad, true).unwrap_err().line, line, "{bad}");
        }
        assert_eq!(parse("softirq 1 2 3\nctxt 1", false).unwrap().softirqs, None);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)((ctxt|softirq|intr)[ 0-9]*\n){0,4}.*") {
            let _any = parse(&text, true);
        }
    }
}
