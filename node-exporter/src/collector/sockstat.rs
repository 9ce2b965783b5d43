//! Sockets in use: `/proc/net/sockstat` and `sockstat6`, lines such as `TCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1`, where
//! `mem` counts pages.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// The states shown.
const STATES: [&str; 6] = ["alloc", "inuse", "mem", "memory", "orphan", "tw"];

struct Sockets {
    files: [Source; 2],
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Sockets { files: [host.proc("net/sockstat"), host.proc("net/sockstat6")] }))
}

impl Collector for Sockets {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        for file in &mut self.files {
            // Kernels without IPv6, or without IPv4, have one file alone.
            let Some((text, path)) = file.text_if_present()? else { continue };
            for entry in parse(text) {
                let (protocol, state, value) = entry.map_err(|malformed| malformed.of(path))?;
                write(protocol, state, value as f64, host.page_bytes(), page);
            }
        }
        Ok(())
    }
}

fn write(protocol: &str, state: &str, value: f64, page_bytes: f64, page: &mut Page) {
    if (protocol, state) == ("sockets", "used") {
        page.single("node_sockstat_sockets_used", "Number of IPv4 sockets in use.", Kind::Gauge, value);
    } else if STATES.contains(&state) {
        let mut one = |state: &str, value: f64| {
            let name = ["node_sockstat_", protocol, "_", state];
            let help = ["Number of ", protocol, " sockets in state ", state, "."];
            let family = page.family_of(&name, &help, Kind::Gauge);
            page.sample(family, &[], value);
        };
        one(state, value);
        if state == "mem" {
            one("mem_bytes", value * page_bytes);
        }
    }
}

fn parse(text: &str) -> impl Iterator<Item = Result<(&str, &str, i64), Malformed>> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let (protocol, pairs) = line.split_once(':').unwrap_or((line, ""));
        let mut fields = pairs.split_whitespace();
        std::iter::from_fn(move || {
            let state = fields.next()?;
            Some(number(fields.next(), index + 1).map(|value| (protocol, state, value)))
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_pair_of_a_line_is_a_value() {
        let entries: Result<Vec<_>, _> = parse("sockets: used 229\nTCP: inuse 4 mem 1\nRAW6: inuse 0\n\n").collect();
        assert_eq!(entries, Ok(vec![("sockets", "used", 229), ("TCP", "inuse", 4), ("TCP", "mem", 1), ("RAW6", "inuse", 0)]));
        for bad in ["TCP: inuse", "TCP: inuse x"] {
            assert!(parse(bad).any(|entry| entry.is_err()), "{bad}");
        }
    }

    #[test]
    fn pages_are_shown_as_bytes_too() {
        let mut page = Page::default();
        write("TCP", "mem", 2.0, 4096.0, &mut page);
        write("TCP", "unknown", 2.0, 4096.0, &mut page);
        let values: Vec<_> = (0..page.len())
            .map(|index| (String::from_utf8_lossy(page.name(index)).into_owned(), page.view(index).value))
            .collect();
        let bytes = 8192.0;
        assert_eq!(values, [("node_sockstat_TCP_mem".to_owned(), 2.0), ("node_sockstat_TCP_mem_bytes".to_owned(), bytes)]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s).*") {
            parse(&text).for_each(drop);
        }
    }
}
