//! Memory held by queues of UDP sockets: `/proc/net/udp` and `udp6`, a heading and one line per socket, whose fifth field
//! is `TX:RX` in hexadecimal bytes.

use super::{Collector, Error, Made, Malformed};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

const FILES: [(&str, &str); 2] = [("net/udp", "v4"), ("net/udp6", "v6")];

struct UdpQueues {
    files: [Source; 2],
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(UdpQueues { files: FILES.map(|(file, _)| host.proc(file)) }))
}

impl Collector for UdpQueues {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let help = "Number of allocated memory in the kernel for UDP datagrams in bytes.";
        let family = page.family("node_udp_queues", help, Kind::Gauge);
        let mut found = false;
        for ((_, version), file) in FILES.into_iter().zip(&mut self.files) {
            let Some((text, path)) = file.text_if_present()? else { continue };
            found = true;
            let (sent, received) = parse(text).map_err(|malformed| malformed.of(path))?;
            page.sample(family, &[("ip", version), ("queue", "tx")], sent as f64);
            page.sample(family, &[("ip", version), ("queue", "rx")], received as f64);
        }
        if found { Ok(()) } else { Err(Error::NoData("the kernel has no UDP")) }
    }
}

// Bytes to be sent and bytes received, of all sockets.
fn parse(text: &str) -> Result<(u64, u64), Malformed> {
    let (mut sent, mut received) = (0_u64, 0_u64);
    for (index, line) in text.lines().enumerate().skip(1) {
        let queues = line.split_ascii_whitespace().nth(4).and_then(|field| field.split_once(':'));
        let hexadecimal = |text: &str| u64::from_str_radix(text, 16).ok();
        let Some((one, other)) = queues.and_then(|(one, other)| Some((hexadecimal(one)?, hexadecimal(other)?))) else {
            return Err(Malformed::new(index + 1, "the fifth field is no TX:RX pair of hexadecimal numbers"));
        };
        sent = sent.saturating_add(one);
        received = received.saturating_add(other);
    }
    Ok((sent, received))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queues_of_all_sockets_are_summed() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue\n  1: 0100007F:0035 00000000:0000 07 00000010:00000001 00:0\n  2: 0 0 07 00000001:00000002\n";
        assert_eq!(parse(text), Ok((17, 3)));
        assert_eq!(parse("heading\n"), Ok((0, 0)));
        for bad in ["h\n1: 2 3 4\n", "h\n1: 2 3 4 5\n", "h\n1: 2 3 4 x:1\n"] {
            assert_eq!(parse(bad).unwrap_err().line, 2, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)h\n([0-9a-f]*: [0-9A-F]* [0-9]* 07 [0-9a-f]{0,17}:[0-9a-f]{0,17}\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
