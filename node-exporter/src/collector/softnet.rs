//! Packets as each CPU takes them from the network devices: `/proc/net/softnet_stat`, one line of 9 to 15 hexadecimal
//! numbers per CPU, by the kernel's age.

use std::fmt::Write as _;

use super::{Collector, Error, Made, Malformed};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Family, help, kind and column.
const FAMILIES: [(&str, &str, Kind, usize); 7] = [
    ("node_softnet_processed_total", "Number of processed packets", Kind::Counter, 0),
    ("node_softnet_dropped_total", "Number of dropped packets", Kind::Counter, 1),
    ("node_softnet_times_squeezed_total", "Number of times processing packets ran out of quota", Kind::Counter, 2),
    (
        "node_softnet_cpu_collision_total",
        "Number of collision occur while obtaining device lock while transmitting",
        Kind::Counter,
        8,
    ),
    ("node_softnet_received_rps_total", "Number of times cpu woken up received_rps", Kind::Counter, 9),
    ("node_softnet_flow_limit_count_total", "Number of times flow limit has been reached", Kind::Counter, 10),
    ("node_softnet_backlog_len", "Softnet backlog status", Kind::Gauge, 11),
];
/// Columns of every kernel.
const LEAST: usize = 9;
const COLUMNS: usize = 13;
/// The column that names the CPU, since Linux 5.14; before, it is the number of the line.
const CPU: usize = 12;

struct SoftNet {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(SoftNet { file: host.proc("net/softnet_stat") }))
}

impl Collector for SoftNet {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let families = FAMILIES.map(|(name, help, kind, _)| page.family(name, help, kind));
        let mut name = String::new();
        for cpu in parse(text) {
            let columns = cpu.map_err(|malformed| malformed.of(path))?;
            name.clear();
            // Writing to a String cannot fail.
            let _written = write!(name, "{}", columns[CPU]);
            for (family, (.., column)) in families.into_iter().zip(FAMILIES) {
                page.sample(family, &[("cpu", &name)], f64::from(columns[column]));
            }
        }
        Ok(())
    }
}

fn parse(text: &str) -> impl Iterator<Item = Result<[u32; COLUMNS], Malformed>> {
    text.lines().enumerate().map(|(index, line)| {
        let mut columns = [0; COLUMNS];
        let mut given = 0;
        for (place, field) in columns.iter_mut().zip(line.split_ascii_whitespace()) {
            *place = u32::from_str_radix(field, 16)
                .map_err(|_| Malformed::new(index + 1, format!("{field:?} is no hexadecimal number in range")))?;
            given += 1;
        }
        if given < LEAST {
            return Err(Malformed::new(index + 1, format!("{given} fields where there should be {LEAST} at least")));
        }
        if given < COLUMNS {
            // The backlog came together with the number of the CPU.
            columns[CPU - 1] = 0;
            columns[CPU] = u32::try_from(index).unwrap_or(u32::MAX);
        }
        Ok(columns)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_have_as_many_columns_as_the_kernel_is_old() {
        let text = "a 1 2 0 0 0 0 0 3\n1 1 1 0 0 0 0 0 3 4\n1 0 0 0 0 0 0 0 3 4 5 6 0000000f 0 0\n";
        let cpus: Vec<_> =
            parse(text).map(|cpu| cpu.unwrap()).map(|cpu| (cpu[0], cpu[8], cpu[9], cpu[10], cpu[11], cpu[12])).collect();
        assert_eq!(cpus, [(10, 3, 0, 0, 0, 0), (1, 3, 4, 0, 0, 1), (1, 3, 4, 5, 6, 15)]);
        for bad in ["1 2 3\n", "1 1 1 0 0 0 0 0 x\n", "\n", "100000000 1 1 0 0 0 0 0 0"] {
            assert!(parse(bad).any(|cpu| cpu.is_err()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)([0-9a-f ]{0,99}\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
