//! One chip: what it is called, and its files. What a reading means is `sensor`'s matter.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::host::{Host, ReadError, Source};

use super::sensor::Sensor;

/// Files of one chip that are looked at: the largest known has some 300.
const MAX_FILES: usize = 2048;

/// A chip and its files.
pub struct Chip {
    /// What its device is called, cleaned.
    pub device: String,
    /// What it calls itself.
    pub name: String,
    // Its own directory, and that of its device, where older drivers keep the sensors.
    directories: [PathBuf; 2],
    files: BTreeMap<PathBuf, (Sensor, Source)>,
}

/// Property and text of what one sensor tells.
pub type Readings = BTreeMap<String, String>;

impl Chip {
    pub fn new(directory: &Path, name: &str) -> Self {
        let device = device_name(directory, name);
        let directories = [directory.to_owned(), directory.join("device")];
        Self { device, name: name.to_owned(), directories, files: BTreeMap::new() }
    }

    /// What its sensors tell, by sensor. A file that cannot be read is left out: drivers refuse what is not plugged in.
    pub fn read(&mut self, host: &Host) -> Result<BTreeMap<String, Readings>, ReadError> {
        let mut readings: BTreeMap<String, Readings> = BTreeMap::new();
        let mut listed = Vec::new();
        for directory in &self.directories {
            let entries = match fs::read_dir(directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(ReadError::io(directory, error)),
            };
            listed.extend(entries.take(MAX_FILES).filter_map(|entry| Some(entry.ok()?.path())));
        }
        self.files.retain(|path, _| listed.contains(path));
        for path in listed {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(sensor) = Sensor::of(name).filter(Sensor::is_known) else { continue };
            let (sensor, file) = self.files.entry(path.clone()).or_insert_with(|| (sensor, host.file(path)));
            if let Ok((text, _)) = file.text() {
                readings.entry(sensor.name()).or_default().insert(sensor.property.clone(), text.trim_matches('\n').to_owned());
            }
        }
        Ok(readings)
    }
}

// From the path of its device and the bus it is on, else its own name, else that of its directory.
fn device_name(directory: &Path, name: &str) -> String {
    if let Ok(device) = fs::canonicalize(directory.join("device")) {
        let part = |path: &Path| path.file_name().map(|name| clean_name(&name.to_string_lossy())).unwrap_or_default();
        let (device, bus) = (part(&device), device.parent().map(part).unwrap_or_default());
        if !device.is_empty() {
            return if bus.is_empty() { device } else { format!("{bus}_{device}") };
        }
    }
    let name = clean_name(name);
    if !name.is_empty() {
        return name;
    }
    let real = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    real.file_name().map(|name| clean_name(&name.to_string_lossy())).unwrap_or_default()
}

/// `text` in small letters, with an underscore for each sign that a name may not hold, and none at its ends.
pub fn clean_name(text: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == ':' || letter == '_';
    let small = text.to_lowercase();
    let clean: String = small.chars().map(|letter| if allowed(letter) { letter } else { '_' }).collect();
    clean.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (text, expected) in [("coretemp.0", "coretemp_0"), ("AC Adapter\n", "ac_adapter"), ("__", ""), ("a:b", "a:b")] {
            assert_eq!(clean_name(text), expected, "{text}");
        }
    }

    #[test]
    fn a_chip_is_called_after_its_device() {
        let root = tempfile::tempdir().unwrap();
        let chip = root.path().join("devices/platform/coretemp.0/hwmon/hwmon0");
        fs::create_dir_all(&chip).unwrap();
        assert_eq!((device_name(&chip, "core\n"), device_name(&chip, "")), ("core".to_owned(), "hwmon0".to_owned()));
        std::os::unix::fs::symlink("../..", chip.join("device")).unwrap();
        assert_eq!(device_name(&chip, "core"), "platform_coretemp_0");
    }
}
