//! Zones of memory: `/proc/zoneinfo`, a block for each zone of each node that starts with `Node 0, zone      DMA`, and lines
//! such as `nr_free_pages 2949`. The statistics of a node stand in the block of its first zone.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Key, family, help and kind.
const NUMBERS: [(&str, &str, &str, Kind); 34] = [
    ("nr_free_pages", "node_zoneinfo_nr_free_pages", "Total number of free pages in the zone", Kind::Gauge),
    ("min", "node_zoneinfo_min_pages", "Zone watermark pages_min", Kind::Gauge),
    ("low", "node_zoneinfo_low_pages", "Zone watermark pages_low", Kind::Gauge),
    ("high", "node_zoneinfo_high_pages", "Zone watermark pages_high", Kind::Gauge),
    ("scanned", "node_zoneinfo_scanned_pages", "Pages scanned since last reclaim", Kind::Gauge),
    ("spanned", "node_zoneinfo_spanned_pages", "Total pages spanned by the zone, including holes", Kind::Gauge),
    ("present", "node_zoneinfo_present_pages", "Physical pages existing within the zone", Kind::Gauge),
    ("managed", "node_zoneinfo_managed_pages", "Present pages managed by the buddy system", Kind::Gauge),
    ("nr_active_anon", "node_zoneinfo_nr_active_anon_pages", "Number of anonymous pages recently more used", Kind::Gauge),
    ("nr_inactive_anon", "node_zoneinfo_nr_inactive_anon_pages", "Number of anonymous pages recently less used", Kind::Gauge),
    ("nr_isolated_anon", "node_zoneinfo_nr_isolated_anon_pages", "Temporary isolated pages from anon lru", Kind::Gauge),
    ("nr_anon_pages", "node_zoneinfo_nr_anon_pages", "Number of anonymous pages currently used by the system", Kind::Gauge),
    (
        "nr_anon_transparent_hugepages",
        "node_zoneinfo_nr_anon_transparent_hugepages",
        "Number of anonymous transparent huge pages currently used by the system",
        Kind::Gauge,
    ),
    ("nr_active_file", "node_zoneinfo_nr_active_file_pages", "Number of active pages with file-backing", Kind::Gauge),
    ("nr_inactive_file", "node_zoneinfo_nr_inactive_file_pages", "Number of inactive pages with file-backing", Kind::Gauge),
    ("nr_isolated_file", "node_zoneinfo_nr_isolated_file_pages", "Temporary isolated pages from file lru", Kind::Gauge),
    ("nr_file_pages", "node_zoneinfo_nr_file_pages", "Number of file pages", Kind::Gauge),
    ("nr_slab_reclaimable", "node_zoneinfo_nr_slab_reclaimable_pages", "Number of reclaimable slab pages", Kind::Gauge),
    ("nr_slab_unreclaimable", "node_zoneinfo_nr_slab_unreclaimable_pages", "Number of unreclaimable slab pages", Kind::Gauge),
    ("nr_mlock_stack", "node_zoneinfo_nr_mlock_stack_pages", "mlock()ed pages found and moved off LRU", Kind::Gauge),
    ("nr_kernel_stack", "node_zoneinfo_nr_kernel_stacks", "Number of kernel stacks", Kind::Gauge),
    ("nr_mapped", "node_zoneinfo_nr_mapped_pages", "Number of mapped pages", Kind::Gauge),
    ("nr_dirty", "node_zoneinfo_nr_dirty_pages", "Number of dirty pages", Kind::Gauge),
    ("nr_writeback", "node_zoneinfo_nr_writeback_pages", "Number of writeback pages", Kind::Gauge),
    ("nr_unevictable", "node_zoneinfo_nr_unevictable_pages", "Number of unevictable pages", Kind::Gauge),
    ("nr_shmem", "node_zoneinfo_nr_shmem_pages", "Number of shmem pages (included tmpfs/GEM pages)", Kind::Gauge),
    ("nr_dirtied", "node_zoneinfo_nr_dirtied_total", "Page dirtyings since bootup", Kind::Counter),
    ("nr_written", "node_zoneinfo_nr_written_total", "Page writings since bootup", Kind::Counter),
    ("numa_hit", "node_zoneinfo_numa_hit_total", "Allocated in intended node", Kind::Counter),
    ("numa_miss", "node_zoneinfo_numa_miss_total", "Allocated in non intended node", Kind::Counter),
    ("numa_foreign", "node_zoneinfo_numa_foreign_total", "Was intended here, hit elsewhere", Kind::Counter),
    ("numa_interleave", "node_zoneinfo_numa_interleave_total", "Interleaver preferred this zone", Kind::Counter),
    ("numa_local", "node_zoneinfo_numa_local_total", "Allocation from local node", Kind::Counter),
    ("numa_other", "node_zoneinfo_numa_other_total", "Allocation from other node", Kind::Counter),
];
/// Zones that protect a zone: the kernel has five at most.
const MAX_PROTECTION: usize = 16;

