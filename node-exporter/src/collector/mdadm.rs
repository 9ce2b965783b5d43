//! Software RAID: `/proc/mdstat`, two or more lines an array (see `parse`), and the array's disks in `block/md*/md` of sysfs.

mod mdstat;

use self::mdstat::{Array, parse};
use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host, Source};
use crate::metric::{Kind, Page};

/// States shown, and what the array is found to be doing then.
const STATES: [(&str, &str); 5] = [
    ("active", "active"),
    ("check", "checking"),
    ("inactive", "inactive"),
    ("recovering", "recovering"),
    ("resync", "resyncing"),
];
/// Levels that have no disks of their own.
const CONTAINERS: [&str; 4] = ["container", "imsm", "ddf", ""];
/// Levels that can lose a disk and go on.
const REDUNDANT: [&str; 5] = ["raid1", "raid4", "raid5", "raid6", "raid10"];

struct MdAdm {
    file: Source,
    arrays: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    let arrays = Devices::new(host, "block", &["md/level", "md/raid_disks", "md/degraded"]);
    Ok(Box::new(MdAdm { file: host.proc("mdstat"), arrays }))
}

impl Collector for MdAdm {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Some((text, path)) = self.file.text_if_present()? else {
            return Err(Error::NoData("software RAID is not loaded"));
        };
        let arrays = parse(text).map_err(|malformed| malformed.of(path))?;
        write(&arrays, page);
        let directory = host.roots().sysfs.join("block");
        self.arrays.refresh(host, |name| name.starts_with("md") && directory.join(name).join("md").is_dir())?;
        let disks = page.family("node_md_raid_disks", "Number of raid disks on device.", Kind::Gauge);
        let degraded = page.family("node_md_degraded", "Number of degraded disks on device.", Kind::Gauge);
        for Device { name, files, .. } in self.arrays.shown() {
            let [level, count, missing] = &mut files[..] else { continue };
            let Some(level) = level.word() else { continue };
            if !CONTAINERS.contains(&level)
                && let Some(count) = count.word().and_then(first_number)
            {
                page.sample(disks, &[("device", name)], count as f64);
            }
            let lost = if REDUNDANT.contains(&level) { missing.value::<u64>().unwrap_or_default() } else { 0 };
            page.sample(degraded, &[("device", name)], lost as f64);
        }
        Ok(())
    }
}

fn write(arrays: &[Array<'_>], page: &mut Page) {
    let mut gauge = |name, help| page.family(name, help, Kind::Gauge);
    let required = gauge("node_md_disks_required", "Total number of disks of device.");
    let disks = gauge("node_md_disks", "Number of active/failed/spare disks of device.");
    let state = gauge("node_md_state", "Indicates the state of md-device.");
    let blocks = gauge("node_md_blocks", "Total number of blocks on device.");
    let synced = gauge("node_md_blocks_synced", "Number of blocks synced on device.");
    for array in arrays {
        let device = ("device", array.name);
        page.sample(required, &[device], array.total as f64);
        for (state, count) in [("active", array.active), ("failed", array.failed), ("spare", array.spare)] {
            page.sample(disks, &[device, ("state", state)], count as f64);
        }
        for (label, doing) in STATES {
            page.sample(state, &[device, ("state", label)], f64::from(u8::from(array.state == doing)));
        }
        page.sample(blocks, &[device], array.blocks as f64);
        page.sample(synced, &[device], array.synced as f64);
    }
}

// While disks are added the kernel says `11 (10)`: now, and before.
fn first_number(text: &str) -> Option<u64> {
    text.split(' ').next()?.parse().ok()
}
