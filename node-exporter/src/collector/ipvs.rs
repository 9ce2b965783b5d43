//! The kernel's load balancer: totals in `/proc/net/ip_vs_stats` and its services with their backends in `/proc/net/ip_vs`:
//! `TCP  C0A80016:0CEA wlc`, then lines such as `  -> C0A85216:0CEA      Tunnel  100    248        2`.

mod table;

use std::collections::BTreeMap;

use self::table::{Backend, parse, parse_totals};
use super::{Collector, Error, Made};
use crate::flag::{Flag, FlagError, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static LABELS: Flag = Flag::text(
    "collector.ipvs.backend-labels",
    "local_address,local_port,remote_address,remote_port,proto,local_mark",
    "Comma separated list for IPVS backend stats labels.",
);

/// Its flags.
pub const FLAGS: &[&Flag] = &[&LABELS];

/// In the order of their names, as [`Backend::labels`].
const NAMES: [&str; 6] = ["local_address", "local_mark", "local_port", "proto", "remote_address", "remote_port"];
/// Family and help of each total.
const TOTALS: [(&str, &str); 5] = [
    ("node_ipvs_connections_total", "The total number of connections made."),
    ("node_ipvs_incoming_packets_total", "The total number of incoming packets."),
    ("node_ipvs_outgoing_packets_total", "The total number of outgoing packets."),
    ("node_ipvs_incoming_bytes_total", "The total amount of incoming data."),
    ("node_ipvs_outgoing_bytes_total", "The total amount of outgoing data."),
];
/// Family and help of each of a backend's numbers.
const BACKENDS: [(&str, &str); 3] = [
    ("node_ipvs_backend_connections_active", "The current active connections by local and remote address."),
    ("node_ipvs_backend_connections_inactive", "The current inactive connections by local and remote address."),
    ("node_ipvs_backend_weight", "The current backend weight by local and remote address."),
];

struct Ipvs {
    totals: Source,
    table: Source,
    shown: [bool; NAMES.len()],
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let mut shown = [false; NAMES.len()];
    for label in flags.text(&LABELS).split(',').filter(|label| !label.is_empty()) {
        let Some(at) = NAMES.iter().position(|name| *name == label) else {
            return Err(FlagError::new(&LABELS, format!("{label:?} is none of {}", NAMES.join(", "))).into());
        };
        shown[at] = true;
    }
    Ok(Box::new(Ipvs { totals: host.proc("net/ip_vs_stats"), table: host.proc("net/ip_vs"), shown }))
}

impl Collector for Ipvs {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let Some((text, path)) = self.totals.text_if_present()? else {
            return Err(Error::NoData("the load balancer of the kernel is not loaded"));
        };
        let totals = parse_totals(text).map_err(|malformed| malformed.of(path))?;
        for ((name, help), total) in TOTALS.into_iter().zip(totals) {
            page.single(name, help, Kind::Counter, total as f64);
        }
        let (text, path) = self.table.text()?;
        // Backends that differ only in labels that are not shown are one.
        let mut sums: BTreeMap<Vec<String>, [u64; 3]> = BTreeMap::new();
        for backend in parse(text) {
            let Backend { labels, active, inactive, weight } = backend.map_err(|malformed| malformed.of(path))?;
            let key = labels.into_iter().zip(self.shown).filter(|(_, shown)| *shown).map(|(label, _)| label).collect();
            let sum = sums.entry(key).or_default();
            for (sum, value) in sum.iter_mut().zip([active, inactive, weight]) {
                *sum = sum.saturating_add(value);
            }
        }
        let families = BACKENDS.map(|(name, help)| page.family(name, help, Kind::Gauge));
        let names: Vec<&str> = NAMES.into_iter().zip(self.shown).filter(|(_, shown)| *shown).map(|(name, _)| name).collect();
        for (key, values) in &sums {
            let labels: Vec<_> = names.iter().copied().zip(key.iter().map(String::as_str)).collect();
            for (family, value) in families.into_iter().zip(values) {
                page.sample(family, &labels, *value as f64);
            }
        }
        Ok(())
    }
}
