//! Wireless devices from JSON files: `interfaces.json`, and for each device `bss.json` and `stationinfo.json` in a directory of
//! its name. Addresses are base64 and times nanoseconds, as Go writes them.

use std::path::Path;

use serde_json::Value;

use super::super::{Error, Malformed};
use super::{AccessPoint, Interface, Station, address, mode};
use crate::host::Host;

/// Keys of a station's numbers in the order of the families, and what they are divided by.
const NUMBERS: [(&str, f64); 12] = [
    ("connected", NANO),
    ("inactive", NANO),
    ("receivebitrate", 1.0),
    ("transmitbitrate", 1.0),
    ("receivedbytes", 1.0),
    ("transmittedbytes", 1.0),
    ("signal", 1.0),
    ("transmitretries", 1.0),
    ("transmitfailed", 1.0),
    ("beaconloss", 1.0),
    ("transmittedpackets", 1.0),
    ("receivedpackets", 1.0),
];
const NANO: f64 = 1e9;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn read(host: &Host, directory: &Path) -> Result<Vec<Interface>, Error> {
    let Some(list) = json(host, &directory.join("interfaces.json"))? else {
        return Err(Error::NoData("there is no interfaces.json"));
    };
    let interfaces = list.as_array().into_iter().flatten().map(|value| {
        let mut interface = parse_interface(value);
        let files = directory.join(&interface.name);
        if !interface.name.is_empty() {
            interface.point = json(host, &files.join("bss.json"))?.map(|value| parse_point(&value));
            let stations = json(host, &files.join("stationinfo.json"))?.unwrap_or_default();
            interface.stations = stations.as_array().into_iter().flatten().map(parse_station).collect();
        }
        Ok(interface)
    });
    interfaces.collect()
}

fn json(host: &Host, path: &Path) -> Result<Option<Value>, Error> {
    let mut file = host.file(path.to_owned());
    let Some((text, path)) = file.text_if_present()? else { return Ok(None) };
    let parsed = serde_json::from_str(text);
    parsed.map(Some).map_err(|error| Malformed::new(error.line(), format!("it is no JSON: {error}")).of(path))
}

fn parse_interface(value: &Value) -> Interface {
    Interface { name: text(&value["name"]), megahertz: value["frequency"].as_f64().unwrap_or_default(), ..Interface::default() }
}

fn parse_point(value: &Value) -> AccessPoint {
    AccessPoint {
        address: address(&base64(&text(&value["bssid"]))),
        name: text(&value["ssid"]),
        mode: mode(value["status"].as_u64().unwrap_or_default()),
    }
}

fn parse_station(value: &Value) -> Station {
    Station {
        address: address(&base64(&text(&value["hardwareaddr"]))),
        numbers: NUMBERS.map(|(key, divisor)| value[key].as_f64().unwrap_or_default() / divisor),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn base64(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for digit in text.bytes().filter_map(|letter| DIGITS.iter().position(|digit| *digit == letter)) {
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_go_writes_is_understood() {
        assert_eq!(address(&base64("AgBe//8B")), "02:00:5e:ff:ff:01");
        let point: Value = serde_json::from_str(r#"{"ssid": "Quay", "bssid": "AgBe//8B", "status": 2}"#).unwrap();
        let expected = AccessPoint { address: "02:00:5e:ff:ff:01".to_owned(), name: "Quay".to_owned(), mode: "ad-hoc" };
        assert_eq!(parse_point(&point), expected);
        let station: Value = serde_json::from_str(r#"{"connected": 1500000000, "signal": -40}"#).unwrap();
        let station = parse_station(&station);
        assert_eq!((station.numbers[0], station.numbers[6], station.address.as_str()), (1.5, -40.0, ""));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in ".*") {
            let _bytes = base64(&text);
            if let Ok(value) = serde_json::from_str(&text) {
                let _any = (parse_interface(&value), parse_point(&value), parse_station(&value));
            }
        }
    }
}
