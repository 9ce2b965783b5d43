//! Time that tasks spent running on, and waiting for, each CPU: `/proc/schedstat`, lines such as
//! `cpu0 0 0 0 0 0 0 2045936778163039 343796328169361 4767485306`: the last three are nanoseconds, nanoseconds and slices.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Nanoseconds in a second.
const NANO: f64 = 1e9;
/// Family, help and divisor of the last three columns.
const FAMILIES: [(&str, &str, f64); 3] = [
    ("node_schedstat_running_seconds_total", "Number of seconds CPU spent running a process.", NANO),
    ("node_schedstat_waiting_seconds_total", "Number of seconds spent by processing waiting for this CPU.", NANO),
    ("node_schedstat_timeslices_total", "Number of timeslices executed by CPU.", 1.0),
];
/// Columns before the last three.
const OTHERS: usize = 6;

struct SchedStat {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(SchedStat { file: host.proc("schedstat") }))
}

impl Collector for SchedStat {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let Some((text, _)) = self.file.text_if_present()? else {
            return Err(Error::NoData("the kernel keeps no scheduler statistics"));
        };
        let families = FAMILIES.map(|(name, help, _)| page.family(name, help, Kind::Counter));
        for (cpu, values) in parse(text) {
            for ((family, value), (.., divisor)) in families.into_iter().zip(values).zip(FAMILIES) {
                page.sample(family, &[("cpu", cpu)], value as f64 / divisor);
            }
        }
        Ok(())
    }
}

// Lines of CPUs; those of scheduling domains, and any that a future kernel writes otherwise, are passed over.
fn parse(text: &str) -> impl Iterator<Item = (&str, [u64; 3])> {
    text.lines().filter_map(|line| {
        let mut fields = line.strip_prefix("cpu")?.split(' ');
        let cpu = fields.next().filter(|cpu| !cpu.is_empty() && cpu.bytes().all(|digit| digit.is_ascii_digit()))?;
        let mut fields = fields.skip(OTHERS).map(|field| field.parse().ok());
        Some((cpu, [fields.next()??, fields.next()??, fields.next()??]))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_lines_of_cpus_are_read() {
        let text = "version 15\ntimestamp 15819019232\ncpu0 0 0 0 0 0 0 1 2 3\ndomain0 00000000,00000003 212 0\ncpu17 0 0 0 0 0 0 4 5 6\ncpu 0 0 0 0 0 0 1 2 3\ncpu2 0 0\n";
        assert_eq!(parse(text).collect::<Vec<_>>(), [("0", [1, 2, 3]), ("17", [4, 5, 6])]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(cpu[0-9 ]*\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
