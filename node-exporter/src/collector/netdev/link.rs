//! Devices as netlink lists them: a fixed part of 16 bytes (`struct ifinfomsg`), then attributes, among them the name and
//! 64-bit counters (`struct rtnl_link_stats64`, in its order).

use crate::host::netlink::attributes;

/// RTM_GETLINK.
pub const GET: u16 = 18;
/// Any family, any device.
pub const REQUEST: [u8; FIXED] = [0; FIXED];

const NEW: u16 = 16;
const FIXED: usize = 16;
const IFLA_IFNAME: u16 = 3;
const IFLA_STATS64: u16 = 23;

/// The kernel's counters in its order. Newer kernels have one more, which upstream does not show.
pub const DETAILED: [&str; 24] = [
    "receive_packets",
    "transmit_packets",
    "receive_bytes",
    "transmit_bytes",
    "receive_errors",
    "transmit_errors",
    "receive_dropped",
    "transmit_dropped",
    "multicast",
    "collisions",
    "receive_length_errors",
    "receive_over_errors",
    "receive_crc_errors",
    "receive_frame_errors",
    "receive_fifo_errors",
    "receive_missed_errors",
    "transmit_aborted_errors",
    "transmit_carrier_errors",
    "transmit_fifo_errors",
    "transmit_heartbeat_errors",
    "transmit_window_errors",
    "receive_compressed",
    "transmit_compressed",
    "receive_nohandler",
];

pub type Counters = [u64; DETAILED.len()];

/// The names of `/proc/net/dev`, and one that is not there.
pub const USUAL: [&str; 17] = [
    "receive_bytes",
    "receive_packets",
    "receive_errs",
    "receive_drop",
    "receive_fifo",
    "receive_frame",
    "receive_compressed",
    "receive_multicast",
    "receive_nohandler",
    "transmit_bytes",
    "transmit_packets",
    "transmit_errs",
    "transmit_drop",
    "transmit_fifo",
    "transmit_colls",
    "transmit_carrier",
    "transmit_compressed",
];

/// The counters under the usual names, summed as the kernel sums them in `/proc/net/dev`.
pub fn usual(counters: &Counters) -> [u64; USUAL.len()] {
    let [
        rx_packets,
        tx_packets,
        rx_bytes,
        tx_bytes,
        rx_errors,
        tx_errors,
        rx_dropped,
        tx_dropped,
        multicast,
        collisions,
        rx_length,
        rx_over,
        rx_crc,
        rx_frame,
        rx_fifo,
        rx_missed,
        tx_aborted,
        tx_carrier,
        tx_fifo,
        tx_heartbeat,
        tx_window,
        rx_compressed,
        tx_compressed,
        rx_nohandler,
    ] = *counters;
    let sum = |parts: &[u64]| parts.iter().fold(0, |sum: u64, part| sum.wrapping_add(*part));
    [
        rx_bytes,
        rx_packets,
        rx_errors,
        sum(&[rx_dropped, rx_missed]),
        rx_fifo,
        sum(&[rx_frame, rx_length, rx_over, rx_crc]),
        rx_compressed,
        multicast,
        rx_nohandler,
        tx_bytes,
        tx_packets,
        tx_errors,
        tx_dropped,
        tx_fifo,
        collisions,
        sum(&[tx_carrier, tx_aborted, tx_heartbeat, tx_window]),
        tx_compressed,
    ]
}

/// Name and counters of the device in one answer.
pub fn parse(kind: u16, body: &[u8]) -> Option<(&[u8], Counters)> {
    let (_, name) = parse_name(kind, body)?;
    let (_, bytes) = attributes(body.get(FIXED..)?).find(|(kind, _)| *kind == IFLA_STATS64)?;
    let mut counters = Counters::default();
    for (counter, word) in counters.iter_mut().zip(bytes.chunks_exact(8)) {
        *counter = u64::from_ne_bytes(word.try_into().ok()?);
    }
    Some((name, counters))
}

/// Number and name of the device in one answer.
pub fn parse_name(kind: u16, body: &[u8]) -> Option<(u32, &[u8])> {
    if kind != NEW {
        return None;
    }
    let index = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?);
    let (_, name) = attributes(body.get(FIXED..)?).find(|(kind, _)| *kind == IFLA_IFNAME)?;
    Some((index, name.strip_suffix(b"\0").unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![0; FIXED];
        body[4] = 7;
        for (kind, value) in attributes {
            body.extend_from_slice(&(value.len() as u16 + 4).to_ne_bytes());
            body.extend_from_slice(&kind.to_ne_bytes());
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body
    }

    #[test]
    fn name_and_counters_are_found() {
        // Old kernels give fewer counters, new ones more.
        for given in [10_u64, 24, 25] {
            let stats: Vec<u8> = (1..=given).flat_map(u64::to_ne_bytes).collect();
            let body = answer(&[(1, b"x"), (IFLA_IFNAME, b"eth0\0"), (IFLA_STATS64, &stats)]);
            let (name, counters) = parse(NEW, &body).unwrap();
            assert_eq!((name, counters[9], counters[23]), (&b"eth0"[..], 10, if given >= 24 { 24 } else { 0 }));
            assert_eq!(parse_name(NEW, &body), Some((7, &b"eth0"[..])));
            assert_eq!(parse(NEW + 1, &body), None);
        }
        assert_eq!(parse(NEW, &answer(&[(IFLA_IFNAME, b"eth0\0")])), None);
    }

    #[test]
    fn the_usual_names_sum_as_the_kernel_does() {
        let counters: Counters = std::array::from_fn(|place| 1 << place);
        let usual = usual(&counters);
        let named = |name: &str| usual[USUAL.iter().position(|usual| *usual == name).unwrap()];
        let bit = |name: &str| 1 << DETAILED.iter().position(|detailed| *detailed == name).unwrap();
        assert_eq!(named("receive_drop"), bit("receive_dropped") + bit("receive_missed_errors"));
        let frame: u64 = ["receive_frame_errors", "receive_length_errors", "receive_over_errors", "receive_crc_errors"]
            .into_iter()
            .map(bit)
            .sum();
        assert_eq!(named("receive_frame"), frame);
        let carrier: u64 =
            ["transmit_carrier_errors", "transmit_aborted_errors", "transmit_heartbeat_errors", "transmit_window_errors"]
                .into_iter()
                .map(bit)
                .sum();
        assert_eq!(named("transmit_carrier"), carrier);
        assert_eq!(usual.iter().fold(0, |all, counter| all | counter), (1 << DETAILED.len()) - 1, "every counter is somewhere");
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_panic(bytes: Vec<u8>) {
            let _any = parse(NEW, &bytes);
        }
    }
}
