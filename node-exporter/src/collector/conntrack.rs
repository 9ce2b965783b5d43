//! Connection tracking of netfilter: entries and their limit from `/proc/sys/net/netfilter`, and events of all CPUs summed
//! from `/proc/net/stat/nf_conntrack`, a heading and one line of 16 or 17 hexadecimal numbers per CPU.

use super::{Collector, Error, Made, Malformed};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

const NOT_LOADED: Error = Error::NoData("connection tracking is not loaded");

/// Family, help and file.
const GAUGES: [(&str, &str, &str); 2] = [
    (
        "node_nf_conntrack_entries",
        "Number of currently allocated flow entries for connection tracking.",
        "sys/net/netfilter/nf_conntrack_count",
    ),
    ("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.", "sys/net/netfilter/nf_conntrack_max"),
];
/// Family, help and column. Upstream shows them as gauges, though they only rise.
const EVENTS: [(&str, &str, usize); 8] = [
    ("node_nf_conntrack_stat_found", "Number of searched entries which were successful.", 2),
    ("node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked.", 4),
    ("node_nf_conntrack_stat_ignore", "Number of packets seen which are already connected to a conntrack entry.", 5),
    ("node_nf_conntrack_stat_insert", "Number of entries inserted into the list.", 8),
    ("node_nf_conntrack_stat_insert_failed", "Number of entries for which list insertion was attempted but failed.", 9),
    ("node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure.", 10),
    (
        "node_nf_conntrack_stat_early_drop",
        "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
        11,
    ),
    (
        "node_nf_conntrack_stat_search_restart",
        "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
        16,
    ),
];
/// Columns of every kernel; the last one came with Linux 2.6.35.
const LEAST: usize = 16;
const COLUMNS: usize = 17;

struct ConnTrack {
    gauges: [Source; 2],
    events: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(ConnTrack { gauges: GAUGES.map(|(.., file)| host.proc(file)), events: host.proc("net/stat/nf_conntrack") }))
}

impl Collector for ConnTrack {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        for ((name, help, _), file) in GAUGES.into_iter().zip(&mut self.gauges) {
            let (text, path) = file.text_if_present()?.ok_or(NOT_LOADED)?;
            let value: u64 = super::number(Some(text.trim()), 1).map_err(|malformed| malformed.of(path))?;
            page.single(name, help, Kind::Gauge, value as f64);
        }
        let (text, path) = self.events.text_if_present()?.ok_or(NOT_LOADED)?;
        let sums = parse(text).map_err(|malformed| malformed.of(path))?;
        for (name, help, column) in EVENTS {
            page.single(name, help, Kind::Gauge, sums[column] as f64);
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<[u64; COLUMNS], Malformed> {
    let mut sums = [0_u64; COLUMNS];
    for (index, line) in text.lines().enumerate().skip(1) {
        let mut given = 0;
        for field in line.split_ascii_whitespace() {
            let value = u64::from_str_radix(field, 16)
                .map_err(|_| Malformed::new(index + 1, format!("{field:?} is no hexadecimal number in range")))?;
            if let Some(sum) = sums.get_mut(given) {
                *sum = sum.wrapping_add(value);
            }
            given += 1;
        }
        if !(LEAST..=COLUMNS).contains(&given) {
            return Err(Malformed::new(index + 1, format!("{given} fields where there should be 16 or 17")));
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cpus_are_summed() {
        let line = |numbers: std::ops::Range<u64>| numbers.map(|number| format!("{number:08x}")).collect::<Vec<_>>().join(" ");
        let text = format!("entries searched\n{}\n{}\n", line(0..17), line(10..26));
        let sums = parse(&text).unwrap();
        assert_eq!((sums[0], sums[15], sums[16]), (10, 40, 16));
        assert_eq!(parse(""), Ok([0; COLUMNS]));
        for bad in ["entries\n1 2\n".to_owned(), format!("entries\n{} x\n", line(0..15)), format!("entries\n{}\n", line(0..18))] {
            assert_eq!(parse(&bad).unwrap_err().line, 2, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)entries\n(([0-9a-f]{1,17} ?){15,17}\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
