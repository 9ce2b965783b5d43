//! NVMe controllers and their namespaces: `class/nvme/nvme*` in sysfs, one number or word a file.

use std::collections::HashMap;

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host};
use crate::metric::{FamilyId, Kind, Page};

const CONTROLLER_FILES: [&str; 5] = ["cntlid", "firmware_rev", "model", "serial", "state"];
const NAMESPACE_FILES: [&str; 4] = ["nuse", "size", "queue/logical_block_size", "ana_state"];
/// Family and help of what each namespace tells.
const FAMILIES: [(&str, &str); 4] = [
    (
        "node_nvme_namespace_capacity_bytes",
        "Capacity of the NVMe namespace in bytes. Computed as namespace_size * namespace_logical_block_size",
    ),
    (
        "node_nvme_namespace_size_bytes",
        "Size of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/size",
    ),
    (
        "node_nvme_namespace_used_bytes",
        "Used space of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/nuse",
    ),
    (
        "node_nvme_namespace_logical_block_size_bytes",
        "Logical block size of the NVMe namespace in bytes. Usually 4Kb. Available in /sys/class/nvme/<device>/<namespace>/queue/logical_block_size",
    ),
];

struct Nvme {
    controllers: Devices,
    // By controller.
    namespaces: HashMap<String, Devices>,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Nvme { controllers: Devices::new(host, "class/nvme", &CONTROLLER_FILES), namespaces: HashMap::new() }))
}

impl Collector for Nvme {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { controllers, namespaces } = self;
        if !controllers.refresh(host, |_| true)? {
            return Err(Error::NoData("the machine has no NVMe controller"));
        }
        namespaces.retain(|name, _| controllers.shown().any(|controller| controller.name == *name));
        let help = "Non-numeric data from /sys/class/nvme/<device>, value is always 1.";
        let info = page.family("node_nvme_info", help, Kind::Gauge);
        let help = "Information about NVMe namespaces. Value is always 1";
        let namespace_info = page.family("node_nvme_namespace_info", help, Kind::Gauge);
        let families = FAMILIES.map(|(name, help)| page.family(name, help, Kind::Gauge));
        for Device { name, files, .. } in controllers.shown() {
            let [id, firmware, model, serial, state] = &mut files[..] else { continue };
            let labels = [
                ("cntlid", id.word().unwrap_or_default()),
                ("device", name),
                ("firmware_revision", firmware.word().unwrap_or_default()),
                ("model", model.word().unwrap_or_default()),
                ("serial", serial.word().unwrap_or_default()),
                ("state", state.word().unwrap_or_default()),
            ];
            page.sample(info, &labels, 1.0);
            let directory = || Devices::new(host, &format!("class/nvme/{name}"), &NAMESPACE_FILES);
            let namespaces = namespaces.entry(name.clone()).or_insert_with(directory);
            write_namespaces(namespaces, host, name, namespace_info, families, page)?;
        }
        Ok(())
    }
}

fn write_namespaces(
    namespaces: &mut Devices,
    host: &Host,
    controller: &str,
    info: FamilyId,
    families: [FamilyId; 4],
    page: &mut Page,
) -> Result<(), Error> {
    namespaces.refresh(host, |name| namespace_id(name).is_some())?;
    for Device { name, files, .. } in namespaces.shown() {
        let id = namespace_id(name).unwrap_or_default();
        let [used, size, block, access] = &mut files[..] else { continue };
        let access = access.word().unwrap_or("unknown");
        page.sample(info, &[("ana_state", access), ("device", controller), ("nsid", id)], 1.0);
        let number = |file: &mut crate::host::Source| file.value::<u64>().unwrap_or_default();
        let (used, size, block) = (number(used), number(size), number(block));
        let bytes = |blocks: u64| blocks.saturating_mul(block) as f64;
        for (family, value) in families.into_iter().zip([bytes(size), bytes(size), bytes(used), block as f64]) {
            page.sample(family, &[("device", controller), ("nsid", id)], value);
        }
    }
    Ok(())
}

// The number after the second `n` of `nvme0n1`; paths to a shared namespace, such as `nvme0c1n1`, are not namespaces.
fn namespace_id(name: &str) -> Option<&str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let (controller, id) = name.strip_prefix("nvme")?.split_once('n')?;
    (digits(controller) && digits(id)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_told_from_other_entries() {
        for (name, expected) in
            [("nvme0n1", Some("1")), ("nvme10n12", Some("12")), ("nvme0c1n1", None), ("power", None), ("nvme0", None)]
        {
            assert_eq!(namespace_id(name), expected, "{name}");
        }
    }
}