struct ZoneInfo {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(ZoneInfo { file: host.proc("zoneinfo") }))
}

impl Collector for ZoneInfo {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let zones = parse(text).map_err(|malformed| malformed.of(path))?;
        for Zone { node, name, numbers, protection } in &zones {
            let labels = [("node", *node), ("zone", *name)];
            for ((_, family, help, kind), value) in NUMBERS.into_iter().zip(numbers) {
                if let Some(value) = value {
                    let family = page.family(family, help, kind);
                    page.sample(family, &labels, *value as f64);
                }
            }
            for (place, value) in protection.iter().enumerate() {
                let place = place.to_string();
                let help = ["Protection array ", &place, ". field"];
                let family = page.family_of(&["node_zoneinfo_protection_", &place], &help, Kind::Gauge);
                page.sample(family, &labels, *value as f64);
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Zone<'text> {
    node: &'text str,
    name: &'text str,
    numbers: [Option<i64>; NUMBERS.len()],
    protection: Vec<i64>,
}

fn parse(text: &str) -> Result<Vec<Zone<'_>>, Malformed> {
    let mut zones: Vec<Zone<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some((node, name)) = line.strip_prefix("Node ").and_then(|rest| rest.split_once(", zone")) {
            zones.push(Zone { node, name: name.trim(), numbers: [None; NUMBERS.len()], protection: Vec::new() });
            continue;
        }
        // Lines before the first zone mean nothing.
        let (Some(zone), Some((key, value))) = (zones.last_mut(), line.trim().split_once(char::is_whitespace)) else { continue };
        if key == "protection:" {
            let list = value.trim().trim_start_matches('(').trim_end_matches(')').split(", ").take(MAX_PROTECTION);
            zone.protection = list.map(|field| number(Some(field), index + 1)).collect::<Result<_, _>>()?;
        } else if let Some(at) = NUMBERS.iter().position(|known| known.0 == key) {
            zone.numbers[at] = Some(number(value.split_ascii_whitespace().next(), index + 1)?);
        }
    }
    if zones.is_empty() { Err(Malformed::new(1, "there is no zone")) } else { Ok(zones) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zones_have_their_own_numbers() {
        let text = "Node 0, zone      DMA\n  per-node stats\n      nr_dirty 7\n  pages free     9\n        min      8\n        protection: (0, 20, 3)\nNode 1, zone   Normal\n  nr_unknown 1\n";
        let zones = parse(text).unwrap();
        let find = |zone: usize, key: &str| zones[zone].numbers[NUMBERS.iter().position(|known| known.0 == key).unwrap()];
        assert_eq!((zones[0].node, zones[0].name, zones[1].node, zones[1].name), ("0", "DMA", "1", "Normal"));
        assert_eq!(
            (find(0, "nr_dirty"), find(0, "min"), find(1, "min"), &zones[0].protection),
            (Some(7), Some(8), None, &vec![0, 20, 3])
        );
        assert_eq!(parse("Node 0, zone DMA\n min x\n").unwrap_err().line, 2);
        assert!(parse("min 1\n").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)Node 0, zone DMA\n( +(min|nr_dirty|protection:) +[(]?[0-9, ]*\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
