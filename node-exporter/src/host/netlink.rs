//! Questions to the kernel by netlink: one request, many answers. What the answers mean is their readers' matter; see the kernel's `netlink.h` for the layout.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

/// The kernel fills at most this much at once.
const BUFFER: usize = 32 << 10;
/// The kernel answers at once or never; this is for sandboxes that swallow the question.
const PATIENCE: Duration = Duration::from_secs(2);
/// Parts of one answer: 10,000 devices need some 500.
const MAX_PARTS: usize = 100_000;

const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// NLM_F_REQUEST and NLM_F_DUMP.
const DUMP: u16 = 0x301;

/// An open socket to one part of the kernel, as seen from this process's network namespace.
#[derive(Debug)]
pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    /// Opens a socket to the routing table, where devices, addresses and queues are.
    ///
    /// # Errors
    /// The kernel, or a sandbox, refuses it.
    pub fn route() -> io::Result<Self> {
        Self::open(None)
    }

    /// Opens a socket to the table of sockets.
    ///
    /// # Errors
    /// As [`Netlink::route`].
    pub fn sockets() -> io::Result<Self> {
        Self::open(Some(netlink::SOCK_DIAG))
    }

    /// Opens a socket to what has no part of its own, such as wireless devices.
    ///
    /// # Errors
    /// As [`Netlink::route`].
    pub fn generic() -> io::Result<Self> {
        Self::open(Some(netlink::GENERIC))
    }

    // Of the parts the routing table is the one without a number.
    fn open(part: Option<Protocol>) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, part)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; BUFFER] })
    }

    /// Asks for all objects of `kind` with the fixed part `fixed` and calls `each` with the kind and body of every answer.
    ///
    /// # Errors
    /// The kernel refuses, or does not answer; this socket should then be closed.
    pub fn dump(&mut self, kind: u16, fixed: &[u8], mut each: impl FnMut(u16, &[u8])) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut request = Vec::with_capacity(HEADER + fixed.len());
        request.extend_from_slice(&((HEADER + fixed.len()) as u32).to_ne_bytes());
        request.extend_from_slice(&kind.to_ne_bytes());
        request.extend_from_slice(&DUMP.to_ne_bytes());
        request.extend_from_slice(&self.sequence.to_ne_bytes());
        // Port 0: the kernel.
        request.extend_from_slice(&0_u32.to_ne_bytes());
        request.extend_from_slice(fixed);
        send(&self.socket, &request, SendFlags::empty())?;
        for _ in 0..MAX_PARTS {
            let (_, length) = recv(&self.socket, &mut self.buffer[..], RecvFlags::empty())?;
            for message in messages(&self.buffer[..length]).filter(|message| message.sequence == self.sequence) {
                match message.kind {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => return Err(refusal(message.body)),
                    kind => each(kind, message.body),
                }
            }
        }
        Err(io::Error::other("the kernel's answer does not end"))
    }
}

struct Message<'buffer> {
    kind: u16,
    sequence: u32,
    body: &'buffer [u8],
}

// Each starts with its length, and the next on a boundary of four bytes.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(word(bytes, 0)?).ok()?;
        let message = bytes.get(..length).filter(|_| length >= HEADER)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind: half_word(message, 4)?, sequence: word(message, 8)?, body: &message[HEADER..] })
    })
}

/// Kind and value of each attribute in `bytes`.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(half_word(bytes, 0)?);
        let attribute = bytes.get(..length).filter(|_| length >= 4)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((half_word(attribute, 2)?, &attribute[4..]))
    })
}

/// The 32 bits in `bytes` from `at` on, in this machine's order.
pub fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half_word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

// A negative error number.
fn refusal(body: &[u8]) -> io::Error {
    let code = word(body, 0).map_or(0, |code| code.cast_signed().wrapping_neg());
    io::Error::from_raw_os_error(code)
}

/// One attribute as the kernel writes it, padded to four bytes.
#[cfg(test)]
pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_kernel_lists_the_loopback_device_twice_in_a_row() {
        let mut route = Netlink::route().unwrap();
        for _ in 0..2 {
            let mut found = false;
            // RTM_GETLINK, IFLA_IFNAME.
            route
                .dump(18, &[0; 16], |_, body| found |= attributes(&body[16..]).any(|(kind, value)| kind == 3 && value == b"lo\0"))
                .unwrap();
            assert!(found);
        }
        assert!(route.dump(9999, &[0; 16], |_, _| ()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_panic(bytes: Vec<u8>) {
            messages(&bytes).for_each(|message| drop(refusal(message.body)));
            attributes(&bytes).for_each(drop);
        }

        #[test]
        fn attributes_come_back(values in prop::collection::vec((0_u16..100, prop::collection::vec(any::<u8>(), 0..20)), 0..5)) {
            let bytes: Vec<u8> = values.iter().flat_map(|(kind, value)| attribute(*kind, value)).collect();
            let read: Vec<_> = attributes(&bytes).map(|(kind, value)| (kind, value.to_vec())).collect();
            prop_assert_eq!(read, values);
        }
    }
}
