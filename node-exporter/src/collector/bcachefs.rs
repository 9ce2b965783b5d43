//! Bcachefs file systems: `fs/bcachefs/<uuid>` in sysfs, with small tables, one file for each event counter, and a directory
//! for each device (`dev-0`). Sizes are written for people, such as `1.5G`; see `table`.

mod table;

use std::collections::HashMap;

use self::table::{parse_counter, parse_errors, parse_io_done, parse_io_errors, parse_size, parse_sizes};
use super::{Collector, Error, Made, Malformed, clean, number};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host, Source};
use crate::metric::{Kind, Page};

const FILES: [&str; 4] = ["btree_cache_size", "compression_stats", "errors", "btree_write_stats"];
const DEVICE_FILES: [&str; 7] = ["label", "state", "bucket_size", "nbuckets", "durability", "io_done", "io_errors"];
const NONE: Error = Error::NoData("no bcachefs is mounted");

struct Bcachefs {
    systems: Devices,
    // By file system: counters and devices.
    parts: HashMap<String, [Devices; 2]>,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Bcachefs { systems: Devices::new(host, "fs/bcachefs", &FILES), parts: HashMap::new() }))
}

impl Collector for Bcachefs {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { systems, parts } = self;
        let directory = host.roots().sysfs.join("fs/bcachefs");
        if !systems.refresh(host, |name| directory.join(name).is_dir())? || systems.shown().next().is_none() {
            return Err(NONE);
        }
        parts.retain(|name, _| systems.shown().any(|system| system.name == *name));
        for Device { name: uuid, files, .. } in systems.shown() {
            write_system(uuid, files, page)?;
            let [counters, devices] = parts.entry(uuid.clone()).or_insert_with(|| {
                let below = directory.join(uuid.as_str());
                [Devices::at(below.join("counters"), &[""]), Devices::at(below, &DEVICE_FILES)]
            });
            counters.refresh(host, |_| true)?;
            for Device { name, files, .. } in counters.shown() {
                let Some((text, path)) = files[0].text_if_present()? else { continue };
                let count = parse_counter(text).map_err(|malformed| malformed.of(path))?;
                let help = ["Bcachefs counter ", name, " since filesystem creation."];
                let family = page.family_of(&["node_bcachefs_", &clean(name), "_total"], &help, Kind::Counter);
                page.sample(family, &[("uuid", uuid)], count);
            }
            devices.refresh(host, |name| name.starts_with("dev-"))?;
            for Device { name, files, .. } in devices.shown() {
                write_device(uuid, &name["dev-".len()..], files, page)?;
            }
        }
        Ok(())
    }
}

fn write_system(uuid: &str, files: &mut [Source], page: &mut Page) -> Result<(), Error> {
    let [cache, compression, errors, writes] = files else { return Ok(()) };
    let gauge = |page: &mut Page, name, help| page.family(name, help, Kind::Gauge);
    let info = gauge(page, "node_bcachefs_info", "Filesystem information.");
    page.sample(info, &[("uuid", uuid)], 1.0);
    let size = gauge(page, "node_bcachefs_btree_cache_size_bytes", "Btree cache memory usage in bytes.");
    page.sample(size, &[("uuid", uuid)], size_in(cache)?);
    if let Some((text, path)) = compression.text_if_present()? {
        let compressed = gauge(page, "node_bcachefs_compression_compressed_bytes", "Compressed size by algorithm.");
        let plain = gauge(page, "node_bcachefs_compression_uncompressed_bytes", "Uncompressed size by algorithm.");
        for row in parse_sizes(text) {
            let (algorithm, [first, second]) = row.map_err(|malformed| malformed.of(path))?;
            let labels = [("algorithm", algorithm), ("uuid", uuid)];
            page.sample(compressed, &labels, first);
            page.sample(plain, &labels, second);
        }
    }
    if let Some((text, path)) = errors.text_if_present()? {
        let family = page.family("node_bcachefs_errors_total", "Error count by error type.", Kind::Counter);
        for row in parse_errors(text) {
            let (error, count) = row.map_err(|malformed| malformed.of(path))?;
            page.sample(family, &[("error_type", error), ("uuid", uuid)], count as f64);
        }
    }
    if let Some((text, path)) = writes.text_if_present()? {
        let total = page.family("node_bcachefs_btree_writes_total", "Number of btree writes by type.", Kind::Counter);
        let help = "Average btree write size by type.";
        let average = gauge(page, "node_bcachefs_btree_write_average_size_bytes", help);
        for row in parse_sizes(text) {
            let (kind, [count, size]) = row.map_err(|malformed| malformed.of(path))?;
            let labels = [("type", kind), ("uuid", uuid)];
            page.sample(total, &labels, count);
            page.sample(average, &labels, size);
        }
    }
    Ok(())
}

fn write_device(uuid: &str, device: &str, files: &mut [Source], page: &mut Page) -> Result<(), Error> {
    let [label, state, bucket_size, buckets, durability, done, errors] = files else { return Ok(()) };
    let gauge = |page: &mut Page, name, help| page.family(name, help, Kind::Gauge);
    let labels = [("device", device), ("uuid", uuid)];
    let info = gauge(page, "node_bcachefs_device_info", "Device information.");
    let words = [("label", label.word().unwrap_or_default()), ("state", state.word().unwrap_or_default())];
    page.sample(info, &[labels[0], words[0], words[1], labels[1]], 1.0);
    let family = gauge(page, "node_bcachefs_device_bucket_size_bytes", "Bucket size in bytes.");
    page.sample(family, &labels, size_in(bucket_size)?);
    let family = gauge(page, "node_bcachefs_device_buckets", "Total number of buckets.");
    page.sample(family, &labels, count_in(buckets)?);
    let family = gauge(page, "node_bcachefs_device_durability", "Device durability setting.");
    page.sample(family, &labels, count_in(durability)?);
    if let Some((text, path)) = done.text_if_present()? {
        let help = "IO bytes by operation type and data type.";
        let family = page.family("node_bcachefs_device_io_done_bytes_total", help, Kind::Counter);
        for row in parse_io_done(text) {
            let (operation, data, bytes) = row.map_err(|malformed| malformed.of(path))?;
            let labels = [("data_type", data), labels[0], ("operation", operation), labels[1]];
            page.sample(family, &labels, bytes as f64);
        }
    }
    if let Some((text, path)) = errors.text_if_present()? {
        let family = page.family("node_bcachefs_device_io_errors_total", "IO errors by error type.", Kind::Counter);
        for row in parse_io_errors(text) {
            let (error, count) = row.map_err(|malformed| malformed.of(path))?;
            page.sample(family, &[labels[0], ("type", error), labels[1]], count as f64);
        }
    }
    Ok(())
}

// A file that this kernel does not have counts as 0, as in upstream.
fn size_in(file: &mut Source) -> Result<f64, Error> {
    let Some((text, path)) = file.text_if_present()? else { return Ok(0.0) };
    if text.trim().is_empty() { Ok(0.0) } else { parse_size(text.trim(), 1).map_err(|malformed| malformed.of(path)) }
}

fn count_in(file: &mut Source) -> Result<f64, Error> {
    let Some((text, path)) = file.text_if_present()? else { return Ok(0.0) };
    let count: u64 = number(Some(text.trim()), 1).map_err(|malformed: Malformed| malformed.of(path))?;
    Ok(count as f64)
}
