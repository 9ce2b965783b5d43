//! Traffic of network devices, from netlink or, when a flag says so or a sandbox refuses netlink, from `/proc/net/dev`.
//! The network namespace is that of this process.

mod address;
mod link;
mod proc;

use std::collections::HashMap;

use self::address::Address;
use super::{Collector, Error, Made};
use crate::filter::{Filter, FilterFlags};
use crate::flag::{Flag, Flags};
use crate::host::netlink::Netlink;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static EXCLUDE: Flag =
    Flag::text("collector.netdev.device-exclude", "", "Regexp of net devices to exclude (mutually exclusive to device-include).");
static INCLUDE: Flag =
    Flag::text("collector.netdev.device-include", "", "Regexp of net devices to include (mutually exclusive to device-exclude).");
static OLD_EXCLUDE: Flag = Flag::text("collector.netdev.device-blacklist", "", "");
static OLD_INCLUDE: Flag = Flag::text("collector.netdev.device-whitelist", "", "");
static ADDRESS_INFO: Flag = Flag::switch("collector.netdev.address-info", false, "Collect address-info for every device");
static DETAILED: Flag = Flag::switch(
    "collector.netdev.enable-detailed-metrics",
    false,
    "Use (incompatible) metric names that provide more detailed stats on Linux",
);
static NETLINK: Flag = Flag::switch("collector.netdev.netlink", true, "Use netlink to gather stats instead of /proc/net/dev.");
static ALIAS: Flag = Flag::switch("collector.netdev.label-ifalias", false, "Add ifAlias label");
static NAMES: FilterFlags =
    FilterFlags { exclude: &EXCLUDE, include: &INCLUDE, old_exclude: &OLD_EXCLUDE, old_include: Some(&OLD_INCLUDE) };

/// Its flags.
pub const FLAGS: &[&Flag] = &[&EXCLUDE, &INCLUDE, &OLD_EXCLUDE, &OLD_INCLUDE, &ADDRESS_INFO, &DETAILED, &NETLINK, &ALIAS];

struct NetDev {
    // None: not asked for, or refused.
    route: Option<Netlink>,
    netlink: bool,
    file: Source,
    filter: Filter,
    detailed: bool,
    address_info: bool,
    aliases: Option<HashMap<String, Source>>,
    devices: Devices,
}

// The devices shown and their counters, one after the other.
#[derive(Default)]
struct Devices {
    names: Vec<String>,
    counters: Vec<u64>,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(NetDev {
        route: None,
        netlink: flags.on(&NETLINK),
        file: host.proc("net/dev"),
        filter: Filter::new(flags, &NAMES)?,
        detailed: flags.on(&DETAILED),
        address_info: flags.on(&ADDRESS_INFO),
        aliases: flags.on(&ALIAS).then(HashMap::new),
        devices: Devices::default(),
    }))
}

impl Collector for NetDev {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        self.devices.names.clear();
        self.devices.counters.clear();
        let names = if self.netlink { self.by_netlink()? } else { self.by_proc()? };
        self.write(host, names, page);
        if self.address_info { self.addresses(page) } else { Ok(()) }
    }
}

impl NetDev {
    fn by_netlink(&mut self) -> Result<&'static [&'static str], Error> {
        let Some(mut route) = self.route.take().or_else(|| Netlink::route().ok()) else {
            tracing::warn!("netlink is refused: network devices are read from /proc/net/dev");
            self.netlink = false;
            return self.by_proc();
        };
        let Self { filter, detailed, devices, .. } = self;
        let listed = route.dump(link::GET, &link::REQUEST, |kind, body| {
            let Some((name, counters)) = link::parse(kind, body) else { return };
            let name = String::from_utf8_lossy(name);
            if filter.admits(&name) {
                devices.names.push(name.into_owned());
                if *detailed {
                    devices.counters.extend(counters);
                } else {
                    devices.counters.extend(link::usual(&counters));
                }
            }
        });
        // After an error the socket may hold stale answers: it is closed, and the next scrape opens another.
        listed.map_err(|source| Error::System { call: "netlink RTM_GETLINK", source })?;
        self.route = Some(route);
        Ok(if self.detailed { &link::DETAILED } else { &link::USUAL })
    }

    fn by_proc(&mut self) -> Result<&'static [&'static str], Error> {
        let (text, path) = self.file.text()?;
        for device in proc::parse(text) {
            let (name, counters) = device.map_err(|malformed| malformed.of(path))?;
            if self.filter.admits(name) {
                self.devices.names.push(name.to_owned());
                self.devices.counters.extend(counters);
            }
        }
        Ok(if self.detailed { &proc::DETAILED } else { &proc::USUAL })
    }

    fn write(&mut self, host: &Host, names: &[&str], page: &mut Page) {
        let mut aliases = Vec::new();
        if let Some(files) = &mut self.aliases {
            files.retain(|device, _| self.devices.names.contains(device));
            aliases.extend(self.devices.names.iter().map(|device| alias(files, host, device)));
        }
        for (column, name) in names.iter().enumerate() {
            let family =
                page.family_of(&["node_network_", name, "_total"], &["Network device statistic ", name, "."], Kind::Counter);
            let counters = self.devices.counters.iter().skip(column).step_by(names.len());
            for (index, (device, counter)) in self.devices.names.iter().zip(counters).enumerate() {
                match aliases.get(index) {
                    Some(alias) => page.sample(family, &[("device", device), ("ifalias", alias)], *counter as f64),
                    None => page.sample(family, &[("device", device)], *counter as f64),
                }
            }
        }
    }

    fn addresses(&self, page: &mut Page) -> Result<(), Error> {
        let failed = |source| Error::System { call: "netlink RTM_GETADDR", source };
        let mut names = HashMap::new();
        let mut route = Netlink::route().map_err(failed)?;
        route
            .dump(link::GET, &link::REQUEST, |kind, body| {
                if let Some((index, name)) = link::parse_name(kind, body) {
                    names.insert(index, String::from_utf8_lossy(name).into_owned());
                }
            })
            .map_err(failed)?;
        let family = page.family("node_network_address_info", "node network address by device", Kind::Gauge);
        route
            .dump(address::GET, &address::REQUEST, |kind, body| {
                let Some(Address { device, ip, prefix }) = address::parse(kind, body) else { return };
                let Some(name) = names.get(&device).filter(|name| self.filter.admits(name)) else { return };
                let (text, netmask) = (ip.to_string(), prefix.to_string());
                page.sample(
                    family,
                    &[("address", &text), ("device", name), ("netmask", &netmask), ("scope", address::scope(ip))],
                    1.0,
                );
            })
            .map_err(failed)
    }
}

fn alias(files: &mut HashMap<String, Source>, host: &Host, device: &str) -> String {
    let file = files.entry(device.to_owned()).or_insert_with(|| host.sys(&format!("class/net/{device}/ifalias")));
    // Without the file, as without an alias, the label is empty.
    file.text().map_or_else(|_| String::new(), |(text, _)| text.trim().to_owned())
}
