//! Queues of network devices, those at the root alone: from netlink, or from a JSON file in the directory of a test flag, in the
//! shape that upstream's tests have.

use super::{Collector, Error, Made, Malformed};
use crate::filter::{Filter, FilterFlags};
use crate::flag::{Flag, Flags};
use crate::host::netlink::{Netlink, attributes, word};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static FIXTURES: Flag = Flag::text("collector.qdisc.fixtures", "", "test fixtures to use for qdisc collector end-to-end testing");
static INCLUDE: Flag = Flag::text(
    "collector.qdisc.device-include",
    "",
    "Regexp of qdisc devices to include (mutually exclusive to device-exclude).",
);
static EXCLUDE: Flag = Flag::text(
    "collector.qdisc.device-exclude",
    "",
    "Regexp of qdisc devices to exclude (mutually exclusive to device-include).",
);
static OLD_INCLUDE: Flag = Flag::text("collector.qdisk.device-include", "", "");
static OLD_EXCLUDE: Flag = Flag::text("collector.qdisk.device-exclude", "", "");
static NAMES: FilterFlags =
    FilterFlags { exclude: &EXCLUDE, include: &INCLUDE, old_exclude: &OLD_EXCLUDE, old_include: Some(&OLD_INCLUDE) };

/// Its flags.
pub const FLAGS: &[&Flag] = &[&FIXTURES, &INCLUDE, &EXCLUDE, &OLD_INCLUDE, &OLD_EXCLUDE];

/// Name in the JSON file, family, help and kind.
const FAMILIES: [(&str, &str, &str, Kind); 7] = [
    ("Bytes", "node_qdisc_bytes_total", "Number of bytes sent.", Kind::Counter),
    ("Packets", "node_qdisc_packets_total", "Number of packets sent.", Kind::Counter),
    ("Drops", "node_qdisc_drops_total", "Number of packets dropped.", Kind::Counter),
    ("Requeues", "node_qdisc_requeues_total", "Number of packets dequeued, not transmitted, and requeued.", Kind::Counter),
    ("Overlimits", "node_qdisc_overlimits_total", "Number of overlimit packets.", Kind::Counter),
    ("Qlen", "node_qdisc_current_queue_length", "Number of packets currently in queue to be sent.", Kind::Gauge),
    ("Backlog", "node_qdisc_backlog", "Number of bytes currently in queue to be sent.", Kind::Gauge),
];

// From the kernel's rtnetlink.h, gen_stats.h and if_link.h.
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWQDISC: u16 = 36;
const RTM_GETQDISC: u16 = 38;
const TCA_KIND: u16 = 1;
const TCA_STATS2: u16 = 7;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;
const IFLA_IFNAME: u16 = 3;
/// `struct tcmsg` and `struct ifinfomsg`.
const QUEUE_HEAD: usize = 20;
const LINK_HEAD: usize = 16;
/// Parents of queues that hang on no other: none is named, or the root.
const ROOTS: [u32; 2] = [0, u32::MAX];

struct Qdisc {
    fixture: Option<Source>,
    filter: Filter,
}

#[derive(Debug, PartialEq)]
struct Queue {
    device: String,
    kind: String,
    values: [f64; FAMILIES.len()],
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let fixture = flags.given(&FIXTURES).map(|directory| host.file(std::path::Path::new(directory).join("results.json")));
    Ok(Box::new(Qdisc { fixture, filter: Filter::new(flags, &NAMES)? }))
}

impl Collector for Qdisc {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let queues = match &mut self.fixture {
            Some(file) => {
                let (text, path) = file.text()?;
                parse_fixture(text).map_err(|malformed| malformed.of(path))?
            }
            None => ask().map_err(|source| Error::System { call: "netlink RTM_GETQDISC", source })?,
        };
        let families = FAMILIES.map(|(_, name, help, kind)| page.family(name, help, kind));
        for Queue { device, kind, values } in queues.iter().filter(|queue| self.filter.admits(&queue.device)) {
            for (family, value) in families.into_iter().zip(values) {
                page.sample(family, &[("device", device), ("kind", kind)], *value);
            }
        }
        Ok(())
    }
}

fn ask() -> std::io::Result<Vec<Queue>> {
    let mut names = std::collections::HashMap::new();
    let mut route = Netlink::route()?;
    route.dump(RTM_GETLINK, &[0; LINK_HEAD], |kind, body| {
        let name = body.get(LINK_HEAD..).and_then(|rest| attributes(rest).find(|(kind, _)| *kind == IFLA_IFNAME));
        if let (RTM_NEWLINK, Some((_, name)), Some(index)) = (kind, name, word(body, 4)) {
            names.insert(index, text(name));
        }
    })?;
    let mut queues = Vec::new();
    route.dump(RTM_GETQDISC, &[0; QUEUE_HEAD], |kind, body| {
        if let Some((device, kind, values)) = parse_queue(kind, body) {
            queues.push(Queue { device: names.get(&device).cloned().unwrap_or_default(), kind, values });
        }
    })?;
    Ok(queues)
}

// Device, kind and numbers of a queue at the root.
fn parse_queue(kind: u16, body: &[u8]) -> Option<(u32, String, [f64; FAMILIES.len()])> {
    let rest = body.get(QUEUE_HEAD..).filter(|_| kind == RTM_NEWQDISC)?;
    let (device, parent) = (word(body, 4)?, word(body, 12)?);
    let find = |wanted: u16| attributes(rest).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    if !ROOTS.contains(&parent) {
        return None;
    }
    let (name, stats) = (text(find(TCA_KIND)?), find(TCA_STATS2)?);
    let part = |wanted: u16| attributes(stats).find(|(kind, _)| *kind == wanted).map_or(&[][..], |(_, value)| value);
    let (basic, queue) = (part(TCA_STATS_BASIC), part(TCA_STATS_QUEUE));
    let bytes = basic.get(..8).and_then(|bytes| Some(u64::from_ne_bytes(bytes.try_into().ok()?))).unwrap_or_default();
    let count = |bytes: &[u8], at: usize| f64::from(word(bytes, at).unwrap_or_default());
    // `struct gnet_stats_queue`: length, backlog, drops, requeues, overlimits.
    let values =
        [bytes as f64, count(basic, 8), count(queue, 8), count(queue, 12), count(queue, 16), count(queue, 0), count(queue, 4)];
    Some((device, name, values))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(bytes)).into_owned()
}

fn parse_fixture(text: &str) -> Result<Vec<Queue>, Malformed> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|error| Malformed::new(error.line(), format!("it is no JSON: {error}")))?;
    let queues = json.as_array().into_iter().flatten().filter(|queue| queue["Parent"].as_u64().unwrap_or_default() == 0);
    let name = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let queues = queues.map(|queue| Queue {
        device: name(&queue["IfaceName"]),
        kind: name(&queue["Kind"]),
        values: FAMILIES.map(|(key, ..)| queue[key].as_f64().unwrap_or_default()),
    });
    Ok(queues.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_kernel_answers_and_a_fixture_is_read() {
        assert!(ask().is_ok());
        let queues = parse_fixture(r#"[{"IfaceName":"a","Kind":"fq","Bytes":7,"Qlen":2},{"IfaceName":"b","Parent":1}]"#).unwrap();
        let expected = Queue { device: "a".to_owned(), kind: "fq".to_owned(), values: [7.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0] };
        assert_eq!(queues, [expected]);
        assert!(parse_fixture("[").is_err());
    }

    proptest! {
        #[test]
        fn anything_is_taken_without_panic(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _any = (parse_fixture(&text), parse_queue(RTM_NEWQDISC, &bytes));
        }
    }
}
