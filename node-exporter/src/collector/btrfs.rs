//! Btrfs file systems: `fs/btrfs/<uuid>` in sysfs, with how space is allotted to data, metadata and system by layout. What
//! only root may ask the file system itself for (errors by device) is not shown.

use std::collections::HashMap;

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host, Source};
use crate::metric::{Kind, Page};

const FILES: [&str; 7] = [
    "label",
    "metadata_uuid",
    "allocation/global_rsv_size",
    "commit_stats",
    "allocation/data/bytes_reserved",
    "allocation/metadata/bytes_reserved",
    "allocation/system/bytes_reserved",
];
const GROUPS: [&str; 3] = ["data", "metadata", "system"];
/// The kernel counts in sectors of 512 bytes, whatever the device's own are.
const SECTOR: f64 = 512.0;
/// From milliseconds.
const MILLI: f64 = 1000.0;
/// Lines of `commit_stats`, family, help, kind and divisor.
const COMMITS: [(&str, &str, &str, Kind, f64); 4] = [
    ("commits", "node_btrfs_commits_total", "The total number of commits that have occurred.", Kind::Counter, 1.0),
    ("last_commit_ms", "node_btrfs_last_commit_seconds", "Duration of the most recent commit, in seconds.", Kind::Gauge, MILLI),
    ("max_commit_ms", "node_btrfs_max_commit_seconds", "Duration of the slowest commit, in seconds.", Kind::Gauge, MILLI),
    (
        "total_commit_ms",
        "node_btrfs_commit_seconds_total",
        "Sum of the duration of all commits, in seconds.",
        Kind::Counter,
        MILLI,
    ),
];

struct Btrfs {
    systems: Devices,
    // By directory of the file system.
    parts: HashMap<String, Parts>,
}

struct Parts {
    devices: Devices,
    layouts: [Devices; GROUPS.len()],
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Btrfs { systems: Devices::new(host, "fs/btrfs", &FILES), parts: HashMap::new() }))
}

impl Collector for Btrfs {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { systems, parts } = self;
        // Beside the file systems stands `features`.
        systems.refresh(host, |name| name.contains('-'))?;
        parts.retain(|name, _| systems.shown().any(|system| system.name == *name));
        for Device { name, files, .. } in systems.shown() {
            let [label, uuid, reserve, commits, reserved @ ..] = &mut files[..] else { continue };
            let uuid = uuid.word().filter(|uuid| !uuid.is_empty()).unwrap_or(name);
            let info = page.family("node_btrfs_info", "Filesystem information", Kind::Gauge);
            page.sample(info, &[("label", label.word().unwrap_or_default()), ("uuid", uuid)], 1.0);
            let size = page.family("node_btrfs_global_rsv_size_bytes", "Size of global reserve.", Kind::Gauge);
            page.sample(size, &[("uuid", uuid)], count_in(reserve));
            write_commits(uuid, commits, page)?;
            let bytes = page.family("node_btrfs_reserved_bytes", "Amount of space reserved for a data type", Kind::Gauge);
            for (group, file) in GROUPS.into_iter().zip(reserved) {
                page.sample(bytes, &[("block_group_type", group), ("uuid", uuid)], count_in(file));
            }
            parts.entry(name.clone()).or_insert_with(|| Parts::new(host, name)).write(host, uuid, page)?;
        }
        Ok(())
    }
}

impl Parts {
    fn new(host: &Host, name: &str) -> Self {
        let below = |place: &str, files: &'static [&'static str]| Devices::new(host, &format!("fs/btrfs/{name}/{place}"), files);
        Self {
            devices: below("devices", &["size"]),
            layouts: GROUPS.map(|group| below(&format!("allocation/{group}"), &["used_bytes", "total_bytes"])),
        }
    }

    fn write(&mut self, host: &Host, uuid: &str, page: &mut Page) -> Result<(), Error> {
        self.devices.refresh(host, |_| true)?;
        let help = "Size of a device that is part of the filesystem.";
        let size = page.family("node_btrfs_device_size_bytes", help, Kind::Gauge);
        let mut devices = 0;
        for Device { name, files, .. } in self.devices.shown() {
            page.sample(size, &[("device", name), ("uuid", uuid)], count_in(&mut files[0]) * SECTOR);
            devices += 1;
        }
        let gauge = |page: &mut Page, name, help| page.family(name, help, Kind::Gauge);
        let used = gauge(page, "node_btrfs_used_bytes", "Amount of used space by a layout/data type");
        let all = gauge(page, "node_btrfs_size_bytes", "Amount of space allocated for a layout/data type");
        let ratio = gauge(page, "node_btrfs_allocation_ratio", "Data allocation ratio for a layout/data type");
        for (group, layouts) in GROUPS.into_iter().zip(&mut self.layouts) {
            layouts.refresh(host, is_layout)?;
            for Device { name: layout, files, .. } in layouts.shown() {
                let labels = [("block_group_type", group), ("mode", layout.as_str()), ("uuid", uuid)];
                page.sample(used, &labels, count_in(&mut files[0]));
                page.sample(all, &labels, count_in(&mut files[1]));
                page.sample(ratio, &labels, copies(layout, devices));
            }
        }
        Ok(())
    }
}

fn write_commits(uuid: &str, file: &mut Source, page: &mut Page) -> Result<(), Error> {
    // Kernels before 6.0 count no commits: upstream then says 0.
    let counts = match file.text_if_present()? {
        Some((text, path)) => parse(text).map_err(|malformed| malformed.of(path))?,
        None => [0; COMMITS.len()],
    };
    for ((_, name, help, kind, divisor), count) in COMMITS.into_iter().zip(counts) {
        let family = page.family(name, help, kind);
        page.sample(family, &[("uuid", uuid)], count as f64 / divisor);
    }
    Ok(())
}

// Lines such as `commits 258051`, in the order of the table.
fn parse(text: &str) -> Result<[u64; COMMITS.len()], Malformed> {
    let mut counts = [0; COMMITS.len()];
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_ascii_whitespace();
        let Some(at) = fields.next().and_then(|key| COMMITS.iter().position(|commit| commit.0 == key)) else { continue };
        counts[at] = number(fields.next(), index + 1)?;
    }
    Ok(counts)
}

fn count_in(file: &mut Source) -> f64 {
    file.value::<u64>().unwrap_or_default() as f64
}

fn is_layout(name: &str) -> bool {
    name == "single" || name == "dup" || name.starts_with("raid")
}

// How many bytes on disk a byte of data takes.
fn copies(layout: &str, devices: u32) -> f64 {
    let spread = |parity: f64| f64::from(devices) / (f64::from(devices) - parity);
    match layout {
        "single" | "raid0" => 1.0,
        "dup" | "raid1" | "raid10" => 2.0,
        "raid1c3" => 3.0,
        "raid1c4" => 4.0,
        "raid5" => spread(1.0),
        "raid6" => spread(2.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn layouts_take_their_copies() {
        for (layout, devices, expected) in [("single", 1, 1.0), ("raid1", 2, 2.0), ("raid5", 4, 4.0 / 3.0), ("raid6", 4, 2.0)] {
            assert_eq!(copies(layout, devices), expected, "{layout}");
        }
    }

    #[test]
    fn commits_are_counted() {
        assert_eq!(parse("commits 12\nlast_commit_ms 5\nother 1\n\ntotal_commit_ms 99\n"), Ok([12, 5, 0, 99]));
        assert_eq!(parse("\ncommits x\n").unwrap_err().line, 2);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)((commits|max_commit_ms) [0-9]{0,30}\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
