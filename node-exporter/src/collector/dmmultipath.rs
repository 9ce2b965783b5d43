//! Block devices reached by more than one path: those of `block/dm-*` in sysfs whose `dm/uuid` starts with `mpath-`, and the
//! state of the disks in their `slaves`.

use std::collections::HashMap;

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host};
use crate::metric::{FamilyId, Kind, Page};

const FILES: [&str; 4] = ["dm/uuid", "dm/name", "dm/suspended", "size"];
/// The kernel counts in sectors of 512 bytes, whatever the device's own are.
const SECTOR: f64 = 512.0;
/// What SCSI and NVMe call a path that works.
const ACTIVE: [&str; 2] = ["running", "live"];

struct DmMultipath {
    devices: Devices,
    // By device.
    paths: HashMap<String, Devices>,
    disks: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    let block = |files| Devices::new(host, "block", files);
    Ok(Box::new(DmMultipath { devices: block(&FILES), paths: HashMap::new(), disks: block(&["device/state"]) }))
}

impl Collector for DmMultipath {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { devices, paths, disks } = self;
        if !devices.refresh(host, |name| name.starts_with("dm-"))? {
            return Err(Error::NoData("the machine has no block devices"));
        }
        paths.retain(|name, _| devices.shown().any(|device| device.name == *name));
        let families = Families::open(page);
        for Device { name: entry, files, .. } in devices.shown() {
            let [uuid, name, suspended, size] = &mut files[..] else { continue };
            let Some(uuid) = uuid.word().filter(|uuid| uuid.starts_with("mpath-")) else { continue };
            let name = name.word().unwrap_or_default();
            let labels = [("device", name), ("sysfs_name", entry.as_str())];
            page.sample(families.info, &[labels[0], labels[1], ("uuid", uuid)], 1.0);
            page.sample(families.active, &labels, f64::from(u8::from(suspended.value::<u64>() != Some(1))));
            page.sample(families.size, &labels, size.value::<u64>().unwrap_or_default() as f64 * SECTOR);
            let slaves = || Devices::new(host, &format!("block/{entry}/slaves"), &[]);
            let slaves = paths.entry(entry.clone()).or_insert_with(slaves);
            slaves.refresh(host, |_| true)?;
            disks.refresh(host, |name| !name.starts_with("loop"))?;
            let (mut working, mut failed) = (0_u32, 0_u32);
            for path in slaves.shown() {
                let state = disks.find(&path.name).and_then(|disk| disk.files.first_mut()?.word()).unwrap_or("unknown");
                if ACTIVE.contains(&state) {
                    working += 1;
                } else {
                    failed += 1;
                }
                page.sample(families.path_state, &[("device", name), ("path", &path.name), ("state", state)], 1.0);
            }
            page.sample(families.paths, &labels, f64::from(working + failed));
            page.sample(families.paths_active, &labels, f64::from(working));
            page.sample(families.paths_failed, &labels, f64::from(failed));
        }
        Ok(())
    }
}

struct Families {
    info: FamilyId,
    active: FamilyId,
    size: FamilyId,
    paths: FamilyId,
    paths_active: FamilyId,
    paths_failed: FamilyId,
    path_state: FamilyId,
}

impl Families {
    fn open(page: &mut Page) -> Self {
        let mut gauge = |name, help| page.family(name, help, Kind::Gauge);
        Self {
            info: gauge("node_dmmultipath_device_info", "Non-numeric information about a DM-multipath device."),
            active: gauge(
                "node_dmmultipath_device_active",
                "Whether the multipath device-mapper device is active (1) or suspended (0).",
            ),
            size: gauge(
                "node_dmmultipath_device_size_bytes",
                "Size of the multipath device in bytes, read from /sys/block/<dm>/size.",
            ),
            paths: gauge("node_dmmultipath_device_paths", "Number of paths for a multipath device."),
            paths_active: gauge(
                "node_dmmultipath_device_paths_active",
                "Number of paths in active state (SCSI running or NVMe live) for a multipath device.",
            ),
            paths_failed: gauge(
                "node_dmmultipath_device_paths_failed",
                "Number of paths not in active state for a multipath device.",
            ),
            path_state: gauge(
                "node_dmmultipath_path_state",
                "Reports the underlying device state for a multipath path, as read from /sys/block/<dev>/device/state.",
            ),
        }
    }
}
