//! Wireless devices from the kernel: generic netlink to the family `nl80211`; see the kernel's `nl80211.h` for the layout.

use std::io;

use super::{AccessPoint, Interface, Station, address, mode};
use crate::host::netlink::{Netlink, attributes};

/// Generic netlink's own family, which knows the numbers of the others.
const CONTROL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const FAMILY: &[u8] = b"nl80211\0";

const CMD_GET_INTERFACE: u8 = 5;
const CMD_GET_STATION: u8 = 17;
const CMD_GET_SCAN: u8 = 32;
const ATTR_IFINDEX: u16 = 3;
const ATTR_IFNAME: u16 = 4;
const ATTR_MAC: u16 = 6;
const ATTR_STA_INFO: u16 = 21;
const ATTR_WIPHY_FREQ: u16 = 38;
const ATTR_BSS: u16 = 47;
const BSS_BSSID: u16 = 1;
const BSS_INFORMATION_ELEMENTS: u16 = 6;
const BSS_STATUS: u16 = 9;
const SSID_ELEMENT: u8 = 0;
const RATE_BITRATE: u16 = 1;
const RATE_BITRATE32: u16 = 5;
/// `struct genlmsghdr`: command, version, two bytes of nothing.
const HEAD: usize = 4;
/// The kernel may mark an attribute that holds others in the upper bits of its kind.
const KIND: u16 = 0x3fff;
/// Bits in the 100 kbit that rates are counted in, and milliseconds in a second.
const RATE: f64 = 100_000.0;
const MILLI: f64 = 1000.0;

/// An open socket, and the number of the family.
pub struct Nl80211 {
    socket: Netlink,
    family: u16,
}

impl Nl80211 {
    /// `None`: this kernel knows no wireless devices.
    pub fn open() -> io::Result<Option<Self>> {
        let mut socket = Netlink::generic()?;
        let mut family = None;
        socket.dump(CONTROL, &[CTRL_CMD_GETFAMILY, 1, 0, 0], |_, body| {
            if attribute(body, CTRL_ATTR_FAMILY_NAME) == Some(FAMILY) {
                let id = attribute(body, CTRL_ATTR_FAMILY_ID).and_then(|id| id.get(..2)?.try_into().ok());
                family = id.map(u16::from_ne_bytes).or(family);
            }
        })?;
        Ok(family.map(|family| Self { socket, family }))
    }

    /// All devices, each with what it is joined to.
    pub fn interfaces(mut self) -> io::Result<Vec<Interface>> {
        let mut found = Vec::new();
        self.ask(CMD_GET_INTERFACE, None, |body| found.extend(parse_interface(body)))?;
        let mut interfaces = Vec::new();
        for (index, mut interface) in found {
            // A device that went meanwhile has neither.
            let point = &mut interface.point;
            let _gone = self.ask(CMD_GET_SCAN, Some(index), |body| *point = parse_point(body).or_else(|| point.take()));
            let stations = &mut interface.stations;
            let _gone = self.ask(CMD_GET_STATION, Some(index), |body| stations.extend(parse_station(body)));
            interfaces.push(interface);
        }
        Ok(interfaces)
    }

    fn ask(&mut self, command: u8, device: Option<u32>, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut request = vec![command, 1, 0, 0];
        if let Some(device) = device {
            request.extend_from_slice(&8_u16.to_ne_bytes());
            request.extend_from_slice(&ATTR_IFINDEX.to_ne_bytes());
            request.extend_from_slice(&device.to_ne_bytes());
        }
        self.socket.dump(self.family, &request, |_, body| each(body))
    }
}

// An attribute of a whole message, which starts with its head.
fn attribute(body: &[u8], wanted: u16) -> Option<&[u8]> {
    inner(body.get(HEAD..)?, wanted)
}

fn inner(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(kind, _)| kind & KIND == wanted).map(|(_, value)| value)
}

// A number of one, two, four or eight bytes; 0 without it.
fn number(bytes: Option<&[u8]>) -> u64 {
    let Some(bytes) = bytes else { return 0 };
    let mut wide = [0; 8];
    // In the machine's own order: the bytes stand at the end of the lower half that they fill.
    let start = if cfg!(target_endian = "big") { wide.len().saturating_sub(bytes.len()) } else { 0 };
    for (place, byte) in wide[start..].iter_mut().zip(bytes) {
        *place = *byte;
    }
    u64::from_ne_bytes(wide)
}

