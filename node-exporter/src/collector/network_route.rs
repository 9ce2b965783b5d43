//! Routes of this process's network namespace, by netlink: unicast routes of all tables, each way of a multipath route on its
//! own.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::Host;
use crate::host::netlink::{Netlink, attributes, word};
use crate::metric::{Kind, Page};

// From the kernel's rtnetlink.h and if_link.h.
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const IFLA_IFNAME: u16 = 3;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_MULTIPATH: u16 = 9;
const RTN_UNICAST: u8 = 1;
/// `struct ifinfomsg`, `struct rtmsg` and `struct rtnexthop`.
const LINK_HEAD: usize = 16;
const ROUTE_HEAD: usize = 12;
const HOP_HEAD: usize = 8;
/// Routes that are shown: a router of the whole internet has a million, which no scrape should carry.
const MAX_ROUTES: usize = 100_000;

/// Who made a route, from the kernel's rtnetlink.h.
const PROTOCOLS: [(u8, &str); 21] = [
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (17, "mrouted"),
    (42, "babel"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (192, "eigrp"),
];

struct NetworkRoute;

/// Makes the collector.
pub fn new(_host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(NetworkRoute))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Way {
    device: u32,
    source: String,
    destination: String,
    gateway: String,
    priority: u32,
    protocol: &'static str,
    weight: String,
}

impl Collector for NetworkRoute {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let failed = |source| Error::System { call: "netlink RTM_GETROUTE", source };
        let mut socket = Netlink::route().map_err(failed)?;
        let mut names = HashMap::new();
        socket
            .dump(RTM_GETLINK, &[0; LINK_HEAD], |kind, body| {
                let name = body.get(LINK_HEAD..).and_then(|rest| attributes(rest).find(|(kind, _)| *kind == IFLA_IFNAME));
                if let (RTM_NEWLINK, Some((_, name)), Some(index)) = (kind, name, word(body, 4)) {
                    let name = name.strip_suffix(b"\0").unwrap_or(name);
                    names.insert(index, String::from_utf8_lossy(name).into_owned());
                }
            })
            .map_err(failed)?;
        let mut ways = Vec::new();
        socket
            .dump(RTM_GETROUTE, &[0; ROUTE_HEAD], |kind, body| {
                if ways.len() < MAX_ROUTES {
                    ways.extend(parse(kind, body).into_iter().flatten());
                }
            })
            .map_err(failed)?;
        let info = page.family("node_network_route_info", "network routing table information", Kind::Gauge);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for way in &ways {
            let device = names.get(&way.device).map(String::as_str).unwrap_or_default();
            *counts.entry(device).or_default() += 1;
            let labels = [
                ("dest", way.destination.as_str()),
                ("device", device),
                ("gw", &way.gateway),
                ("priority", &way.priority.to_string()),
                ("proto", way.protocol),
                ("src", &way.source),
                ("weight", &way.weight),
            ];
            page.sample(info, &labels, 1.0);
        }
        let routes = page.family("node_network_routes", "network routes by interface", Kind::Gauge);
        for (device, count) in counts {
            page.sample(routes, &[("device", device)], f64::from(count));
        }
        Ok(())
    }
}

fn parse(kind: u16, body: &[u8]) -> Option<Vec<Way>> {
    let head = body.get(..ROUTE_HEAD).filter(|head| kind == RTM_NEWROUTE && head[7] == RTN_UNICAST)?;
    let rest = &body[ROUTE_HEAD..];
    let find = |wanted: u16| attributes(rest).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    let number = |wanted: u16| find(wanted).and_then(|value| word(value, 0)).unwrap_or_default();
    let text = |wanted: u16| find(wanted).and_then(address).map(|address| address.to_string()).unwrap_or_default();
    let (length, protocol) = (head[1], head[5]);
    let common = || Way {
        device: number(RTA_OIF),
        source: text(RTA_PREFSRC),
        destination: if length == 0 { "default".to_owned() } else { format!("{}/{length}", text(RTA_DST)) },
        gateway: text(RTA_GATEWAY),
        priority: number(RTA_PRIORITY),
        protocol: PROTOCOLS.iter().find(|(number, _)| *number == protocol).map_or("unknown", |(_, name)| name),
        weight: String::new(),
    };
    let Some(hops) = find(RTA_MULTIPATH) else { return Some(vec![common()]) };
    let ways = next_hops(hops).map(|hop| {
        let gateway = attributes(&hop[HOP_HEAD..]).find(|(kind, _)| *kind == RTA_GATEWAY).and_then(|(_, value)| address(value));
        Way {
            device: word(hop, 4).unwrap_or_default(),
            gateway: gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
            weight: (u32::from(hop[3]) + 1).to_string(),
            ..common()
        }
    });
    Some(ways.collect())
}

// Each starts with its length, and the next on a boundary of four bytes.
fn next_hops(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
        let hop = bytes.get(..length).filter(|_| length >= HOP_HEAD)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(hop)
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::netlink::attribute;

    #[test]
    fn single_and_multipath_routes_are_understood() {
        let head = [2, 24, 0, 0, 254, 2, 253, RTN_UNICAST, 0, 0, 0, 0];
        let plain = [&head[..], &attribute(RTA_DST, &[192, 0, 2, 0]), &attribute(RTA_OIF, &2_u32.to_ne_bytes())].concat();
        let way = Way { device: 2, destination: "192.0.2.0/24".to_owned(), protocol: "kernel", ..Way::default() };
        assert_eq!(parse(RTM_NEWROUTE, &plain), Some(vec![way]));
        let mut hop = vec![16, 0, 0, 9, 7, 0, 0, 0];
        hop.extend(attribute(RTA_GATEWAY, &[192, 0, 2, 1]));
        let mut head = head;
        head[1] = 0;
        let ways = parse(RTM_NEWROUTE, &[&head[..], &attribute(RTA_MULTIPATH, &hop)].concat()).unwrap();
        assert_eq!((ways.len(), ways[0].destination.as_str(), ways[0].gateway.as_str()), (1, "default", "192.0.2.1"));
        assert_eq!((ways[0].device, ways[0].weight.as_str()), (7, "10"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let mut route = bytes.clone();
            if let Some(kind) = route.get_mut(7) {
                *kind = RTN_UNICAST;
            }
            let _any = (parse(RTM_NEWROUTE, &bytes), parse(RTM_NEWROUTE, &route));
        }
    }
}
