//! Sensors of the hardware: `class/hwmon/hwmon*` in sysfs, files such as `temp1_input` and `fan2_label`. What a chip is called
//! comes from the path of its device, which stays, and not from its number, which depends on the order of modules.

mod chip;
mod sensor;

use std::collections::BTreeMap;

use self::chip::{Chip, clean_name};
use super::{Collector, Error, Made};
use crate::filter::Filter;
use crate::flag::{Flag, Flags};
use crate::host::{Device, Devices, Host, Presence};
use crate::metric::{Kind, Page};

static CHIP_INCLUDE: Flag =
    Flag::text("collector.hwmon.chip-include", "", "Regexp of hwmon chip to include (mutually exclusive to device-exclude).");
static CHIP_EXCLUDE: Flag =
    Flag::text("collector.hwmon.chip-exclude", "", "Regexp of hwmon chip to exclude (mutually exclusive to device-include).");
static SENSOR_INCLUDE: Flag =
    Flag::text("collector.hwmon.sensor-include", "", "Regexp of hwmon sensor to include (mutually exclusive to sensor-exclude).");
static SENSOR_EXCLUDE: Flag =
    Flag::text("collector.hwmon.sensor-exclude", "", "Regexp of hwmon sensor to exclude (mutually exclusive to sensor-include).");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&CHIP_INCLUDE, &CHIP_EXCLUDE, &SENSOR_INCLUDE, &SENSOR_EXCLUDE];

const DIRECTORY: &str = "class/hwmon";
const NONE: &str = "the machine has no sensors";

struct HwMon {
    entries: Devices,
    // By entry of the directory.
    chips: BTreeMap<String, Chip>,
    names: Filter,
    sensors: Filter,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(HwMon {
        entries: Devices::new(host, DIRECTORY, &["name"]),
        chips: BTreeMap::new(),
        names: Filter::both(flags, &CHIP_EXCLUDE, &CHIP_INCLUDE)?,
        sensors: Filter::both(flags, &SENSOR_EXCLUDE, &SENSOR_INCLUDE)?,
    }))
}

impl Collector for HwMon {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { entries, chips, names, sensors } = self;
        let directory = host.roots().sysfs.join(DIRECTORY);
        if !entries.refresh(host, |name| directory.join(name).is_dir())? {
            return Err(Error::NoData(NONE));
        }
        chips.retain(|name, _| entries.shown().any(|entry| entry.name == *name));
        for Device { name: entry, files, .. } in entries.shown() {
            let name = files[0].word().unwrap_or_default().to_owned();
            let path = directory.join(entry.as_str());
            let chip = chips.entry(entry.clone()).or_insert_with(|| Chip::new(&path, &name));
            chip.name = name;
        }
        let labels: Vec<String> = chips.iter().map(|(entry, chip)| label(entry, chip, chips)).collect();
        let info = page.family("node_hwmon_chip_names", "Annotation metric for human-readable chip names", Kind::Gauge);
        for (chip, label) in chips.values_mut().zip(&labels).filter(|(_, label)| names.admits(label)) {
            let name = clean_name(&chip.name);
            if !name.is_empty() {
                page.sample(info, &[("chip", label), ("chip_name", &name)], 1.0);
            }
            for (sensor, readings) in chip.read(host)? {
                // So that one sensor of one chip can be meant.
                if sensors.admits(&format!("{label};{sensor}")) {
                    sensor::write(label, &sensor, &readings, page);
                }
            }
        }
        Ok(())
    }

    // Sensors on a slow bus take seconds, and some never answer.
    fn may_block(&self) -> bool {
        true
    }

    fn presence(&self, host: &Host) -> Option<(Presence, Option<&'static str>)> {
        Some((Presence::in_directories(host, &[DIRECTORY]), Some(NONE)))
    }
}

// Two chips may share a device: then their own names tell them apart, else their entries do.
fn label(entry: &str, chip: &Chip, chips: &BTreeMap<String, Chip>) -> String {
    let same = chips.values().filter(|other| other.device == chip.device);
    let (all, alike) = same.fold((0, 0), |(all, alike), other| (all + 1, alike + usize::from(other.name == chip.name)));
    if all < 2 {
        return chip.device.clone();
    }
    let name = clean_name(&chip.name);
    let suffix = if name.is_empty() || alike > 1 { clean_name(entry) } else { name };
    format!("{}_{suffix}", chip.device)
}
