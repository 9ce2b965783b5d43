//! `/proc/net/dev`, lines such as `  eth0: 1296 12 0 0 0 0 0 0 1296 12 0 0 0 0 0 0` under two lines of headings.

use super::super::{Malformed, number};

const HEADINGS: usize = 2;

pub const USUAL: [&str; 16] = [
    "receive_bytes",
    "receive_packets",
    "receive_errs",
    "receive_drop",
    "receive_fifo",
    "receive_frame",
    "receive_compressed",
    "receive_multicast",
    "transmit_bytes",
    "transmit_packets",
    "transmit_errs",
    "transmit_drop",
    "transmit_fifo",
    "transmit_colls",
    "transmit_carrier",
    "transmit_compressed",
];

pub const DETAILED: [&str; 16] = {
    let mut names = USUAL;
    names[2] = "receive_errors";
    names[3] = "receive_dropped";
    names[10] = "transmit_errors";
    names[11] = "transmit_dropped";
    names
};

/// Name and counters of each device.
pub fn parse(text: &str) -> impl Iterator<Item = Result<(&str, [u64; USUAL.len()]), Malformed>> {
    text.lines().enumerate().skip(HEADINGS).map(|(index, line)| {
        // The last colon: names of aliased devices have one, and values have none.
        let (name, rest) = line.rsplit_once(':').ok_or_else(|| Malformed::new(index + 1, "no colon after the device"))?;
        let mut fields = rest.split_ascii_whitespace();
        let mut counters = [0; USUAL.len()];
        for counter in &mut counters {
            *counter = number(fields.next(), index + 1)?;
        }
        Ok((name.trim(), counters))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_device_has_sixteen_values() {
        let text = "Inter-|\n face |\n    lo:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n eth0:1: 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        let devices: Result<Vec<_>, _> = parse(text).collect();
        let devices = devices.unwrap();
        assert_eq!(devices[0], ("lo", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]));
        assert_eq!((devices[1].0, devices[1].1[0]), ("eth0:1", u64::MAX));
    }

    #[test]
    fn a_bad_line_is_named() {
        for (bad, line) in [("a\nb\nlo 1 2", 3), ("a\nb\nlo: 1 2", 3), ("a\nb\nlo: x", 3)] {
            assert_eq!(parse(bad).find_map(Result::err).unwrap().line, line, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s).*\n.*\n([a-z0-9: ]*\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
