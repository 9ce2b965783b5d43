//! Batteries and chargers: `class/power_supply/*` in sysfs, one number or word a file, of which each driver has its own
//! choice.

use super::{Collector, Error, Made};
use crate::filter::Pattern;
use crate::flag::{Flag, Flags};
use crate::host::{Device, Devices, Host, Presence, Source};
use crate::metric::{Kind, Page};

static IGNORED: Flag = Flag::text(
    "collector.powersupply.ignored-supplies",
    "^$",
    "Regexp of power supplies to ignore for powersupplyclass collector.",
);

/// Its flags.
pub const FLAGS: &[&Flag] = &[&IGNORED];

/// From micro-units, and from tenths of a degree.
const MICRO: f64 = 1e6;
const TENTH: f64 = 10.0;
/// Files with numbers: what the family is called after `node_power_supply_`, and the divisor.
const NUMBERS: [(&str, f64); 49] = [
    ("authentic", 1.0),
    ("calibrate", 1.0),
    ("capacity", 1.0),
    ("capacity_alert_max", 1.0),
    ("capacity_alert_min", 1.0),
    ("cyclecount", 1.0),
    ("online", 1.0),
    ("present", 1.0),
    ("time_to_empty_seconds", 1.0),
    ("time_to_full_seconds", 1.0),
    ("current_boot", MICRO),
    ("current_max", MICRO),
    ("current_ampere", MICRO),
    ("energy_empty", MICRO),
    ("energy_empty_design", MICRO),
    ("energy_full", MICRO),
    ("energy_full_design", MICRO),
    ("energy_watthour", MICRO),
    ("voltage_boot", MICRO),
    ("voltage_max", MICRO),
    ("voltage_max_design", MICRO),
    ("voltage_min", MICRO),
    ("voltage_min_design", MICRO),
    ("voltage_volt", MICRO),
    ("voltage_ocv", MICRO),
    ("charge_control_limit", MICRO),
    ("charge_control_limit_max", MICRO),
    ("charge_counter", MICRO),
    ("charge_empty", MICRO),
    ("charge_empty_design", MICRO),
    ("charge_full", MICRO),
    ("charge_full_design", MICRO),
    ("charge_ampere", MICRO),
    ("charge_term_current", MICRO),
    ("constant_charge_current", MICRO),
    ("constant_charge_current_max", MICRO),
    ("constant_charge_voltage", MICRO),
    ("constant_charge_voltage_max", MICRO),
    ("precharge_current", MICRO),
    ("input_current_limit", MICRO),
    ("power_watt", MICRO),
    ("temp_celsius", TENTH),
    ("temp_alert_max_celsius", TENTH),
    ("temp_alert_min_celsius", TENTH),
    ("temp_ambient_celsius", TENTH),
    ("temp_ambient_max_celsius", TENTH),
    ("temp_ambient_min_celsius", TENTH),
    ("temp_max_celsius", TENTH),
    ("temp_min_celsius", TENTH),
];
/// The labels of the info family that have files, in the order of their names; `power_supply` stands between.
const WORDS: [&str; 11] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "scope",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
];
/// Labels before `power_supply`.
const BEFORE_NAME: usize = 5;

/// The file of each number, then those of the words.
const FILES: [&str; NUMBERS.len() + WORDS.len()] = files();

const fn files() -> [&'static str; NUMBERS.len() + WORDS.len()] {
    let mut files = [""; NUMBERS.len() + WORDS.len()];
    let mut at = 0;
    while at < files.len() {
        files[at] = if at >= NUMBERS.len() { WORDS[at - NUMBERS.len()] } else { NUMBERS[at].0 };
        at += 1;
    }
    // Where upstream names the family otherwise than the kernel its file.
    files[5] = "cycle_count";
    files[8] = "time_to_empty_now";
    files[9] = "time_to_full_now";
    files[12] = "current_now";
    files[17] = "energy_now";
    files[23] = "voltage_now";
    files[32] = "charge_now";
    files[40] = "power_now";
    files[41] = "temp";
    files[42] = "temp_alert_max";
    files[43] = "temp_alert_min";
    files[44] = "temp_ambient";
    files[45] = "temp_ambient_max";
    files[46] = "temp_ambient_min";
    files[47] = "temp_max";
    files[48] = "temp_min";
    files
}

const DIRECTORY: &str = "class/power_supply";
const NONE: &str = "the machine tells of no power supply";

struct PowerSupplyClass {
    supplies: Devices,
    ignored: Option<Pattern>,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let ignored = Pattern::of(&IGNORED, flags.text(&IGNORED))?;
    Ok(Box::new(PowerSupplyClass { supplies: Devices::new(host, DIRECTORY, &FILES), ignored }))
}

impl Collector for PowerSupplyClass {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { supplies, ignored } = self;
        if !supplies.refresh(host, |name| !ignored.as_ref().is_some_and(|ignored| ignored.matches(name)))? {
            return Err(Error::NoData(NONE));
        }
        for Device { name, files, .. } in supplies.shown() {
            for ((suffix, divisor), file) in NUMBERS.into_iter().zip(files.iter_mut()) {
                if let Some(value) = file.value::<i64>() {
                    let help = [suffix, " value of /sys/class/power_supply/<power_supply>."];
                    let family = page.family_of(&["node_power_supply_", suffix], &help, Kind::Gauge);
                    page.sample(family, &[("power_supply", name)], value as f64 / divisor);
                }
            }
            let mut words = files[NUMBERS.len()..].iter_mut().map(Source::word).map(Option::unwrap_or_default);
            let mut labels = Vec::with_capacity(WORDS.len() + 1);
            labels.extend(WORDS[..BEFORE_NAME].iter().copied().zip(words.by_ref()));
            labels.push(("power_supply", name.as_str()));
            labels.extend(WORDS[BEFORE_NAME..].iter().copied().zip(words));
            labels.retain(|(_, text)| !text.is_empty());
            let help = "info of /sys/class/power_supply/<power_supply>.";
            let family = page.family("node_power_supply_info", help, Kind::Gauge);
            page.sample(family, &labels, 1.0);
        }
        Ok(())
    }

    // The embedded controller of a laptop answers slowly.
    fn may_block(&self) -> bool {
        true
    }

    fn presence(&self, host: &Host) -> Option<(Presence, Option<&'static str>)> {
        Some((Presence::in_directories(host, &[DIRECTORY]), Some(NONE)))
    }
}
