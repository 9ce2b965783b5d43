//! Caches in front of block devices: `fs/bcache/<uuid>` in sysfs, with a directory for each backing device (`bdev0`) and each
//! cache (`cache0`). Sizes are written for people, such as `20.4G`; see `size`.

mod size;

use std::collections::HashMap;

use self::size::{parse, parse_rate};
use super::{Collector, Error, Made};
use crate::flag::{Flag, Flags};
use crate::host::{Device, Devices, Host, Source};
use crate::metric::{Kind, Page};

static PRIORITY: Flag = Flag::switch("collector.bcache.priorityStats", false, "Expose expensive priority stats.");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&PRIORITY];

/// Files of a cache set: name after `node_bcache_`, help, kind and factor.
const SET: [(&str, &str, &str, Kind, f64); 10] = [
    (
        "average_key_size",
        "node_bcache_average_key_size_sectors",
        "Average data per key in the btree (sectors).",
        Kind::Gauge,
        1.0,
    ),
    (
        "btree_cache_size",
        "node_bcache_btree_cache_size_bytes",
        "Amount of memory currently used by the btree cache.",
        Kind::Gauge,
        1.0,
    ),
    (
        "cache_available_percent",
        "node_bcache_cache_available_percent",
        "Percentage of cache device without dirty data, usable for writeback (may contain clean cached data).",
        Kind::Gauge,
        1.0,
    ),
    ("congested", "node_bcache_congested", "Congestion.", Kind::Gauge, 1.0),
    (
        "root_usage_percent",
        "node_bcache_root_usage_percent",
        "Percentage of the root btree node in use (tree depth increases if too high).",
        Kind::Gauge,
        1.0,
    ),
    ("tree_depth", "node_bcache_tree_depth", "Depth of the btree.", Kind::Gauge, 1.0),
    (
        "internal/active_journal_entries",
        "node_bcache_active_journal_entries",
        "Number of journal entries that are newer than the index.",
        Kind::Gauge,
        1.0,
    ),
    ("internal/btree_nodes", "node_bcache_btree_nodes", "Total nodes in the btree.", Kind::Gauge, 1.0),
    (
        "internal/btree_read_average_duration_us",
        "node_bcache_btree_read_average_duration_seconds",
        "Average btree read duration.",
        Kind::Gauge,
        // Upstream takes the microseconds of the file for nanoseconds.
        1e-9,
    ),
    (
        "internal/cache_read_races",
        "node_bcache_cache_read_races_total",
        "Counts instances where while data was being read from the cache, the bucket was reused and invalidated - i.e. where the pointer was stale after the read completed.",
        Kind::Counter,
        1.0,
    ),
];
/// Files of a backing device: name, help and kind.
const BACKING: [(&str, &str, &str, Kind); 8] = [
    ("dirty_data", "node_bcache_dirty_data_bytes", "Amount of dirty data for this backing device in the cache.", Kind::Gauge),
    (
        "stats_total/bypassed",
        "node_bcache_bypassed_bytes_total",
        "Amount of IO (both reads and writes) that has bypassed the cache.",
        Kind::Counter,
    ),
    (
        "stats_total/cache_hits",
        "node_bcache_cache_hits_total",
        "Hits counted per individual IO as bcache sees them.",
        Kind::Counter,
    ),
    (
        "stats_total/cache_misses",
        "node_bcache_cache_misses_total",
        "Misses counted per individual IO as bcache sees them.",
        Kind::Counter,
    ),
    (
        "stats_total/cache_bypass_hits",
        "node_bcache_cache_bypass_hits_total",
        "Hits for IO intended to skip the cache.",
        Kind::Counter,
    ),
    (
        "stats_total/cache_bypass_misses",
        "node_bcache_cache_bypass_misses_total",
        "Misses for IO intended to skip the cache.",
        Kind::Counter,
    ),
    (
        "stats_total/cache_miss_collisions",
        "node_bcache_cache_miss_collisions_total",
        "Instances where data insertion from cache miss raced with write (data already present).",
        Kind::Counter,
    ),
    // Newer kernels have it no more, and upstream shows it only if it is not 0.
    ("stats_total/cache_readaheads", "node_bcache_cache_readaheads_total", "Count of times readahead occurred.", Kind::Counter),
];
const READ_AHEADS: usize = 7;
/// Lines of `writeback_rate_debug`: name and help.
const WRITEBACK: [(&str, &str, &str); 5] = [
    ("target:", "node_bcache_dirty_target_bytes", "Current dirty data target threshold for this backing device in bytes."),
    ("rate:", "node_bcache_writeback_rate", "Current writeback rate for this backing device in bytes."),
    (
        "proportional:",
        "node_bcache_writeback_rate_proportional_term",
        "Current result of proportional controller, part of writeback rate",
    ),
    ("integral:", "node_bcache_writeback_rate_integral_term", "Current result of integral controller, part of writeback rate"),
    ("change:", "node_bcache_writeback_change", "Last writeback rate change step for this backing device."),
];
/// Files of a cache: name, help and kind.
const CACHE: [(&str, &str, &str, Kind); 3] = [
    ("io_errors", "node_bcache_io_errors", "Number of errors that have occurred, decayed by io_error_halflife.", Kind::Gauge),
    (
        "metadata_written",
        "node_bcache_metadata_written_bytes_total",
        "Sum of all non data writes (btree writes and all other metadata).",
        Kind::Counter,
    ),
    ("written", "node_bcache_written_bytes_total", "Sum of all data that has been written to the cache.", Kind::Counter),
];
/// Lines of `priority_stats`: name and help.
const PRIORITIES: [(&str, &str, &str); 2] = [
    ("Unused:", "node_bcache_priority_stats_unused_percent", "The percentage of the cache that doesn't contain any data."),
    ("Metadata:", "node_bcache_priority_stats_metadata_percent", "Bcache's metadata overhead."),
];

