//! PCI devices: the links `bus/pci/devices/*` in sysfs, whose targets end with the place of a device after that of the bridge it
//! hangs on, and one number or word a file. On request the numbers of makers and devices get names from the PCI ID list.

mod ids;
mod place;

use std::fs;

use self::ids::Ids;
use self::place::{Place, parse_link};
use super::{Collector, Error, Made, Malformed, whole};
use crate::flag::{Flag, Flags};
use crate::host::{Device, Devices, Host, ReadError, Source};
use crate::metric::{FamilyId, Kind, Page};

static IDS_FILE: Flag =
    Flag::text("collector.pcidevice.idsfile", "", "Path to pci.ids file to use for PCI device identification.");
static NAMES: Flag =
    Flag::switch("collector.pcidevice.names", false, "Enable PCI device name resolution (requires pci.ids file).");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&IDS_FILE, &NAMES];

const DIRECTORY: &str = "bus/pci/devices";
/// Files of numbers that name things, and how many hexadecimal digits upstream writes.
const IDS: [(&str, usize); 6] =
    [("class", 6), ("vendor", 4), ("device", 4), ("subsystem_vendor", 4), ("subsystem_device", 4), ("revision", 2)];
/// Files of numbers that are values: family, help, and what stands for an absent file, if anything does.
const VALUES: [(&str, &str, &str, Option<f64>); 10] = [
    (
        "max_link_speed",
        "node_pcidevice_max_link_transfers_per_second",
        "Value of maximum link's transfers per second (T/s)",
        Some(-1.0),
    ),
    ("max_link_width", "node_pcidevice_max_link_width", "Value of maximum link's width (number of lanes)", Some(-1.0)),
    (
        "current_link_speed",
        "node_pcidevice_current_link_transfers_per_second",
        "Value of current link's transfers per second (T/s)",
        Some(-1.0),
    ),
    ("current_link_width", "node_pcidevice_current_link_width", "Value of current link's width (number of lanes)", Some(-1.0)),
    ("d3cold_allowed", "node_pcidevice_d3cold_allowed", "Whether the PCIe device supports D3cold power state (0/1).", Some(0.0)),
    (
        "sriov_drivers_autoprobe",
        "node_pcidevice_sriov_drivers_autoprobe",
        "Whether SR-IOV drivers autoprobe is enabled for the device (0/1).",
        Some(0.0),
    ),
    ("sriov_numvfs", "node_pcidevice_sriov_numvfs", "Number of Virtual Functions (VFs) currently enabled for SR-IOV.", Some(0.0)),
    (
        "sriov_totalvfs",
        "node_pcidevice_sriov_totalvfs",
        "Total number of Virtual Functions (VFs) supported by the device.",
        Some(0.0),
    ),
    (
        "sriov_vf_total_msix",
        "node_pcidevice_sriov_vf_total_msix",
        "Total number of MSI-X vectors for Virtual Functions.",
        Some(0.0),
    ),
    (
        "numa_node",
        "node_pcidevice_numa_node",
        "NUMA node number for the PCI device. -1 indicates unknown or not available.",
        None,
    ),
];
const NUMA_NODE: usize = 9;
const POWER_STATES: [&str; 7] = ["D0", "D1", "D2", "D3hot", "D3cold", "unknown", "error"];
const FILES: [&str; 17] = [
    IDS[0].0,
    IDS[1].0,
    IDS[2].0,
    IDS[3].0,
    IDS[4].0,
    IDS[5].0,
    VALUES[0].0,
    VALUES[1].0,
    VALUES[2].0,
    VALUES[3].0,
    VALUES[4].0,
    VALUES[5].0,
    VALUES[6].0,
    VALUES[7].0,
    VALUES[8].0,
    VALUES[9].0,
    "power_state",
];
/// Transfers in a gigatransfer.
const GIGA: f64 = 1e9;
/// A device that hangs on no other.
const NO_PARENT: &str = "*";

struct PciDevice {
    devices: Devices,
    ids: Option<Ids>,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let ids = flags.on(&NAMES).then(|| Ids::load(host, flags.given(&IDS_FILE)));
    Ok(Box::new(PciDevice { devices: Devices::new(host, DIRECTORY, &FILES), ids }))
}

impl Collector for PciDevice {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { devices, ids } = self;
        let directory = host.roots().sysfs.join(DIRECTORY);
        if !devices.refresh(host, |_| true)? {
            return Err(Error::NoData("the machine has no PCI bus"));
        }
        let help = "Non-numeric data from /sys/bus/pci/devices/<location>, value is always 1.";
        let info = page.family("node_pcidevice_info", help, Kind::Gauge);
        let families = VALUES.map(|(_, name, help, _)| page.family(name, help, Kind::Gauge));
        let help = "PCIe device power state, one of: D0, D1, D2, D3hot, D3cold, unknown or error.";
        let power = page.family("node_pcidevice_power_state", help, Kind::Gauge);
        for Device { name, files, .. } in devices.shown() {
            let path = directory.join(name.as_str());
            // A device that was pulled out meanwhile has no link any more.
            let Ok(link) = fs::read_link(&path) else { continue };
            let (place, parent) = parse_link(&link).map_err(|malformed| malformed.of(&path))?;
            let (numbers, rest) = files.split_at_mut(IDS.len());
            write_info(&place, parent.as_ref(), numbers, ids.as_ref(), info, page)?;
            write_values(&place, rest, families, power, page)?;
        }
        Ok(())
    }
}

