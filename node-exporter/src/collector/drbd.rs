//! Replicated block devices of DRBD 8.4: `/proc/drbd`, words such as ` 1: cs:Connected ro:Primary/Secondary ns:1324 nr:7`.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Bytes in the kibibytes that DRBD counts.
const KIBI: f64 = 1024.0;
/// Key, family, help, kind and factor.
const NUMBERS: [(&str, &str, &str, Kind, f64); 12] = [
    ("ns", "node_drbd_network_sent_bytes_total", "Total number of bytes sent via the network.", Kind::Counter, KIBI),
    // Upstream takes these for bytes.
    ("nr", "node_drbd_network_received_bytes_total", "Total number of bytes received via the network.", Kind::Counter, 1.0),
    ("dw", "node_drbd_disk_written_bytes_total", "Net data written on local hard disk; in bytes.", Kind::Counter, KIBI),
    ("dr", "node_drbd_disk_read_bytes_total", "Net data read from local hard disk; in bytes.", Kind::Counter, KIBI),
    (
        "al",
        "node_drbd_activitylog_writes_total",
        "Number of updates of the activity log area of the meta data.",
        Kind::Counter,
        1.0,
    ),
    ("bm", "node_drbd_bitmap_writes_total", "Number of updates of the bitmap area of the meta data.", Kind::Counter, 1.0),
    ("lo", "node_drbd_local_pending", "Number of open requests to the local I/O sub-system.", Kind::Gauge, 1.0),
    (
        "pe",
        "node_drbd_remote_pending",
        "Number of requests sent to the peer, but that have not yet been answered by the latter.",
        Kind::Gauge,
        1.0,
    ),
    (
        "ua",
        "node_drbd_remote_unacknowledged",
        "Number of requests received by the peer via the network connection, but that have not yet been answered.",
        Kind::Gauge,
        1.0,
    ),
    (
        "ap",
        "node_drbd_application_pending",
        "Number of block I/O requests forwarded to DRBD, but not yet answered by DRBD.",
        Kind::Gauge,
        1.0,
    ),
    ("ep", "node_drbd_epochs", "Number of Epochs currently on the fly.", Kind::Gauge, 1.0),
    ("oos", "node_drbd_out_of_sync_bytes", "Amount of data known to be out of sync; in bytes.", Kind::Gauge, KIBI),
];
/// Key, family, help, and the word that counts as 1, of this node and of its peer.
const PAIRS: [(&str, &str, &str, &str); 2] = [
    ("ro", "node_drbd_node_role_is_primary", "Whether the role of the node is in the primary state.", "Primary"),
    ("ds", "node_drbd_disk_state_is_up_to_date", "Whether the disk of the node is up to date.", "UpToDate"),
];

struct Drbd {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Drbd { file: host.proc("drbd") }))
}

impl Collector for Drbd {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let Some((text, path)) = self.file.text_if_present()? else {
            return Err(Error::NoData("DRBD is not loaded"));
        };
        for word in parse(text) {
            let Word { device, key, value, line } = word;
            let label = ("device", device.as_str());
            if let Some((_, name, help, kind, factor)) = NUMBERS.iter().find(|(known, ..)| *known == key) {
                let value: f64 = number(Some(value), line).map_err(|malformed: Malformed| malformed.of(path))?;
                let family = page.family(name, help, *kind);
                page.sample(family, &[label], value * factor);
            } else if let Some((_, name, help, good)) = PAIRS.iter().find(|(known, ..)| *known == key) {
                let (local, remote) = value.split_once('/').unwrap_or((value, ""));
                let family = page.family(name, help, Kind::Gauge);
                for (node, state) in [("local", local), ("remote", remote)] {
                    page.sample(family, &[label, ("node", node)], f64::from(u8::from(state == *good)));
                }
            } else if key == "cs" {
                let family = page.family("node_drbd_connected", "Whether DRBD is connected to the peer.", Kind::Gauge);
                page.sample(family, &[label], f64::from(u8::from(value == "Connected")));
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Word<'text> {
    device: String,
    key: &'text str,
    value: &'text str,
    line: usize,
}

// Words of a key, a colon and a value; a number with a colon alone is the device that the next ones are about.
fn parse(text: &str) -> impl Iterator<Item = Word<'_>> {
    let words = (1..).zip(text.lines()).flat_map(|(line, text)| text.split_whitespace().map(move |word| (line, word)));
    let mut device = "unknown".to_owned();
    words.filter_map(move |(line, word)| {
        let (key, value) = word.split_once(':').filter(|(_, value)| !value.contains(':'))?;
        match (key.parse::<u64>(), value) {
            (Ok(number), "") => {
                device = format!("drbd{number}");
                None
            }
            _ => Some(Word { device: device.clone(), key, value, line }),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_belong_to_the_device_before_them() {
        let text = "version: 8.4.3 (api:1/proto:86-101)\n 1: cs:Connected ro:Primary/Secondary\n    ns:17 a:b:c\n";
        let words: Vec<_> = parse(text).map(|word| (word.device, word.key, word.value, word.line)).collect();
        let word = |device: &str, key, value, line| (device.to_owned(), key, value, line);
        assert_eq!(
            words,
            [
                word("unknown", "version", "", 1),
                word("drbd1", "cs", "Connected", 2),
                word("drbd1", "ro", "Primary/Secondary", 2),
                word("drbd1", "ns", "17", 3),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)([a-z0-9]*:[a-zA-Z0-9/]* )*.*") {
            parse(&text).for_each(drop);
        }
    }
}
