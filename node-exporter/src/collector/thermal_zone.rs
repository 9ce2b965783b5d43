//! Temperatures of thermal zones and states of cooling devices: `class/thermal/thermal_zone*` and `cooling_device*` in sysfs.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host, Presence};
use crate::metric::{Kind, Page};

const ZONE: &str = "thermal_zone";
const COOLING: &str = "cooling_device";
/// From thousandths of a degree.
const MILLI: f64 = 1000.0;

struct ThermalZone {
    zones: Devices,
    cooling: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(ThermalZone {
        zones: Devices::new(host, "class/thermal", &["type", "temp"]),
        cooling: Devices::new(host, "class/thermal", &["type", "cur_state", "max_state"]),
    }))
}

impl Collector for ThermalZone {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        self.zones.refresh(host, |name| name.starts_with(ZONE))?;
        self.cooling.refresh(host, |name| name.starts_with(COOLING))?;
        let temperature = page.family("node_thermal_zone_temp", "Zone temperature in Celsius", Kind::Gauge);
        for Device { name, files, .. } in self.zones.shown() {
            let [kind, value] = &mut files[..] else { continue };
            // A zone whose sensor is asleep refuses to be read: it is shown as 0 by upstream, and not at all here.
            let Some(degrees) = value.value::<i64>() else { continue };
            let labels = [("type", kind.word().unwrap_or_default()), ("zone", &name[ZONE.len()..])];
            page.sample(temperature, &labels, degrees as f64 / MILLI);
        }
        let gauge = |page: &mut Page, name, help| page.family(name, help, Kind::Gauge);
        let current = gauge(page, "node_cooling_device_cur_state", "Current throttle state of the cooling device");
        let most = gauge(page, "node_cooling_device_max_state", "Maximum throttle state of the cooling device");
        for Device { name, files, .. } in self.cooling.shown() {
            let [kind, now, limit] = &mut files[..] else { continue };
            // Intel's powerclamp is at -1 while it does nothing.
            let (Some(now), Some(limit)) = (now.value::<i64>(), limit.value::<i64>()) else { continue };
            let labels = [("name", &name[COOLING.len()..]), ("type", kind.word().unwrap_or_default())];
            page.sample(current, &labels, now as f64);
            page.sample(most, &labels, limit as f64);
        }
        Ok(())
    }

    // A sensor behind a slow bus holds its reader up.
    fn may_block(&self) -> bool {
        true
    }

    fn presence(&self, host: &Host) -> Option<(Presence, Option<&'static str>)> {
        Some((Presence::in_directories(host, &["class/thermal"]), None))
    }
}
