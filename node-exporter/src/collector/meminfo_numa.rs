//! Memory of each NUMA node: `devices/system/node/node*` in sysfs, `meminfo` with lines such as
//! `Node 0 MemTotal:  134182340 kB`, and `numastat` with lines such as `numa_hit 193460335812`.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host};
use crate::metric::{Kind, Page};

/// Bytes in the kibibytes that the kernel calls kB.
const KIBI: f64 = 1024.0;

struct MeminfoNuma {
    nodes: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(MeminfoNuma { nodes: Devices::new(host, "devices/system/node", &["meminfo", "numastat"]) }))
}

impl Collector for MeminfoNuma {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        self.nodes.refresh(host, |name| node(name).is_some())?;
        for Device { name, files, .. } in self.nodes.shown() {
            let [memory, allocations] = &mut files[..] else { continue };
            let labels = [("node", node(name).unwrap_or_default())];
            let (text, path) = memory.text()?;
            for line in parse_memory(text) {
                let (key, bytes) = line.map_err(|malformed| malformed.of(path))?;
                let family = page.family_of(&["node_memory_numa_", &key], &["Memory information field ", &key, "."], Kind::Gauge);
                page.sample(family, &labels, bytes);
            }
            let (text, path) = allocations.text()?;
            for line in parse_allocations(text) {
                let (key, count) = line.map_err(|malformed| malformed.of(path))?;
                let help = ["Memory information field ", key, "_total."];
                let family = page.family_of(&["node_memory_numa_", key, "_total"], &help, Kind::Counter);
                page.sample(family, &labels, count);
            }
        }
        Ok(())
    }
}

fn node(name: &str) -> Option<&str> {
    name.strip_prefix("node").filter(|number| number.starts_with(|first: char| first.is_ascii_digit()))
}

// `Active(anon):` is called `Active_anon`.
fn parse_memory(text: &str) -> impl Iterator<Item = Result<(String, f64), Malformed>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| {
        let mut fields = line.split_ascii_whitespace().skip(2);
        let key = fields.next().ok_or_else(|| Malformed::new(index + 1, "a field is missing"))?;
        let value: f64 = number(fields.next(), index + 1)?;
        let factor = match fields.next() {
            None => 1.0,
            Some("kB") => KIBI,
            Some(unit) => return Err(Malformed::new(index + 1, format!("{unit:?} is no known unit"))),
        };
        Ok((key.trim_end_matches(':').replace('(', "_").replace(')', ""), value * factor))
    })
}

fn parse_allocations(text: &str) -> impl Iterator<Item = Result<(&str, f64), Malformed>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| {
        let (key, value) = line.trim().split_once(' ').ok_or_else(|| Malformed::new(index + 1, "a field is missing"))?;
        Ok((key, number(Some(value.trim()), index + 1)?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kibibytes_become_bytes() {
        let lines: Result<Vec<_>, _> =
            parse_memory("\nNode 0 MemTotal:  2 kB\nNode 0 Active(anon): 1 kB\nNode 0 HugePages_Free: 3\n").collect();
        let line = |key: &str, value| (key.to_owned(), value);
        assert_eq!(lines, Ok(vec![line("MemTotal", 2048.0), line("Active_anon", 1024.0), line("HugePages_Free", 3.0)]));
        let lines: Result<Vec<_>, _> = parse_allocations("numa_hit 7\n\n").collect();
        assert_eq!(lines, Ok(vec![("numa_hit", 7.0)]));
        for bad in ["Node 0\n", "Node 0 A: x\n", "Node 0 A: 1 MB\n"] {
            assert!(parse_memory(bad).any(|line| line.is_err()), "{bad}");
        }
        assert!(parse_allocations("numa_hit\n").any(|line| line.is_err()));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(Node 0 [A-Za-z()]*: [0-9]*( kB)?\n){0,4}.*") {
            parse_memory(&text).for_each(drop);
            parse_allocations(&text).for_each(drop);
        }
    }
}
