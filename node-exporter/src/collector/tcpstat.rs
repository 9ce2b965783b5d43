//! TCP connections by state and the bytes in their queues, from the kernel's table of sockets by netlink. It costs a message
//! per connection, which is why it is off by default.

use std::collections::BTreeMap;

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::Host;
use crate::host::netlink::Netlink;
use crate::metric::{Kind, Page};

// From the kernel's sock_diag.h and inet_diag.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const IPPROTO_TCP: u8 = 6;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// TCP_ESTABLISHED to TCP_CLOSING.
const ALL_STATES: u32 = 0xfff;
/// `struct inet_diag_req_v2`.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const ANSWER: usize = 72;
const RECEIVE_QUEUE: usize = 56;
const SEND_QUEUE: usize = 60;

/// From state 1 on.
const STATES: [&str; 11] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
];
const RECEIVED: &str = "rx_queued_bytes";
const SENT: &str = "tx_queued_bytes";

struct TcpStat;

/// Makes the collector.
pub fn new(_host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(TcpStat))
}

impl Collector for TcpStat {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let mut counts = BTreeMap::new();
        let failed = |source| Error::System { call: "netlink SOCK_DIAG_BY_FAMILY", source };
        let mut families = vec![AF_INET];
        if host.roots().procfs.join("net/tcp6").exists() {
            families.push(AF_INET6);
        }
        for family in families {
            let mut request = [0; REQUEST];
            (request[0], request[1]) = (family, IPPROTO_TCP);
            request[4..8].copy_from_slice(&ALL_STATES.to_ne_bytes());
            let mut socket = Netlink::sockets().map_err(failed)?;
            socket.dump(SOCK_DIAG_BY_FAMILY, &request, |kind, body| count(kind, body, &mut counts)).map_err(failed)?;
        }
        let family = page.family("node_tcp_connection_states", "Number of connection states.", Kind::Gauge);
        for (state, count) in counts {
            page.sample(family, &[("state", state)], count);
        }
        Ok(())
    }
}

fn count(kind: u16, body: &[u8], counts: &mut BTreeMap<&'static str, f64>) {
    let Some(body) = body.get(..ANSWER).filter(|_| kind == SOCK_DIAG_BY_FAMILY) else { return };
    let word = |at: usize| body[at..at + 4].try_into().map_or(0, u32::from_ne_bytes);
    let state = usize::from(body[1]).checked_sub(1).and_then(|state| STATES.get(state)).unwrap_or(&"unknown");
    for (name, value) in [(*state, 1.0), (RECEIVED, f64::from(word(RECEIVE_QUEUE))), (SENT, f64::from(word(SEND_QUEUE)))] {
        *counts.entry(name).or_default() += value;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn states_and_queues_are_counted() {
        let mut counts = BTreeMap::new();
        for (state, queue) in [(1, 5), (1, 0), (10, 7), (99, 0)] {
            let mut body = [0; ANSWER];
            (body[0], body[1], body[SEND_QUEUE]) = (AF_INET, state, queue);
            count(SOCK_DIAG_BY_FAMILY, &body, &mut counts);
        }
        count(SOCK_DIAG_BY_FAMILY, &[0; 3], &mut counts);
        let expected = [("established", 2.0), ("listen", 1.0), (RECEIVED, 0.0), (SENT, 12.0), ("unknown", 1.0)];
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_panic(kind in 19_u16..22, bytes in prop::collection::vec(any::<u8>(), 0..99)) {
            count(kind, &bytes, &mut BTreeMap::new());
        }
    }
}
