//! NFS mounts in detail: `/proc/self/mountstats`, a block of lines for each, and their servers' addresses from
//! `/proc/self/mountinfo`. Two mounts of one export share their numbers, which are shown once.

mod block;
mod table;

use std::collections::HashSet;

use self::block::{Mount, addresses, parse};
use self::table::{BYTES, EVENTS, FIRST_TIME, OPERATIONS, TRANSPORT, TRANSPORT_GAUGES};
use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Upstream keeps times below this, the first whole number whose neighbour a double cannot hold.
const MANTISSA: u64 = 9_007_199_254_740_992;
/// From milliseconds.
const MILLI: f64 = 1000.0;

struct MountStats {
    stats: Source,
    mounts: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(MountStats { stats: host.proc("self/mountstats"), mounts: host.proc("self/mountinfo") }))
}

impl Collector for MountStats {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.stats.text()?;
        let mounts = parse(text).map_err(|malformed| malformed.of(path))?;
        // Both files list the mounts in the same order.
        let addresses = addresses(self.mounts.text()?.0);
        let (mut points, mut exports) = (HashSet::new(), HashSet::new());
        let help = "Info metric for an NFS mountpoint.";
        let info = page.family("node_mountstats_nfs_mountpoint_info", help, Kind::Gauge);
        for (index, mount) in mounts.iter().enumerate() {
            let Mount { export, point, transports, .. } = mount;
            let address = addresses.get(index).copied().unwrap_or_default();
            for (protocol, _) in transports {
                let labels = [("export", *export), ("mountaddr", address), ("protocol", *protocol)];
                if points.insert((*export, *protocol, address, *point)) {
                    page.sample(info, &[labels[0], labels[1], ("mountpoint", point), labels[2]], 1.0);
                }
                if !exports.insert((*export, *protocol, address)) {
                    break;
                }
                write(mount, labels, page);
            }
        }
        Ok(())
    }
}

fn write(mount: &Mount<'_>, labels: [(&str, &str); 3], page: &mut Page) {
    let [export, address, protocol] = labels;
    let age = page.family("node_mountstats_nfs_age_seconds_total", "The age of the NFS mount in seconds.", Kind::Counter);
    page.sample(age, &labels, mount.age);
    for (table, values) in [(&BYTES[..], &mount.bytes), (&EVENTS[..], &mount.events)] {
        for (place, name, help) in table {
            let family = page.family(name, help, Kind::Counter);
            page.sample(family, &labels, values.get(*place).copied().unwrap_or_default() as f64);
        }
    }
    for (number, (_, values)) in mount.transports.iter().enumerate() {
        let number = number.to_string();
        for (place, name, help) in TRANSPORT {
            let gauge = TRANSPORT_GAUGES.contains(&place);
            let family = page.family(name, help, if gauge { Kind::Gauge } else { Kind::Counter });
            let value = values.get(place).copied().unwrap_or_default() % MANTISSA;
            page.sample(family, &[export, address, protocol, ("transport", &number)], value as f64);
        }
    }
    for (operation, values) in &mount.operations {
        for (place, name, help) in OPERATIONS {
            let family = page.family(name, help, Kind::Counter);
            let value = values.get(place).copied().unwrap_or_default();
            let value = if place < FIRST_TIME { value as f64 } else { (value % MANTISSA) as f64 / MILLI };
            page.sample(family, &[export, address, ("operation", operation), protocol], value);
        }
    }
}
