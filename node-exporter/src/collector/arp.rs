//! Neighbours known by ARP, counted by device: from netlink or, when a flag says so or a sandbox refuses netlink, from
//! `/proc/net/arp`, lines such as `192.0.2.1 0x1 0x2 02:00:00:00:00:01 * eth0`. IPv6 neighbours are not counted.

use std::collections::BTreeMap;

use super::{Collector, Error, Made, Malformed};
use crate::filter::Filter;
use crate::flag::{Flag, Flags};
use crate::host::netlink::{Netlink, attributes};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static INCLUDE: Flag =
    Flag::text("collector.arp.device-include", "", "Regexp of arp devices to include (mutually exclusive to device-exclude).");
static EXCLUDE: Flag =
    Flag::text("collector.arp.device-exclude", "", "Regexp of arp devices to exclude (mutually exclusive to device-include).");
static NETLINK: Flag = Flag::switch("collector.arp.netlink", true, "Use netlink to gather stats instead of /proc/net/arp.");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&INCLUDE, &EXCLUDE, &NETLINK];

// From the kernel's rtnetlink.h, neighbour.h and if_link.h.
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;
const IFLA_IFNAME: u16 = 3;
const NUD_NOARP: u16 = 0x40;
const AF_INET: u8 = 2;
/// `struct ndmsg`: family, padding, index, state, flags, type.
const NEIGHBOUR: usize = 12;
/// `struct ifinfomsg`.
const LINK: usize = 16;

struct Arp {
    // None: not asked for, or refused.
    route: Option<Netlink>,
    netlink: bool,
    file: Source,
    filter: Filter,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(Arp {
        route: None,
        netlink: flags.on(&NETLINK),
        file: host.proc("net/arp"),
        filter: Filter::both(flags, &EXCLUDE, &INCLUDE)?,
    }))
}

impl Collector for Arp {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        if self.netlink && self.route.is_none() {
            self.route = Netlink::route().ok();
            if self.route.is_none() {
                tracing::warn!("netlink is refused: ARP neighbours are read from procfs");
                self.netlink = false;
            }
        }
        let entries = match self.route.take() {
            Some(mut route) => {
                let entries = ask(&mut route).map_err(|source| Error::System { call: "netlink RTM_GETNEIGH", source })?;
                self.route = Some(route);
                entries
            }
            None => {
                let (text, path) = self.file.text()?;
                parse(text).map_err(|malformed| malformed.of(path))?
            }
        };
        let family = page.family("node_arp_entries", "ARP entries by device", Kind::Gauge);
        for (device, count) in entries.iter().filter(|(device, _)| self.filter.admits(device)) {
            page.sample(family, &[("device", device)], f64::from(*count));
        }
        Ok(())
    }
}

fn ask(route: &mut Netlink) -> std::io::Result<BTreeMap<String, u32>> {
    let mut counts: BTreeMap<i32, u32> = BTreeMap::new();
    let mut request = [0; NEIGHBOUR];
    request[0] = AF_INET;
    route.dump(RTM_GETNEIGH, &request, |kind, body| {
        if let Some(device) = parse_neighbour(kind, body) {
            *counts.entry(device).or_default() += 1;
        }
    })?;
    let mut entries = BTreeMap::new();
    if counts.is_empty() {
        return Ok(entries);
    }
    route.dump(RTM_GETLINK, &[0; LINK], |kind, body| {
        if let Some((count, name)) = parse_link(kind, body).and_then(|(index, name)| Some((counts.remove(&index)?, name))) {
            entries.insert(name, count);
        }
    })?;
    Ok(entries)
}

// The device of an IPv4 neighbour that was found by ARP.
fn parse_neighbour(kind: u16, body: &[u8]) -> Option<i32> {
    let head = body.get(..NEIGHBOUR).filter(|head| kind == RTM_NEWNEIGH && head[0] == AF_INET)?;
    let state = u16::from_ne_bytes(head[8..10].try_into().ok()?);
    let device = i32::from_ne_bytes(head[4..8].try_into().ok()?);
    (state & NUD_NOARP == 0).then_some(device)
}

fn parse_link(kind: u16, body: &[u8]) -> Option<(i32, String)> {
    let head = body.get(..LINK).filter(|_| kind == RTM_NEWLINK)?;
    let index = i32::from_ne_bytes(head[4..8].try_into().ok()?);
    let name = attributes(&body[LINK..]).find(|(kind, _)| *kind == IFLA_IFNAME)?.1;
    Some((index, String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(name)).into_owned()))
}

fn parse(text: &str) -> Result<BTreeMap<String, u32>, Malformed> {
    let mut entries = BTreeMap::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let fields = line.split_ascii_whitespace().count();
        // Upstream takes lines of other widths for headings of other kernels.
        if fields != 6 {
            return Err(Malformed::new(index + 1, format!("{fields} fields where there should be 6")));
        }
        let device = line.split_ascii_whitespace().next_back().unwrap_or_default();
        *entries.entry(device.to_owned()).or_default() += 1;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_are_counted_by_device() {
        let text = "IP address HW type Flags HW address Mask Device\n192.0.2.1 0x1 0x2 02:00:00:00:00:01 * eth0\n\
                    192.0.2.2 0x1 0x2 02:00:00:00:00:02 * eth0\n198.51.100.9 0x1 0x0 00:00:00:00:00:00 * eth1\n";
        assert_eq!(parse(text), Ok(BTreeMap::from([("eth0".to_owned(), 2), ("eth1".to_owned(), 1)])));
        assert_eq!(parse("IP address\n192.0.2.1 0x1\n").unwrap_err().line, 2);
        assert_eq!(parse(""), Ok(BTreeMap::new()));
    }

    #[test]
    fn neighbours_without_arp_and_of_other_families_are_passed_over() {
        let message = |family: u8, state: u16| {
            let mut body = vec![family, 0, 0, 0, 7, 0, 0, 0];
            body.extend_from_slice(&state.to_ne_bytes());
            body.extend_from_slice(&[0, 0]);
            body
        };
        for (body, expected) in
            [(message(AF_INET, 2), Some(7)), (message(AF_INET, NUD_NOARP), None), (message(10, 2), None), (vec![AF_INET], None)]
        {
            assert_eq!(parse_neighbour(RTM_NEWNEIGH, &body), expected);
        }
        assert!(ask(&mut Netlink::route().unwrap()).is_ok());
    }

    proptest! {
        #[test]
        fn anything_is_taken_without_panic(text in "(?s).*", bytes: Vec<u8>) {
            let _any = (parse(&text), parse_neighbour(RTM_NEWNEIGH, &bytes), parse_link(RTM_NEWLINK, &bytes));
        }
    }
}
