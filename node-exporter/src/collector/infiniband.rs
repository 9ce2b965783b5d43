//! InfiniBand and RoCE adapters: `class/infiniband/<device>/ports/<port>` in sysfs, one number a file. Of the counters, which
//! stand in three directories, each driver has its own choice.

mod counters;

use std::collections::HashMap;

use self::counters::{COUNTERS, PORT_FILES};
use super::{Collector, Error, Made, Malformed, number};
use crate::filter::Filter;
use crate::flag::{Flag, Flags};
use crate::host::{Device, Devices, Host, Presence, Source};
use crate::metric::{Kind, Page};

static INCLUDE: Flag = Flag::text(
    "collector.infiniband.device-include",
    "",
    "Regexp of infiniband devices to include (mutually exclusive to device-exclude).",
);
static EXCLUDE: Flag = Flag::text(
    "collector.infiniband.device-exclude",
    "",
    "Regexp of infiniband devices to exclude (mutually exclusive to device-include).",
);

/// Its flags.
pub const FLAGS: &[&Flag] = &[&INCLUDE, &EXCLUDE];

/// Bytes per second in a gigabit per second.
const GIGABIT: f64 = 125_000_000.0;

const DIRECTORY: &str = "class/infiniband";
const NONE: &str = "the machine has no InfiniBand adapter";

struct InfiniBand {
    devices: Devices,
    // By device.
    ports: HashMap<String, Devices>,
    filter: Filter,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let devices = Devices::new(host, DIRECTORY, &["board_id", "fw_ver", "hca_type"]);
    Ok(Box::new(InfiniBand { devices, ports: HashMap::new(), filter: Filter::both(flags, &EXCLUDE, &INCLUDE)? }))
}

impl Collector for InfiniBand {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { devices, ports, filter } = self;
        if !devices.refresh(host, |name| filter.admits(name))? {
            return Err(Error::NoData(NONE));
        }
        ports.retain(|name, _| devices.shown().any(|device| device.name == *name));
        let help = "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.";
        let info = page.family("node_infiniband_info", help, Kind::Gauge);
        for Device { name, files, .. } in devices.shown() {
            let [board, firmware, kind] = &mut files[..] else { continue };
            let labels = [
                ("board_id", board.word().unwrap_or_default()),
                ("device", name),
                ("firmware_version", firmware.word().unwrap_or_default()),
                ("hca_type", kind.word().unwrap_or_default()),
            ];
            page.sample(info, &labels, 1.0);
            let below = || Devices::new(host, &format!("class/infiniband/{name}/ports"), &PORT_FILES);
            let ports = ports.entry(name.clone()).or_insert_with(below);
            ports.refresh(host, |_| true)?;
            for port in ports.shown() {
                write_port(name, port, page)?;
            }
        }
        Ok(())
    }

    // An adapter in trouble answers slowly or not at all.
    fn may_block(&self) -> bool {
        true
    }

    fn presence(&self, host: &Host) -> Option<(Presence, Option<&'static str>)> {
        Some((Presence::in_directories(host, &[DIRECTORY]), Some(NONE)))
    }
}

fn write_port(device: &str, port: &mut Device, page: &mut Page) -> Result<(), Error> {
    let Device { name: port, files, .. } = port;
    let labels = [("device", device), ("port", port.as_str())];
    let gauge = |page: &mut Page, name, help, value: f64| {
        let family = page.family(name, help, Kind::Gauge);
        page.sample(family, &labels, value);
    };
    let help = "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)";
    gauge(page, "node_infiniband_state_id", help, understood(&mut files[0], parse_state)?);
    let help = "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, 5: link up, 6: link error recover, 7: phytest)";
    gauge(page, "node_infiniband_physical_state_id", help, understood(&mut files[1], parse_state)?);
    let rate = understood(&mut files[2], parse_rate)?;
    gauge(page, "node_infiniband_rate_bytes_per_second", "Maximum signal transfer rate", rate);
    for (counter, file) in COUNTERS.iter().zip(&mut files[PORT_FILES.len() - COUNTERS.len()..]) {
        // Some say `N/A (no PMA)` where they have no number.
        if let Some(value) = file.value::<u64>() {
            let family = page.family(counter.name, counter.help, counter.kind);
            page.sample(family, &labels, counter.unit.of(value) as f64);
        }
    }
    Ok(())
}

fn understood(file: &mut Source, parse: fn(&str) -> Result<f64, Malformed>) -> Result<f64, Error> {
    let (text, path) = file.text()?;
    parse(text.trim()).map_err(|malformed| malformed.of(path))
}

// `4: ACTIVE`
fn parse_state(text: &str) -> Result<f64, Malformed> {
    number::<u32>(text.split_once(':').map(|(id, _)| id.trim()), 1).map(f64::from)
}

// `100 Gb/sec (4X EDR)`
fn parse_rate(text: &str) -> Result<f64, Malformed> {
    let rate: f32 = number(text.split_once(' ').map(|(rate, _)| rate), 1)?;
    Ok((f64::from(rate) * GIGABIT).trunc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn states_and_rates_start_with_their_number() {
        assert_eq!((parse_state("4: ACTIVE"), parse_rate("2.5 Gb/sec (1X SDR)")), (Ok(4.0), Ok(312_500_000.0)));
        for bad in ["", "4", "x: ACTIVE", "Gb/sec", "-"] {
            assert!(parse_state(bad).is_err() && parse_rate(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "[0-9.]{0,40}[: ]?.*") {
            let _any = (parse_state(&text), parse_rate(&text));
        }
    }
}
