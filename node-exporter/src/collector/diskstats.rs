//! Block devices: `/proc/diskstats`, lines such as `8 0 sda 25354637 34367663 1003346126 18492372 28444756 ...` (the
//! kernel's iostats.txt names the columns; there are 11, 15 or 17, by its age), whether a device rotates from sysfs, and
//! what udev knows of it.

mod udev;

use std::collections::HashMap;

use self::udev::Udev;
use super::{Collector, Error, Made, Malformed, number};
use crate::filter::{Filter, FilterFlags};
use crate::flag::{Flag, Flags};
use crate::host::{Host, ReadError, Source};
use crate::metric::{FamilyId, Kind, Page};

static EXCLUDE: Flag = Flag::text(
    "collector.diskstats.device-exclude",
    "^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$",
    "Regexp of diskstats devices to exclude (mutually exclusive to device-include).",
);
static INCLUDE: Flag = Flag::text(
    "collector.diskstats.device-include",
    "",
    "Regexp of diskstats devices to include (mutually exclusive to device-exclude).",
);
static OLD_EXCLUDE: Flag = Flag::text("collector.diskstats.ignored-devices", "", "");
static NAMES: FilterFlags = FilterFlags { exclude: &EXCLUDE, include: &INCLUDE, old_exclude: &OLD_EXCLUDE, old_include: None };

/// Its flags.
pub const FLAGS: &[&Flag] = &[&EXCLUDE, &INCLUDE, &OLD_EXCLUDE];

/// The kernel counts in sectors of 512 bytes, whatever the device's own are.
const SECTOR: f64 = 512.0;
/// Seconds in a millisecond.
const MILLI: f64 = 1.0 / 1000.0;
/// Columns that every kernel has.
const LEAST: usize = 11;

/// Family, help, kind and factor of each column.
const COLUMNS: [(&str, &str, Kind, f64); 17] = [
    ("node_disk_reads_completed_total", "The total number of reads completed successfully.", Kind::Counter, 1.0),
    ("node_disk_reads_merged_total", "The total number of reads merged.", Kind::Counter, 1.0),
    ("node_disk_read_bytes_total", "The total number of bytes read successfully.", Kind::Counter, SECTOR),
    ("node_disk_read_time_seconds_total", "The total number of seconds spent by all reads.", Kind::Counter, MILLI),
    ("node_disk_writes_completed_total", "The total number of writes completed successfully.", Kind::Counter, 1.0),
    ("node_disk_writes_merged_total", "The number of writes merged.", Kind::Counter, 1.0),
    ("node_disk_written_bytes_total", "The total number of bytes written successfully.", Kind::Counter, SECTOR),
    ("node_disk_write_time_seconds_total", "This is the total number of seconds spent by all writes.", Kind::Counter, MILLI),
    ("node_disk_io_now", "The number of I/Os currently in progress.", Kind::Gauge, 1.0),
    ("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", Kind::Counter, MILLI),
    ("node_disk_io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", Kind::Counter, MILLI),
    ("node_disk_discards_completed_total", "The total number of discards completed successfully.", Kind::Counter, 1.0),
    ("node_disk_discards_merged_total", "The total number of discards merged.", Kind::Counter, 1.0),
    ("node_disk_discarded_sectors_total", "The total number of sectors discarded successfully.", Kind::Counter, 1.0),
    ("node_disk_discard_time_seconds_total", "This is the total number of seconds spent by all discards.", Kind::Counter, MILLI),
    ("node_disk_flush_requests_total", "The total number of flush requests completed successfully", Kind::Counter, 1.0),
    (
        "node_disk_flush_requests_time_seconds_total",
        "This is the total number of seconds spent by all flush requests.",
        Kind::Counter,
        MILLI,
    ),
];

struct DiskStats {
    file: Source,
    filter: Filter,
    udev: Option<Udev>,
    disks: HashMap<String, Disk>,
    scrapes: u64,
}

// What is kept of a device between scrapes.
struct Disk {
    shown: bool,
    rotational: Source,
    seen: u64,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(DiskStats {
        file: host.proc("diskstats"),
        filter: Filter::new(flags, &NAMES)?,
        udev: Udev::new(host),
        disks: HashMap::new(),
        scrapes: 0,
    }))
}

