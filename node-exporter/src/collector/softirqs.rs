//! Software interrupts by kind and CPU: `/proc/softirqs`, a heading of CPUs and lines such as `TIMER:   424191   108342`.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

struct SoftIrqs {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(SoftIrqs { file: host.proc("softirqs") }))
}

impl Collector for SoftIrqs {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        if text.is_empty() {
            return Err(Malformed::empty().of(path));
        }
        let family = page.family("node_softirqs_functions_total", "Softirq counts per CPU.", Kind::Counter);
        for row in parse(text) {
            let (kind, cpu, count) = row.map_err(|malformed| malformed.of(path))?;
            page.sample(family, &[("cpu", &cpu.to_string()), ("type", kind)], count as f64);
        }
        Ok(())
    }
}

fn parse(text: &str) -> impl Iterator<Item = Result<(&str, usize, u64), Malformed>> {
    text.lines().enumerate().skip(1).filter_map(|(index, line)| Some((index, line.trim().split_once(':')?))).flat_map(
        |(index, (kind, counts))| {
            let counts = counts.split_ascii_whitespace().enumerate();
            counts.map(move |(cpu, count)| Ok((kind, cpu, number(Some(count), index + 1)?)))
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_counts_by_cpu() {
        let rows: Result<Vec<_>, _> = parse("   CPU0 CPU1\n  HI:  3 4\n NET_RX: 5 6\n").collect();
        assert_eq!(rows, Ok(vec![("HI", 0, 3), ("HI", 1, 4), ("NET_RX", 0, 5), ("NET_RX", 1, 6)]));
        assert!(parse("CPU0\nHI: x\n").any(|row| row.is_err()));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)CPU0\n([A-Z]*:( [0-9]{0,21})*\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
