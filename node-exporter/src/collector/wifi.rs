//! Wireless devices: their frequency, the access point they are at, and the stations they talk to. From the kernel by netlink
//! (`nl80211`), or from JSON files in the directory of a test flag, in the shape that upstream's tests have.

mod fixture;
mod nl80211;

use self::nl80211::Nl80211;
use super::{Collector, Error, Made};
use crate::flag::{Flag, Flags};
use crate::host::Host;
use crate::metric::{Kind, Page};

static FIXTURES: Flag = Flag::text("collector.wifi.fixtures", "", "test fixtures to use for wifi collector metrics");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&FIXTURES];

const HERTZ: f64 = 1_000_000.0;
/// Family, help and kind of a station's numbers.
const NUMBERS: [(&str, &str, Kind); 12] = [
    (
        "node_wifi_station_connected_seconds_total",
        "The total number of seconds a station has been connected to an access point.",
        Kind::Counter,
    ),
    (
        "node_wifi_station_inactive_seconds",
        "The number of seconds since any wireless activity has occurred on a station.",
        Kind::Gauge,
    ),
    (
        "node_wifi_station_receive_bits_per_second",
        "The current WiFi receive bitrate of a station, in bits per second.",
        Kind::Gauge,
    ),
    (
        "node_wifi_station_transmit_bits_per_second",
        "The current WiFi transmit bitrate of a station, in bits per second.",
        Kind::Gauge,
    ),
    ("node_wifi_station_receive_bytes_total", "The total number of bytes received by a WiFi station.", Kind::Counter),
    ("node_wifi_station_transmit_bytes_total", "The total number of bytes transmitted by a WiFi station.", Kind::Counter),
    ("node_wifi_station_signal_dbm", "The current WiFi signal strength, in decibel-milliwatts (dBm).", Kind::Gauge),
    (
        "node_wifi_station_transmit_retries_total",
        "The total number of times a station has had to retry while sending a packet.",
        Kind::Counter,
    ),
    (
        "node_wifi_station_transmit_failed_total",
        "The total number of times a station has failed to send a packet.",
        Kind::Counter,
    ),
    ("node_wifi_station_beacon_loss_total", "The total number of times a station has detected a beacon loss.", Kind::Counter),
    ("node_wifi_station_transmitted_packets_total", "The total number of packets transmitted by a station.", Kind::Counter),
    ("node_wifi_station_received_packets_total", "The total number of packets received by a station.", Kind::Counter),
];

/// One wireless device.
#[derive(Clone, Debug, Default, PartialEq)]
struct Interface {
    name: String,
    megahertz: f64,
    point: Option<AccessPoint>,
    stations: Vec<Station>,
}

/// What a device is joined to.
#[derive(Clone, Debug, PartialEq)]
struct AccessPoint {
    address: String,
    name: String,
    mode: &'static str,
}

/// One station, with its numbers in the order of [`NUMBERS`].
#[derive(Clone, Debug, PartialEq)]
struct Station {
    address: String,
    numbers: [f64; NUMBERS.len()],
}

// By the kernel's number of the state.
fn mode(state: u64) -> &'static str {
    match state {
        0 | 1 => "client",
        2 => "ad-hoc",
        _ => "unknown",
    }
}

fn address(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

struct Wifi {
    fixtures: Option<std::path::PathBuf>,
}

/// Makes the collector.
pub fn new(_host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(Wifi { fixtures: flags.given(&FIXTURES).map(Into::into) }))
}

impl Collector for Wifi {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let interfaces = match &self.fixtures {
            Some(directory) => fixture::read(host, directory)?,
            None => {
                let failed = |source| Error::System { call: "netlink nl80211", source };
                let kernel = Nl80211::open().map_err(failed)?;
                kernel.ok_or(Error::NoData("the kernel knows no wireless devices"))?.interfaces().map_err(failed)?
            }
        };
        let mut gauge = |name, help| page.family(name, help, Kind::Gauge);
        let frequency =
            gauge("node_wifi_interface_frequency_hertz", "The current frequency a WiFi interface is operating at, in hertz.");
        let info =
            gauge("node_wifi_station_info", "Labeled WiFi interface station information as provided by the operating system.");
        let families = NUMBERS.map(|(name, help, kind)| page.family(name, help, kind));
        // A device without a name is the radio's own, as of the peers it connects.
        for Interface { name, megahertz, point, stations } in interfaces.iter().filter(|interface| !interface.name.is_empty()) {
            page.sample(frequency, &[("device", name)], megahertz * HERTZ);
            if let Some(AccessPoint { address, name: ssid, mode }) = point {
                page.sample(info, &[("bssid", address), ("device", name), ("mode", mode), ("ssid", ssid)], 1.0);
            }
            for Station { address, numbers } in stations {
                for (family, number) in families.into_iter().zip(numbers) {
                    page.sample(family, &[("device", name), ("mac_address", address)], *number);
                }
            }
        }
        Ok(())
    }

    // The driver may have to ask the radio.
    fn may_block(&self) -> bool {
        true
    }
}
