//! The two files of the kernel's load balancer. It sums nothing up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::{Malformed, number};

/// One backend of one service.
#[derive(Debug, PartialEq, Eq)]
pub struct Backend {
    /// Local address, mark and port, protocol, remote address and port.
    pub labels: [String; 6],
    pub active: u64,
    pub inactive: u64,
    pub weight: u64,
}

/// What the lines above a backend say of its service.
#[derive(Clone, Debug, Default)]
struct Service {
    address: String,
    mark: String,
    port: u16,
    protocol: String,
}

/// Two lines of headings, then five hexadecimal numbers.
pub fn parse_totals(text: &str) -> Result<[u64; 5], Malformed> {
    let line = text.lines().nth(2).ok_or_else(|| Malformed::new(3, "the line of totals is missing"))?;
    let mut totals = [0; 5];
    let mut given = 0;
    for field in line.split_ascii_whitespace() {
        let value = u64::from_str_radix(field, 16)
            .map_err(|_| Malformed::new(3, format!("{field:?} is no hexadecimal number in range")))?;
        if let Some(total) = totals.get_mut(given) {
            *total = value;
        }
        given += 1;
    }
    if given == totals.len() { Ok(totals) } else { Err(Malformed::new(3, format!("{given} fields where there should be 5"))) }
}

pub fn parse(text: &str) -> impl Iterator<Item = Result<Backend, Malformed>> {
    let mut service = Service::default();
    text.lines().enumerate().filter_map(move |(index, line)| parse_line(line, index + 1, &mut service).transpose())
}

fn parse_line(line: &str, number_of_line: usize, service: &mut Service) -> Result<Option<Backend>, Malformed> {
    let mut fields = line.split_ascii_whitespace();
    let (Some(first), Some(second)) = (fields.next(), fields.next()) else { return Ok(None) };
    match first {
        "TCP" | "UDP" | "SCTP" => {
            let (address, port) = endpoint(second, number_of_line)?;
            *service = Service { address, port, protocol: first.to_owned(), mark: String::new() };
        }
        "FWM" => *service = Service { mark: second.to_owned(), protocol: first.to_owned(), ..Service::default() },
        "->" if second != "RemoteAddress:Port" => {
            // The way of forwarding stands before the numbers; lines that are cut off are passed over, as in upstream.
            let (Some(_), Some(weight), Some(active), Some(inactive)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                return Ok(None);
            };
            let (address, port) = endpoint(second, number_of_line)?;
            let Service { address: local, mark, port: local_port, protocol } = service.clone();
            return Ok(Some(Backend {
                labels: [local, mark, local_port.to_string(), protocol, address, port.to_string()],
                active: number(Some(active), number_of_line)?,
                inactive: number(Some(inactive), number_of_line)?,
                weight: number(Some(weight), number_of_line)?,
            }));
        }
        _ => {}
    }
    Ok(None)
}

// `C0A80016:0CEA`, or `[2620:0000:0000:0000:0000:0000:0000:0001]:0050`.
fn endpoint(text: &str, line: usize) -> Result<(String, u16), Malformed> {
    let parts = text.rsplit_once(':').and_then(|(address, port)| {
        let port = u16::from_str_radix(port, 16).ok()?;
        let address = match address.strip_prefix('[') {
            Some(rest) => {
                let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
                // As Go shows them.
                address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
            }
            None => IpAddr::V4(Ipv4Addr::from_bits(u32::from_str_radix(address, 16).ok()?)),
        };
        Some((address.to_string(), port))
    });
    parts.ok_or_else(|| Malformed::new(line, format!("{text:?} is no address with a port")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn backends_carry_their_service() {
        let text = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n\
                    TCP  C0000201:0050 wlc\n  -> C0000202:1F90      Masq    100    24        2\n  -> C0000203:1F90 cut off\n\
                    FWM  0000000A wlc\n  -> [2001:0DB8:0000:0000:0000:0000:0000:0001]:0050 Route 1 2 3\n";
        let backends: Result<Vec<_>, _> = parse(text).collect();
        let backend =
            |labels: [&str; 6], active, inactive, weight| Backend { labels: labels.map(str::to_owned), active, inactive, weight };
        assert_eq!(
            backends,
            Ok(vec![
                backend(["192.0.2.1", "", "80", "TCP", "192.0.2.2", "8080"], 24, 2, 100),
                backend(["", "0000000A", "0", "FWM", "2001:db8::1", "80"], 2, 3, 1),
            ])
        );
        for bad in ["TCP x wlc\n", "-> C0000202:1F90 Masq x 1 2\n", "-> C0000202 Masq 1 1 2\n"] {
            assert!(parse(bad).any(|backend| backend.is_err()), "{bad}");
        }
    }

    #[test]
    fn totals_are_hexadecimal() {
        assert_eq!(parse_totals("h\nh\n a 1 2 3 ff\n\n rates\n"), Ok([10, 1, 2, 3, 255]));
        for bad in ["", "h\nh\n1 2\n", "h\nh\n1 2 3 4 x\n", "h\nh\n1 2 3 4 5 6\n"] {
            assert_eq!(parse_totals(bad).unwrap_err().line, 3, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)((TCP|FWM|  ->) [0-9A-F]{0,9}:[0-9A-F]{0,5} Masq [0-9]{1,21} 1 2\n){0,4}.*") {
            parse(&text).for_each(drop);
            let _any = parse_totals(&text);
        }
    }
}
