//! Memory: `/proc/meminfo`, lines such as `Active(anon):    2068484 kB`. Only the fields that node_exporter shows; newer
//! kernels have some that it leaves out.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// The fields shown, as the kernel writes them.
const FIELDS: &[&str] = &[
    "Active",
    "Active(anon)",
    "Active(file)",
    "AnonHugePages",
    "AnonPages",
    "Bounce",
    "Buffers",
    "Cached",
    "CmaFree",
    "CmaTotal",
    "CommitLimit",
    "Committed_AS",
    "DirectMap1G",
    "DirectMap2M",
    "DirectMap4k",
    "Dirty",
    "HardwareCorrupted",
    "HugePages_Free",
    "HugePages_Rsvd",
    "HugePages_Surp",
    "HugePages_Total",
    "Hugepagesize",
    "Inactive",
    "Inactive(anon)",
    "Inactive(file)",
    "KernelStack",
    "Mapped",
    "MemAvailable",
    "MemFree",
    "MemTotal",
    "Mlocked",
    "NFS_Unstable",
    "PageTables",
    "Percpu",
    "SReclaimable",
    "SUnreclaim",
    "Shmem",
    "ShmemHugePages",
    "ShmemPmdMapped",
    "Slab",
    "SwapCached",
    "SwapFree",
    "SwapTotal",
    "Unevictable",
    "VmallocChunk",
    "VmallocTotal",
    "VmallocUsed",
    "Writeback",
    "WritebackTmp",
    "Zswap",
    "Zswapped",
];

struct Memory {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Memory { file: host.proc("meminfo") }))
}

impl Collector for Memory {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let mut fields = 0;
        for field in parse(text) {
            let (key, value) = field.map_err(|malformed| malformed.of(path))?;
            write(key, value, page);
            fields += 1;
        }
        if fields == 0 { Err(Malformed::empty().of(path)) } else { Ok(()) }
    }
}

fn write(key: &str, value: f64, page: &mut Page) {
    if FIELDS.binary_search(&key).is_err() {
        return;
    }
    // `Active(anon)` becomes `Active_anon`; counts of huge pages are no bytes.
    let (word, rest) = key.split_once('(').map_or((key, ""), |(word, rest)| (word, rest.trim_end_matches(')')));
    let joint = if rest.is_empty() { "" } else { "_" };
    let unit = if key.starts_with("HugePages_") { "" } else { "_bytes" };
    let name = ["node_memory_", word, joint, rest, unit];
    let help = ["Memory information field ", word, joint, rest, unit, "."];
    let family = page.family_of(&name, &help, Kind::Gauge);
    page.sample(family, &[], value);
}

// Values in bytes; those without a unit are counts.
fn parse(text: &str) -> impl Iterator<Item = Result<(&str, f64), Malformed>> {
    text.lines().enumerate().map(|(index, line)| {
        let mut fields = line.split_whitespace();
        let key = fields.next().ok_or_else(|| Malformed::new(index + 1, "the line is empty"))?;
        let key = key.strip_suffix(':').ok_or_else(|| Malformed::new(index + 1, format!("no colon after {key:?}")))?;
        let value: u64 = number(fields.next(), index + 1)?;
        let value = match fields.next() {
            None => Some(value),
            Some("kB") => value.checked_mul(1024),
            Some(unit) => return Err(Malformed::new(index + 1, format!("unknown unit {unit:?}"))),
        };
        let value = value.ok_or_else(|| Malformed::new(index + 1, "the value is out of range"))?;
        Ok((key, value as f64))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_sorted_for_the_search() {
        assert!(FIELDS.is_sorted());
    }

    #[test]
    fn kilobytes_become_bytes_and_counts_stay() {
        let text = "MemTotal:       24684096 kB\nActive(anon):    2068484 kB\nHugePages_Total:       3\n";
        let fields: Result<Vec<_>, _> = parse(text).collect();
        assert_eq!(
            fields,
            Ok(vec![("MemTotal", 24_684_096.0 * 1024.0), ("Active(anon)", 2_068_484.0 * 1024.0), ("HugePages_Total", 3.0)])
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        for (bad, line) in [
            ("MemTotal: 1 kB\nX: y kB", 2),
            ("MemTotal 1", 1),
            ("A: 1 MB", 1),
            ("\n", 1),
            ("A:", 1),
            ("A: 18446744073709551615 kB", 1),
        ] {
            let error = parse(bad).find_map(Result::err).unwrap();
            assert_eq!(error.line, line, "{bad}");
        }
    }

    #[test]
    fn names_are_those_of_node_exporter() {
        let mut page = Page::default();
        for key in ["Active(anon)", "HugePages_Free", "Hugepagesize", "Unaccepted"] {
            write(key, 1.0, &mut page);
        }
        let names: Vec<_> = (0..page.len()).map(|index| String::from_utf8_lossy(page.name(index))).collect();
        assert_eq!(names, ["node_memory_Active_anon_bytes", "node_memory_HugePages_Free", "node_memory_Hugepagesize_bytes"]);
        assert_eq!(page.help(0), b"Memory information field Active_anon_bytes.");
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s).*") {
            parse(&text).for_each(|field| drop(field.map(|(key, value)| write(key, value, &mut Page::default()))));
        }
    }
}