fn parse_interface(body: &[u8]) -> Option<(u32, Interface)> {
    let index = u32::try_from(number(Some(attribute(body, ATTR_IFINDEX)?))).ok()?;
    let name = attribute(body, ATTR_IFNAME)?;
    let name = String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(name)).into_owned();
    let megahertz = number(attribute(body, ATTR_WIPHY_FREQ)) as f64;
    Some((index, Interface { name, megahertz, ..Interface::default() }))
}

// Of all access points that were seen, the one that the device is joined to has a status.
fn parse_point(body: &[u8]) -> Option<AccessPoint> {
    let point = attribute(body, ATTR_BSS)?;
    let status = number(Some(inner(point, BSS_STATUS)?));
    let name = inner(point, BSS_INFORMATION_ELEMENTS).and_then(ssid).unwrap_or_default();
    Some(AccessPoint { address: address(inner(point, BSS_BSSID)?), name, mode: mode(status) })
}

// Elements of a number, a length and as many bytes.
fn ssid(mut elements: &[u8]) -> Option<String> {
    loop {
        let length = usize::from(*elements.get(1)?);
        let value = elements.get(2..2 + length)?;
        if elements[0] == SSID_ELEMENT {
            return Some(String::from_utf8_lossy(value).into_owned());
        }
        elements = &elements[2 + length..];
    }
}

fn parse_station(body: &[u8]) -> Option<Station> {
    let (mac, info) = (attribute(body, ATTR_MAC)?, attribute(body, ATTR_STA_INFO)?);
    let of = |wanted: u16| inner(info, wanted);
    let count = |wanted: u16| number(of(wanted)) as f64;
    let wide = |wide: u16, narrow: u16| number(of(wide).or_else(|| of(narrow))) as f64;
    let rate = |wanted: u16| {
        let rate = of(wanted).unwrap_or_default();
        number(inner(rate, RATE_BITRATE32).or_else(|| inner(rate, RATE_BITRATE))) as f64 * RATE
    };
    let signal = of(7).and_then(|signal| signal.first()).map_or(0.0, |signal| f64::from(signal.cast_signed()));
    // The numbers of NL80211_STA_INFO.
    let numbers = [
        count(16),
        count(1) / MILLI,
        rate(14),
        rate(8),
        wide(23, 2),
        wide(24, 3),
        signal,
        count(11),
        count(12),
        count(18),
        count(10),
        count(9),
    ];
    Some(Station { address: address(mac), numbers })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::netlink::attribute as of;

    #[test]
    fn devices_points_and_stations_are_understood() {
        let head = [0; HEAD];
        let device =
            [&head[..], &of(ATTR_IFINDEX, &[3, 0, 0, 0]), &of(ATTR_IFNAME, b"wlan0\0"), &of(ATTR_WIPHY_FREQ, &[0x6c, 9, 0, 0])];
        let (index, interface) = parse_interface(&device.concat()).unwrap();
        assert_eq!((index, interface.name.as_str(), interface.megahertz), (3, "wlan0", 2412.0));
        let inside = [
            of(BSS_BSSID, &[2, 0, 0, 0, 0, 1]),
            of(BSS_STATUS, &[1, 0, 0, 0]),
            of(BSS_INFORMATION_ELEMENTS, b"\x01\x01x\x00\x04Quay"),
        ];
        let point = parse_point(&[&head[..], &of(ATTR_BSS | 0x8000, &inside.concat())].concat()).unwrap();
        assert_eq!((point.address.as_str(), point.name.as_str(), point.mode), ("02:00:00:00:00:01", "Quay", "client"));
        let inside = [of(7, &[0xd0]), of(16, &[60, 0, 0, 0]), of(1, &[0xf4, 1, 0, 0]), of(8, &of(RATE_BITRATE, &[10, 0]))];
        let station = parse_station(&[&head[..], &of(ATTR_MAC, &[1; 6]), &of(ATTR_STA_INFO, &inside.concat())].concat()).unwrap();
        assert_eq!(
            (station.numbers[0], station.numbers[1], station.numbers[3], station.numbers[6]),
            (60.0, 0.5, 1_000_000.0, -48.0)
        );
    }

    #[test]
    fn this_kernel_answers_or_knows_no_wireless() {
        if let Some(kernel) = Nl80211::open().unwrap() {
            assert!(kernel.interfaces().is_ok());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _any = (parse_interface(&bytes), parse_point(&bytes), parse_station(&bytes), ssid(&bytes));
        }
    }
}