const SET_FILES: [&str; SET.len()] = {
    let mut files = [""; SET.len()];
    let mut at = 0;
    while at < files.len() {
        files[at] = SET[at].0;
        at += 1;
    }
    files
};
// Every part has all files of both kinds; which it is, its name says.
const BACKING_FILES: [&str; 9] = [
    BACKING[0].0,
    BACKING[1].0,
    BACKING[2].0,
    BACKING[3].0,
    BACKING[4].0,
    BACKING[5].0,
    BACKING[6].0,
    BACKING[7].0,
    "writeback_rate_debug",
];
const CACHE_FILES: [&str; 4] = [CACHE[0].0, CACHE[1].0, CACHE[2].0, "priority_stats"];

struct Bcache {
    sets: Devices,
    // By set: backing devices and caches.
    parts: HashMap<String, [Devices; 2]>,
    priority: bool,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let sets = Devices::new(host, "fs/bcache", &SET_FILES);
    Ok(Box::new(Bcache { sets, parts: HashMap::new(), priority: flags.on(&PRIORITY) }))
}

impl Collector for Bcache {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { sets, parts, priority } = self;
        // Beside the sets stand files such as `register`.
        sets.refresh(host, |name| name.contains('-'))?;
        parts.retain(|name, _| sets.shown().any(|set| set.name == *name));
        for Device { name: uuid, files, .. } in sets.shown() {
            for ((_, name, help, kind, factor), file) in SET.into_iter().zip(files.iter_mut()) {
                let family = page.family(name, help, kind);
                page.sample(family, &[("uuid", uuid)], size_in(file)? * factor);
            }
            let directory = format!("fs/bcache/{uuid}");
            let [backing, caches] = parts.entry(uuid.clone()).or_insert_with(|| {
                [Devices::new(host, &directory, &BACKING_FILES), Devices::new(host, &directory, &CACHE_FILES)]
            });
            backing.refresh(host, |name| numbered(name, "bdev"))?;
            for device in backing.shown() {
                write_backing(device, uuid, page)?;
            }
            caches.refresh(host, |name| numbered(name, "cache"))?;
            for device in caches.shown() {
                write_cache(device, uuid, *priority, page)?;
            }
        }
        Ok(())
    }
}

fn write_backing(device: &mut Device, uuid: &str, page: &mut Page) -> Result<(), Error> {
    let Device { name: device, files, .. } = device;
    let labels = [("backing_device", device.as_str()), ("uuid", uuid)];
    for (at, ((_, name, help, kind), file)) in BACKING.into_iter().zip(files.iter_mut()).enumerate() {
        let value = size_in(file)?;
        if at != READ_AHEADS || value != 0.0 {
            let family = page.family(name, help, kind);
            page.sample(family, &labels, value);
        }
    }
    let (text, path) = files[BACKING.len()].text()?;
    for (key, name, help) in WRITEBACK {
        let value = parse_rate(text, key).map_err(|malformed| malformed.of(path))?;
        let family = page.family(name, help, Kind::Gauge);
        page.sample(family, &labels, value.unwrap_or_default());
    }
    Ok(())
}

fn write_cache(device: &mut Device, uuid: &str, priority: bool, page: &mut Page) -> Result<(), Error> {
    let Device { name: device, files, .. } = device;
    let labels = [("cache_device", device.as_str()), ("uuid", uuid)];
    for ((_, name, help, kind), file) in CACHE.into_iter().zip(files.iter_mut()) {
        let family = page.family(name, help, kind);
        page.sample(family, &labels, size_in(file)?);
    }
    if priority {
        let (text, path) = files[CACHE.len()].text()?;
        for (key, name, help) in PRIORITIES {
            let value = parse_rate(text, key).map_err(|malformed| malformed.of(path))?;
            let family = page.family(name, help, Kind::Gauge);
            page.sample(family, &labels, value.unwrap_or_default());
        }
    }
    Ok(())
}

// A file that this kernel does not have counts as 0, as in upstream.
fn size_in(file: &mut Source) -> Result<f64, Error> {
    let Some((text, path)) = file.text_if_present()? else { return Ok(0.0) };
    parse(text.trim(), 1).map_err(|malformed| malformed.of(path))
}

fn numbered(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}
