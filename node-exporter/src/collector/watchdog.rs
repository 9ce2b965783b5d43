//! Watchdog timers: `class/watchdog/watchdog*` in sysfs, one number or word a file.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host};
use crate::metric::{Kind, Page};

/// Family and help of the first files below, in order.
const FAMILIES: [(&str, &str); 7] = [
    ("node_watchdog_bootstatus", "Value of /sys/class/watchdog/<watchdog>/bootstatus"),
    ("node_watchdog_fw_version", "Value of /sys/class/watchdog/<watchdog>/fw_version"),
    ("node_watchdog_nowayout", "Value of /sys/class/watchdog/<watchdog>/nowayout"),
    ("node_watchdog_timeleft_seconds", "Value of /sys/class/watchdog/<watchdog>/timeleft"),
    ("node_watchdog_timeout_seconds", "Value of /sys/class/watchdog/<watchdog>/timeout"),
    ("node_watchdog_pretimeout_seconds", "Value of /sys/class/watchdog/<watchdog>/pretimeout"),
    ("node_watchdog_access_cs0", "Value of /sys/class/watchdog/<watchdog>/access_cs0"),
];
const FILES: [&str; 12] = [
    "bootstatus",
    "fw_version",
    "nowayout",
    "timeleft",
    "timeout",
    "pretimeout",
    "access_cs0",
    "identity",
    "options",
    "pretimeout_governor",
    "state",
    "status",
];

struct Watchdog {
    timers: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Watchdog { timers: Devices::new(host, "class/watchdog", &FILES) }))
}

impl Collector for Watchdog {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        if !self.timers.refresh(host, |_| true)? {
            return Err(Error::NoData("the machine has no watchdog"));
        }
        let families = FAMILIES.map(|(name, help)| page.family(name, help, Kind::Gauge));
        let info = page.family("node_watchdog_info", "Info of /sys/class/watchdog/<watchdog>", Kind::Gauge);
        for Device { name, files, .. } in self.timers.shown() {
            for (family, file) in families.into_iter().zip(files.iter_mut()) {
                if let Some(value) = file.value::<i64>() {
                    page.sample(family, &[("name", name)], value as f64);
                }
            }
            let [identity, options, governor, state, status] = &mut files[FAMILIES.len()..] else { continue };
            let labels = [
                ("identity", identity.word().unwrap_or_default()),
                ("name", name),
                ("options", options.word().unwrap_or_default()),
                ("pretimeout_governor", governor.word().unwrap_or_default()),
                ("state", state.word().unwrap_or_default()),
                ("status", status.word().unwrap_or_default()),
            ];
            page.sample(info, &labels, 1.0);
        }
        Ok(())
    }
}
