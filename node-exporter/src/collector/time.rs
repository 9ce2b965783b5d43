//! The clock, the local time zone, and the clock sources of `/sys/devices/system/clocksource`, such as
//! `kvm-clock tsc acpi_pm`.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Host, Roots, Source};
use crate::metric::{Kind, Page};

const DIRECTORY: &str = "devices/system/clocksource";

struct Time {
    zone: TimeZone,
    sources: Vec<(Source, Source)>,
}

/// Makes the collector. Time zone and clock source devices are looked up once: neither changes while a process lives.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    let sources = host.list_sys(DIRECTORY, "clocksource")?.into_iter().map(|device| {
        let file = |name: &str| host.sys(&format!("{DIRECTORY}/{device}/{name}"));
        (file("available_clocksource"), file("current_clocksource"))
    });
    let sources = sources.collect();
    Ok(Box::new(Time { zone: local_zone(host.roots(), std::env::var("TZ").ok().as_deref()), sources }))
}

impl Collector for Time {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let now = SystemTime::now();
        // Clocks before 1970 are seen on boards without a battery: they show as negative.
        let seconds =
            now.duration_since(UNIX_EPOCH).map_or_else(|before| -before.duration().as_secs_f64(), |since| since.as_secs_f64());
        page.single("node_time_seconds", "System time in seconds since epoch (1970).", Kind::Gauge, seconds);
        let zone = page.family("node_time_zone_offset_seconds", "System time zone offset in seconds.", Kind::Gauge);
        if let Ok(now) = jiff::Timestamp::try_from(now) {
            let info = self.zone.to_offset_info(now);
            page.sample(zone, &[("time_zone", info.abbreviation())], f64::from(info.offset().seconds()));
        }
        let available = page.family(
            "node_time_clocksource_available_info",
            "Available clocksources read from '/sys/devices/system/clocksource'.",
            Kind::Gauge,
        );
        let current = page.family(
            "node_time_clocksource_current_info",
            "Current clocksource read from '/sys/devices/system/clocksource'.",
            Kind::Gauge,
        );
        for (device, (known, used)) in self.sources.iter_mut().enumerate() {
            let device = device.to_string();
            for source in known.text()?.0.split_whitespace() {
                page.sample(available, &[("clocksource", source), ("device", &device)], 1.0);
            }
            page.sample(current, &[("clocksource", used.text()?.0.trim()), ("device", &device)], 1.0);
        }
        Ok(())
    }
}

// As Go finds it: TZ unset means the file of local time, empty means UTC, else a file or a name. What cannot be read is UTC.
fn local_zone(roots: &Roots, name: Option<&str>) -> TimeZone {
    let path = match name.map(|name| name.trim_start_matches(':')) {
        None => roots.local_time.clone(),
        Some("" | "UTC") => return TimeZone::UTC,
        Some(path) if path.starts_with('/') => PathBuf::from(path),
        Some(name) => roots.time_zones.join(name),
    };
    let zone = std::fs::read(&path).ok().and_then(|bytes| TimeZone::tzif("Local", &bytes).ok());
    zone.unwrap_or(TimeZone::UTC)
}