fn write_info(
    place: &Place,
    parent: Option<&Place>,
    files: &mut [Source],
    ids: Option<&Ids>,
    info: FamilyId,
    page: &mut Page,
) -> Result<(), Error> {
    let mut numbers: [String; IDS.len()] = Default::default();
    for ((number, (_, digits)), file) in numbers.iter_mut().zip(IDS).zip(files) {
        let (text, path) = file.text()?;
        let value = whole(text.trim()).ok_or_else(|| Malformed::new(1, "it is no hexadecimal number").of(path))?;
        *number = format!("0x{value:0digits$x}");
    }
    let [class, vendor, device, subsystem_vendor, subsystem_device, revision] = &numbers;
    let above = |part: fn(&Place) -> &str| parent.map_or(NO_PARENT, part);
    let mut labels = vec![
        ("bus", place.bus.as_str()),
        ("class_id", class),
        ("device", &place.device),
        ("device_id", device),
        ("function", &place.function),
        ("parent_bus", above(|place| &place.bus)),
        ("parent_device", above(|place| &place.device)),
        ("parent_function", above(|place| &place.function)),
        ("parent_segment", above(|place| &place.segment)),
        ("revision", revision),
        ("segment", &place.segment),
        ("subsystem_device_id", subsystem_device),
        ("subsystem_vendor_id", subsystem_vendor),
        ("vendor_id", vendor),
    ];
    let names = ids.map(|ids| {
        [
            ("class_name", ids.class(class)),
            ("device_name", ids.device(vendor, device)),
            ("subsystem_device_name", ids.subsystem(vendor, device, subsystem_vendor, subsystem_device)),
            ("subsystem_vendor_name", ids.vendor(subsystem_vendor)),
            ("vendor_name", ids.vendor(vendor)),
        ]
    });
    labels.extend(names.iter().flatten().map(|(label, name)| (*label, name.as_str())));
    labels.sort_unstable();
    page.sample(info, &labels, 1.0);
    Ok(())
}

fn write_values(
    place: &Place,
    files: &mut [Source],
    families: [FamilyId; VALUES.len()],
    power: FamilyId,
    page: &mut Page,
) -> Result<(), Error> {
    let labels = place.labels();
    for (at, ((family, (.., absent)), file)) in families.into_iter().zip(VALUES).zip(files.iter_mut()).enumerate() {
        let value = match file.text_if_present()? {
            Some((text, path)) => parse_value(text.trim()).map_err(|malformed| malformed.of(path))?.or(absent),
            None => absent,
        };
        if let Some(value) = value.filter(|value| at != NUMA_NODE || *value >= 0.0) {
            page.sample(family, &labels, value);
        }
    }
    if let Some(now) = files.last_mut().and_then(Source::word).filter(|now| !now.is_empty()) {
        let [bus, device, function, segment] = labels;
        for state in POWER_STATES {
            page.sample(power, &[bus, device, function, segment, ("state", state)], f64::from(u8::from(state == now)));
        }
    }
    Ok(())
}

// A number, or a speed such as `8.0 GT/s PCIe`; `None` for what the kernel does not know.
fn parse_value(text: &str) -> Result<Option<f64>, Malformed> {
    if text.is_empty() || text.starts_with("Unknown") {
        return Ok(None);
    }
    let (number, factor) = text.strip_suffix(" GT/s PCIe").map_or((text, 1.0), |speed| (speed, GIGA));
    super::number::<f64>(Some(number), 1).map(|value| Some(value * factor))
}

/// The PCI ID list where distributions keep it.
fn usual_lists(host: &Host) -> [std::path::PathBuf; 2] {
    ["usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids"].map(|file| host.roots().rootfs.join(file))
}

fn read_list(path: &std::path::Path) -> Result<String, ReadError> {
    let text = fs::read(path).map_err(|source| ReadError::io(path, source))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn speeds_are_transfers_per_second() {
        for (text, expected) in
            [("8.0 GT/s PCIe", Some(8e9)), ("16", Some(16.0)), ("-1", Some(-1.0)), ("Unknown", None), ("", None)]
        {
            assert_eq!(parse_value(text), Ok(expected), "{text}");
        }
        assert!(parse_value("fast").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "[0-9.]*( GT/s PCIe)?.*") {
            let _any = parse_value(&text);
        }
    }
}
