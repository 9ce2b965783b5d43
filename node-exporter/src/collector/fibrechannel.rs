//! Fibre Channel host adapters: `class/fc_host/host*` in sysfs, with counters in hexadecimal under `statistics`.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host};
use crate::metric::{Kind, Page};

/// What the family is called between `node_fibrechannel_` and its end, help and file.
const COUNTERS: [(&str, &str, &str); 14] = [
    ("node_fibrechannel_dumped_frames_total", "Number of dumped frames", "statistics/dumped_frames"),
    ("node_fibrechannel_error_frames_total", "Number of errors in frames", "statistics/error_frames"),
    ("node_fibrechannel_invalid_crc_total", "Invalid Cyclic Redundancy Check count", "statistics/invalid_crc_count"),
    ("node_fibrechannel_rx_frames_total", "Number of frames received", "statistics/rx_frames"),
    ("node_fibrechannel_rx_words_total", "Number of words received by host port", "statistics/rx_words"),
    ("node_fibrechannel_tx_frames_total", "Number of frames transmitted by host port", "statistics/tx_frames"),
    ("node_fibrechannel_tx_words_total", "Number of words transmitted by host port", "statistics/tx_words"),
    (
        "node_fibrechannel_seconds_since_last_reset_total",
        "Number of seconds since last host port reset",
        "statistics/seconds_since_last_reset",
    ),
    (
        "node_fibrechannel_invalid_tx_words_total",
        "Number of invalid words transmitted by host port",
        "statistics/invalid_tx_word_count",
    ),
    ("node_fibrechannel_link_failure_total", "Number of times the host port link has failed", "statistics/link_failure_count"),
    (
        "node_fibrechannel_loss_of_sync_total",
        "Number of failures on either bit or transmission word boundaries",
        "statistics/loss_of_sync_count",
    ),
    ("node_fibrechannel_loss_of_signal_total", "Number of times signal has been lost", "statistics/loss_of_signal_count"),
    ("node_fibrechannel_nos_total", "Number Not_Operational Primitive Sequence received by host port", "statistics/nos_count"),
    ("node_fibrechannel_fcp_packet_aborts_total", "Number of aborted packets", "statistics/fcp_packet_aborts"),
];
/// The labels of the info family that have files, in the order of their names; `fc_host` stands after the second.
const WORDS: [&str; 10] = [
    "dev_loss_tmo",
    "fabric_name",
    "port_id",
    "port_name",
    "port_state",
    "port_type",
    "speed",
    "supported_classes",
    "supported_speeds",
    "symbolic_name",
];
/// Words that are hexadecimal numbers, shown without their `0x`.
const HEXADECIMAL: std::ops::Range<usize> = 1..4;
const BEFORE_NAME: usize = 2;

const FILES: [&str; COUNTERS.len() + WORDS.len()] = files();

const fn files() -> [&'static str; COUNTERS.len() + WORDS.len()] {
    let mut files = [""; COUNTERS.len() + WORDS.len()];
    let mut at = 0;
    while at < files.len() {
        files[at] = if at < COUNTERS.len() { COUNTERS[at].2 } else { WORDS[at - COUNTERS.len()] };
        at += 1;
    }
    files
}

struct FibreChannel {
    hosts: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(FibreChannel { hosts: Devices::new(host, "class/fc_host", &FILES) }))
}

impl Collector for FibreChannel {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        if !self.hosts.refresh(host, |_| true)? {
            return Err(Error::NoData("the machine has no Fibre Channel adapter"));
        }
        let help = "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.";
        let info = page.family("node_fibrechannel_info", help, Kind::Gauge);
        let families = COUNTERS.map(|(name, help, _)| page.family(name, help, Kind::Counter));
        for Device { name, files, .. } in self.hosts.shown() {
            for (family, file) in families.into_iter().zip(files.iter_mut()) {
                // All ones: the adapter's firmware does not count this.
                if let Some(value) = file.word().and_then(super::whole).filter(|value| *value != u64::MAX) {
                    page.sample(family, &[("fc_host", name)], value as f64);
                }
            }
            let mut labels = [("", ""); WORDS.len() + 1];
            labels[BEFORE_NAME] = ("fc_host", name);
            for ((at, label), file) in WORDS.into_iter().enumerate().zip(&mut files[COUNTERS.len()..]) {
                let word = file.word().unwrap_or_default();
                let shown = if HEXADECIMAL.contains(&at) { word.strip_prefix("0x").unwrap_or(word) } else { word };
                labels[if at < BEFORE_NAME { at } else { at + 1 }] = (label, shown);
            }
            page.sample(info, &labels, 1.0);
        }
        Ok(())
    }
}
