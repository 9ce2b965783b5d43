//! Tape drives: `class/scsi_tape/st*/stats` in sysfs, one number a file.

use super::{Collector, Error, Made};
use crate::filter::Pattern;
use crate::flag::{Flag, Flags};
use crate::host::{Device, Devices, Host};
use crate::metric::{Kind, Page};

static IGNORED: Flag = Flag::text("collector.tapestats.ignored-devices", "^$", "Regexp of devices to ignore for tapestats.");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&IGNORED];

/// From nanoseconds; a product and not a quotient as upstream has it, whose last digit differs.
const NANO: f64 = 0.000_000_001;
/// Family, help, kind and factor of each file.
const FAMILIES: [(&str, &str, Kind, f64); 10] = [
    ("node_tape_io_now", "The number of I/Os currently outstanding to this device.", Kind::Gauge, 1.0),
    (
        "node_tape_io_time_seconds_total",
        "The amount of time spent waiting for all I/O to complete (including read and write). This includes tape movement commands such as seeking between file or set marks and implicit tape movement such as when rewind on close tape devices are used.",
        Kind::Counter,
        NANO,
    ),
    (
        "node_tape_io_others_total",
        "The number of I/Os issued to the tape drive other than read or write commands. The time taken to complete these commands uses the following calculation io_time_seconds_total-read_time_seconds_total-write_time_seconds_total",
        Kind::Counter,
        1.0,
    ),
    ("node_tape_read_bytes_total", "The number of bytes read from the tape drive.", Kind::Counter, 1.0),
    ("node_tape_reads_completed_total", "The number of read requests issued to the tape drive.", Kind::Counter, 1.0),
    ("node_tape_read_time_seconds_total", "The amount of time spent waiting for read requests to complete.", Kind::Counter, NANO),
    (
        "node_tape_residual_total",
        "The number of times during a read or write we found the residual amount to be non-zero. This should mean that a program is issuing a read larger thean the block size on tape. For write not all data made it to tape.",
        Kind::Counter,
        1.0,
    ),
    ("node_tape_written_bytes_total", "The number of bytes written to the tape drive.", Kind::Counter, 1.0),
    ("node_tape_writes_completed_total", "The number of write requests issued to the tape drive.", Kind::Counter, 1.0),
    (
        "node_tape_write_time_seconds_total",
        "The amount of time spent waiting for write requests to complete.",
        Kind::Counter,
        NANO,
    ),
];
const FILES: [&str; 10] = [
    "stats/in_flight",
    "stats/io_ns",
    "stats/other_cnt",
    "stats/read_byte_cnt",
    "stats/read_cnt",
    "stats/read_ns",
    "stats/resid_cnt",
    "stats/write_byte_cnt",
    "stats/write_cnt",
    "stats/write_ns",
];

struct TapeStats {
    drives: Devices,
    ignored: Option<Pattern>,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let ignored = Pattern::of(&IGNORED, flags.text(&IGNORED))?;
    Ok(Box::new(TapeStats { drives: Devices::new(host, "class/scsi_tape", &FILES), ignored }))
}

impl Collector for TapeStats {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { drives, ignored } = self;
        let admits = |name: &str| is_drive(name) && !ignored.as_ref().is_some_and(|ignored| ignored.matches(name));
        if !drives.refresh(host, admits)? {
            return Err(Error::NoData("the machine has no tape drive"));
        }
        let families = FAMILIES.map(|(name, help, kind, _)| page.family(name, help, kind));
        for Device { name, files, .. } in drives.shown() {
            for ((family, file), (.., factor)) in families.into_iter().zip(files.iter_mut()).zip(FAMILIES) {
                if let Some(value) = file.value::<u64>() {
                    page.sample(family, &[("device", name)], value as f64 * factor);
                }
            }
        }
        Ok(())
    }
}

// A drive has further names, such as nst0 and st0a, that tell the same.
fn is_drive(name: &str) -> bool {
    name.strip_prefix("st").is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_drive_is_taken_once() {
        for (name, expected) in [("st0", true), ("st12", true), ("nst0", false), ("st0a", false), ("st", false)] {
            assert_eq!(is_drive(name), expected, "{name}");
        }
    }
}
