//! Addresses of devices as netlink lists them: a fixed part of 8 bytes (`struct ifaddrmsg`), then attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::host::netlink::attributes;

/// RTM_GETADDR.
pub const GET: u16 = 22;
/// Any family, any device.
pub const REQUEST: [u8; FIXED] = [0; FIXED];

const NEW: u16 = 20;
const FIXED: usize = 8;
const IFA_ADDRESS: u16 = 1;
/// The own address; on point-to-point links IFA_ADDRESS is the other end's.
const IFA_LOCAL: u16 = 2;

#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    pub device: u32,
    pub ip: IpAddr,
    pub prefix: u8,
}

/// The address in one answer.
pub fn parse(kind: u16, body: &[u8]) -> Option<Address> {
    if kind != NEW {
        return None;
    }
    let prefix = *body.get(1)?;
    let device = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?);
    let find = |wanted: u16| attributes(body.get(FIXED..)?).find(|(kind, _)| *kind == wanted).map(|(_, bytes)| bytes);
    let bytes = find(IFA_LOCAL).or_else(|| find(IFA_ADDRESS))?;
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    Some(Address { device, ip, prefix })
}

/// How far an address reaches, in upstream's words.
pub fn scope(ip: IpAddr) -> &'static str {
    let near = match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local() || matches!(ip.octets(), [224, 0, 0, _]),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || matches!(ip.segments()[0] & 0xff0f, 0xff02),
    };
    let interface_local = matches!(ip, IpAddr::V6(ip) if ip.segments()[0] & 0xff0f == 0xff01);
    let nowhere = ip.is_unspecified()
        || ip.is_multicast()
        || ip == IpAddr::from(Ipv4Addr::BROADCAST)
        || ip == IpAddr::from(Ipv6Addr::UNSPECIFIED);
    match (near, interface_local, nowhere) {
        (true, ..) => "link-local",
        (_, true, _) => "interface-local",
        (.., false) => "global",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_own_address_of_a_link_is_taken() {
        let mut body = vec![2, 24, 0, 0, 3, 0, 0, 0];
        body.extend_from_slice(&[8, 0, 1, 0, 10, 0, 0, 9]);
        assert_eq!(
            parse(NEW, &body),
            Some(Address { device: u32::from_ne_bytes([3, 0, 0, 0]), ip: "10.0.0.9".parse().unwrap(), prefix: 24 })
        );
        body.extend_from_slice(&[8, 0, 2, 0, 10, 0, 0, 1]);
        assert_eq!(parse(NEW, &body).unwrap().ip, "10.0.0.1".parse::<IpAddr>().unwrap());
        assert_eq!(parse(NEW + 1, &body), None);
    }

    #[test]
    fn scopes_are_upstreams() {
        for (ip, expected) in [
            ("127.0.0.1", "link-local"),
            ("::1", "link-local"),
            ("169.254.1.1", "link-local"),
            ("fe80::1", "link-local"),
            ("ff02::1", "link-local"),
            ("224.0.0.1", "link-local"),
            ("ff01::1", "interface-local"),
            ("10.0.0.1", "global"),
            ("2001:db8::1", "global"),
            ("0.0.0.0", ""),
            ("239.1.1.1", ""),
            ("255.255.255.255", ""),
        ] {
            assert_eq!(scope(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_panic(bytes: Vec<u8>) {
            let _any = parse(NEW, &bytes);
        }
    }
}
