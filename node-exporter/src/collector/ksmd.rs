//! Merging of equal pages of memory: `kernel/mm/ksm` in sysfs, one number a file.

use super::{Collector, Error, Made, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// File, family, help, kind and divisor.
const FILES: [(&str, &str, &str, Kind, f64); 9] = [
    ("full_scans", "node_ksmd_full_scans_total", "How many times all mergeable areas have been scanned.", Kind::Counter, 1.0),
    (
        "merge_across_nodes",
        "node_ksmd_merge_across_nodes",
        "Specifies if pages from different NUMA nodes can be merged.",
        Kind::Gauge,
        1.0,
    ),
    ("pages_shared", "node_ksmd_pages_shared", "How many shared pages are being used.", Kind::Gauge, 1.0),
    ("pages_sharing", "node_ksmd_pages_sharing", "How many more sites are sharing them i.e. how much saved.", Kind::Gauge, 1.0),
    ("pages_to_scan", "node_ksmd_pages_to_scan", "How many pages to scan before ksmd goes to sleep.", Kind::Gauge, 1.0),
    ("pages_unshared", "node_ksmd_pages_unshared", "How many pages unique but repeatedly checked for merging.", Kind::Gauge, 1.0),
    ("pages_volatile", "node_ksmd_pages_volatile", "How many pages changing too fast to be placed in a tree.", Kind::Gauge, 1.0),
    ("run", "node_ksmd_run", "The status of ksmd. stopped = 0, running = 1", Kind::Gauge, 1.0),
    ("sleep_millisecs", "node_ksmd_sleep_seconds", "How many seconds ksmd should sleep before next scan.", Kind::Gauge, 1000.0),
];
// Since Linux 6.1; it may be below 0.
const PROFIT: (&str, &str, &str) = (
    "general_profit",
    "node_ksmd_general_profit_bytes",
    "How effective is KSM. ksm_saved_pages * sizeof(page) - (all_rmap_items) * sizeof(rmap_item)",
);

struct Ksmd {
    files: [Source; FILES.len()],
    profit: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    let file = |file: &str| host.sys(&format!("kernel/mm/ksm/{file}"));
    Ok(Box::new(Ksmd { files: FILES.map(|(name, ..)| file(name)), profit: file(PROFIT.0) }))
}

impl Collector for Ksmd {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        for ((_, name, help, kind, divisor), file) in FILES.into_iter().zip(&mut self.files) {
            let (text, path) = file.text()?;
            let value: u64 = number(Some(text.trim()), 1).map_err(|malformed| malformed.of(path))?;
            page.single(name, help, kind, value as f64 / divisor);
        }
        if let Some(bytes) = self.profit.value::<i64>() {
            page.single(PROFIT.1, PROFIT.2, Kind::Gauge, bytes as f64);
        }
        Ok(())
    }
}