impl Collector for DiskStats {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { file, filter, udev, disks, scrapes } = self;
        *scrapes += 1;
        let (text, path) = file.text()?;
        let info = page.family("node_disk_info", "Info of /sys/block/<block_device>.", Kind::Gauge);
        let columns = COLUMNS.map(|(name, help, kind, _)| page.family(name, help, kind));
        for device in parse(text) {
            let Some(device) = device.map_err(|malformed| malformed.of(path))? else { continue };
            if !disks.contains_key(device.name) {
                let rotational = host.sys(&format!("block/{}/queue/rotational", device.name));
                disks.insert(device.name.to_owned(), Disk { shown: filter.admits(device.name), rotational, seen: 0 });
            }
            let Some(disk) = disks.get_mut(device.name) else { continue };
            disk.seen = *scrapes;
            if !disk.shown {
                continue;
            }
            device.write(&columns, page);
            let rotational = if rotates(&mut disk.rotational)? { "1" } else { "0" };
            match udev {
                Some(udev) => udev.write(host, &device, rotational, info, page),
                None => write_info(&device, rotational, &udev::Identity::default(), info, page),
            }
        }
        disks.retain(|_, disk| disk.seen == *scrapes);
        Ok(())
    }
}

fn write_info(device: &Device<'_>, rotational: &str, identity: &udev::Identity<'_>, info: FamilyId, page: &mut Page) {
    let labels = [
        ("device", device.name),
        ("major", device.major),
        ("minor", device.minor),
        ("model", identity.model),
        ("path", identity.path),
        ("revision", identity.revision),
        ("rotational", rotational),
        ("serial", identity.serial),
        ("wwn", identity.wwn),
    ];
    page.sample(info, &labels, 1.0);
}

// Partitions have no queue of their own, and count as not rotating, as upstream has it.
fn rotates(file: &mut Source) -> Result<bool, ReadError> {
    Ok(file.text_if_present()?.is_some_and(|(text, _)| text.trim() == "1"))
}

#[derive(Debug, PartialEq)]
struct Device<'text> {
    major: &'text str,
    minor: &'text str,
    name: &'text str,
    columns: [u64; COLUMNS.len()],
    given: usize,
}

impl Device<'_> {
    fn write(&self, families: &[FamilyId; COLUMNS.len()], page: &mut Page) {
        for ((family, value), column) in families.iter().zip(self.columns).zip(COLUMNS).take(self.given) {
            page.sample(*family, &[("device", self.name)], value as f64 * column.3);
        }
    }
}

// `None` for lines of partitions of ancient kernels, which have four columns.
fn parse(text: &str) -> impl Iterator<Item = Result<Option<Device<'_>>, Malformed>> {
    text.lines().enumerate().map(|(index, line)| {
        let mut fields = line.split_ascii_whitespace();
        let (Some(major), Some(minor), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(Malformed::new(index + 1, "a field is missing"));
        };
        let (_, _): (u32, u32) = (number(Some(major), index + 1)?, number(Some(minor), index + 1)?);
        let mut device = Device { major, minor, name, columns: [0; COLUMNS.len()], given: 0 };
        for (place, field) in device.columns.iter_mut().zip(fields) {
            *place = number(Some(field), index + 1)?;
            device.given += 1;
        }
        Ok((device.given >= LEAST).then_some(device))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_have_as_many_columns_as_the_kernel_is_old() {
        let text = "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n   8 1 sda1 1 2 3 4\n";
        let devices: Result<Vec<_>, _> = parse(text).collect();
        let devices = devices.unwrap();
        let given: Vec<_> = devices
            .iter()
            .map(|device| device.as_ref().map(|device| (device.name, device.given, device.columns[10], device.columns[16])))
            .collect();
        assert_eq!(given, [Some(("sda", 11, 11, 0)), Some(("nvme0n1", 17, 11, 17)), None]);
    }

    #[test]
    fn a_bad_line_is_named() {
        for (bad, line) in [("8 0\n", 1), ("8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 x sdb 1\n", 2), ("8 0 sda 1 -2 3\n", 1), ("\n", 1)]
        {
            assert_eq!(parse(bad).find_map(Result::err).unwrap().line, line, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)([0-9 ]{0,60}\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
