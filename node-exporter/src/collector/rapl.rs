//! Energy used by parts of the processor: `class/powercap/*` in sysfs, with a `name` such as `package-0` and `energy_uj`, in
//! millionths of a joule. Since 2020 only root may read it.

use super::{Collector, Error, Made};
use crate::flag::{Flag, Flags};
use crate::host::{Device, Devices, Host};
use crate::metric::{Kind, Page};

// Upstream's sentence is that of another flag; this says what it does.
static ZONE_LABEL: Flag =
    Flag::switch("collector.rapl.enable-zone-label", false, "Show all zones as one family, with the zone as a label");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&ZONE_LABEL];

/// From millionths.
const MICRO: f64 = 1_000_000.0;

struct Rapl {
    zones: Devices,
    labelled: bool,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let zones = Devices::new(host, "class/powercap", &["name", "energy_uj"]);
    Ok(Box::new(Rapl { zones, labelled: flags.on(&ZONE_LABEL) }))
}

impl Collector for Rapl {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let directory = host.roots().sysfs.join("class/powercap");
        if !self.zones.refresh(host, |_| true)? {
            return Err(Error::NoData("the processor does not tell its energy"));
        }
        let mut used: Vec<String> = Vec::new();
        for Device { name: entry, files, .. } in self.zones.shown() {
            let [name, energy] = &mut files[..] else { continue };
            let Some(name) = name.word() else { continue };
            let (zone, index) = match split(name) {
                Some(parts) => parts,
                // Some names come more than once and without a number: they are counted.
                None => (name, used.iter().filter(|other| *other == name).count()),
            };
            used.push(zone.to_owned());
            let (text, path) = match energy.text() {
                Ok(read) => read,
                Err(error) if error.is_forbidden() => return Err(Error::NoData("only root may read the energy used")),
                Err(error) => return Err(error.into()),
            };
            let microjoules: u64 = super::number(Some(text.trim()), 1).map_err(|malformed| malformed.of(path))?;
            let joules = microjoules as f64 / MICRO;
            let (index, path) = (index.to_string(), directory.join(entry.as_str()));
            let path = path.to_string_lossy();
            if self.labelled {
                let family = page.family("node_rapl_joules_total", "Current RAPL value in joules", Kind::Counter);
                page.sample(family, &[("index", &index), ("path", &path), ("rapl_zone", zone)], joules);
            } else {
                let clean = super::clean(zone);
                let help = ["Current RAPL ", zone, " value in joules"];
                let family = page.family_of(&["node_rapl_", &clean, "_joules_total"], &help, Kind::Counter);
                page.sample(family, &[("index", &index), ("path", &path)], joules);
            }
        }
        Ok(())
    }
}

// `package-0` is zone 0 of the kind `package`.
fn split(name: &str) -> Option<(&str, usize)> {
    let (zone, index) = name.split_once('-')?;
    Some((zone, index.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_taken_from_names() {
        for (name, expected) in [("package-0", Some(("package", 0))), ("dram", None), ("a-b", None), ("package-0-die-1", None)] {
            assert_eq!(split(name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_taken_without_panic(name in ".*") {
            let _any = split(&name);
        }
    }
}
