//! What the files of one sensor are called and mean, from the kernel's `hwmon/sysfs-interface`: the kind before the number, the
//! property after it, and the unit by both.

use super::chip::{Readings, clean_name};
use crate::metric::{FamilyId, Kind, Page};

const KINDS: [&str; 14] = [
    "vrm",
    "beep_enable",
    "update_interval",
    "in",
    "cpu",
    "fan",
    "pwm",
    "temp",
    "curr",
    "power",
    "energy",
    "humidity",
    "intrusion",
    "freq",
];
/// Factors and divisors of the kernel's units. Upstream multiplies here and divides there; the last digit differs.
const MILLI: f64 = 0.001;
const MICRO: f64 = 1_000_000.0;

/// A file name such as `temp1_input`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Sensor {
    pub kind: String,
    pub number: u32,
    pub property: String,
}

impl Sensor {
    /// Letters up to the first digit, a number or none, and what follows an underscore.
    pub fn of(file: &str) -> Option<Self> {
        let digits = file.find(|letter: char| letter.is_ascii_digit());
        let Some(start) = digits.filter(|start| *start > 0) else {
            // A name without a number, such as `update_interval`, is a kind as a whole.
            return digits.is_none().then(|| Self { kind: file.to_owned(), number: 0, property: String::new() });
        };
        let end = file[start..].find(|letter: char| !letter.is_ascii_digit()).map_or(file.len(), |length| start + length);
        let rest = &file[end..];
        let property = if rest.is_empty() { "" } else { rest.strip_prefix('_').filter(|property| !property.is_empty())? };
        Some(Self { kind: file[..start].to_owned(), number: file[start..end].parse().ok()?, property: property.to_owned() })
    }

    pub fn is_known(&self) -> bool {
        KINDS.contains(&self.kind.as_str())
    }

    /// Its kind and number.
    pub fn name(&self) -> String {
        format!("{}{}", self.kind, self.number)
    }
}

/// Writes what sensor `sensor` of `chip` tells.
pub fn write(chip: &str, sensor: &str, readings: &Readings, page: &mut Page) {
    let kind = sensor.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let labels = [("chip", chip), ("sensor", sensor)];
    if let Some(label) = readings.get("label") {
        let family = page.family("node_hwmon_sensor_label", "Label for given chip and sensor", Kind::Gauge);
        page.sample(family, &[labels[0], ("label", label), labels[1]], 1.0);
    }
    let plain = readings.get("").map(String::as_str);
    let number = plain.and_then(|text| text.parse::<f64>().ok());
    match (kind, number) {
        ("beep_enable", _) => {
            let family = page.family("node_hwmon_beep_enabled", "Hardware beep enabled", Kind::Gauge);
            page.sample(family, &labels, f64::from(u8::from(plain == Some("1"))));
        }
        ("vrm", Some(version)) => {
            let family = page.family("node_hwmon_voltage_regulator_version", "Hardware voltage regulator", Kind::Gauge);
            page.sample(family, &labels, version);
        }
        ("update_interval", Some(interval)) => {
            let family = page.family("node_hwmon_update_interval_seconds", "Hardware monitor update interval", Kind::Gauge);
            page.sample(family, &labels, interval * MILLI);
        }
        ("vrm" | "update_interval", None) => {}
        _ => {
            for (property, text) in readings.iter().filter(|(property, _)| *property != "label") {
                if let Ok(value) = text.parse() {
                    write_property(chip, sensor, kind, property, value, readings, page);
                }
            }
        }
    }
}

fn write_property(chip: &str, sensor: &str, kind: &str, property: &str, value: f64, readings: &Readings, page: &mut Page) {
    let mut name = kind.to_owned();
    match property {
        "" => {}
        // The input is the value itself, unless there is a file without a property.
        "input" if !readings.contains_key("") => {}
        "input" => name.push_str("_input"),
        other => {
            name.push('_');
            name.push_str(&clean_name(other));
        }
    }
    let mut sensor = sensor.to_owned();
    if kind == "freq" && property == "input" {
        // Of a clock only the label tells which it is.
        let Some(label) = readings.get("label") else { return };
        sensor = clean_name(label);
    }
    let (family, value) = unit(&name, kind, property, value, page);
    page.sample(family, &[("chip", chip), ("sensor", &sensor)], value);
}

// The family of a property, and its value in base units.
fn unit(name: &str, kind: &str, property: &str, value: f64, page: &mut Page) -> (FamilyId, f64) {
    let mut gauge = |suffix: &str, help: &[&str]| page.family_of(&["node_hwmon_", name, suffix], help, Kind::Gauge);
    match (kind, property) {
        (_, "fault" | "alarm") => (gauge("", &["Hardware sensor ", property, " status (", kind, ")"]), value),
        (_, "beep") => (gauge("_enabled", &["Hardware monitor sensor has beeping enabled"]), value),
        ("in" | "cpu", _) => (gauge("_volts", &["Hardware monitor for voltage (", property, ")"]), value * MILLI),
        ("temp", property) if property != "type" => {
            let shown = if property.is_empty() { "input" } else { property };
            (gauge("_celsius", &["Hardware monitor for temperature (", shown, ")"]), value * MILLI)
        }
        ("curr", _) => (gauge("_amps", &["Hardware monitor for current (", property, ")"]), value * MILLI),
        ("energy", _) => {
            let help = ["Hardware monitor for joules used so far (", property, ")"];
            (page.family_of(&["node_hwmon_", name, "_joule_total"], &help, Kind::Counter), value / MICRO)
        }
        ("power", "accuracy") => (gauge("", &["Hardware monitor power meter accuracy, as a ratio"]), value / MICRO),
        ("power", "average_interval" | "average_interval_min" | "average_interval_max") => {
            (gauge("_seconds", &["Hardware monitor power usage update interval (", property, ")"]), value * MILLI)
        }
        ("power", _) => (gauge("_watt", &["Hardware monitor for power usage in watts (", property, ")"]), value / MICRO),
        ("humidity", _) => {
            let help = "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) (";
            (gauge("", &[help, property, ")"]), value / MICRO)
        }
        ("fan", "input" | "min" | "max" | "target") => {
            (gauge("_rpm", &["Hardware monitor for fan revolutions per minute (", property, ")"]), value)
        }
        ("freq", "input") => (gauge("_freq_mhz", &["Hardware monitor for GPU frequency in MHz"]), value / MICRO),
        _ => (gauge("", &["Hardware monitor ", kind, " element ", property]), value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn file_names_are_taken_apart() {
        let sensor =
            |kind: &str, number, property: &str| Some(Sensor { kind: kind.to_owned(), number, property: property.to_owned() });
        for (file, expected) in [
            ("temp1_input", sensor("temp", 1, "input")),
            ("power10_average_interval_max", sensor("power", 10, "average_interval_max")),
            ("pwm2", sensor("pwm", 2, "")),
            ("update_interval", sensor("update_interval", 0, "")),
            ("1temp", None),
            ("temp1x", None),
            ("temp1_", None),
            ("temp99999999999_input", None),
        ] {
            assert_eq!(Sensor::of(file), expected, "{file}");
        }
    }

    proptest! {
        #[test]
        fn any_name_and_reading_are_taken_without_panic(file in ".*", near in "[a-z_]*[0-9]*_?[a-z]*", text in ".*") {
            for name in [&file, &near] {
                if let Some(sensor) = Sensor::of(name) {
                    write("chip", &sensor.name(), &Readings::from([(sensor.property.clone(), text.clone())]), &mut Page::default());
                }
            }
        }
    }
}
