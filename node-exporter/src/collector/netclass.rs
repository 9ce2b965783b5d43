//! State of network devices: `class/net/*` in sysfs, one number or word a file. The network namespace is that in which sysfs
//! was mounted.

use super::{Collector, Error, Made};
use crate::filter::Pattern;
use crate::flag::{Flag, Flags};
use crate::host::{Device, Devices, Host, Source};
use crate::metric::{Kind, Page};

static IGNORED: Flag =
    Flag::text("collector.netclass.ignored-devices", "^$", "Regexp of net devices to ignore for netclass collector.");
static VALID_SPEED: Flag = Flag::switch(
    "collector.netclass.ignore-invalid-speed",
    false,
    "Ignore devices where the speed is invalid. This will be the default behavior in 2.x.",
);
// Taken so that upstream's command lines start: files kept open cost less than upstream's netlink, and tell more.
static NETLINK: Flag = Flag::switch(
    "collector.netclass.netlink",
    false,
    "Use netlink to gather stats instead of sysfs (accepted for compatibility: sysfs is read either way)",
);
static WITH_STATS: Flag = Flag::switch(
    "collector.netclass_rtnl.with-stats",
    false,
    "Expose the statistics for each network device, replacing netdev collector (accepted for compatibility: netdev tells them)",
);

/// Its flags.
pub const FLAGS: &[&Flag] = &[&IGNORED, &VALID_SPEED, &NETLINK, &WITH_STATS];

/// What the family is called after `node_network_`, its kind and its file.
const NUMBERS: [(&str, Kind, &str); 17] = [
    ("address_assign_type", Kind::Gauge, "addr_assign_type"),
    ("carrier", Kind::Gauge, "carrier"),
    ("carrier_changes_total", Kind::Counter, "carrier_changes"),
    ("carrier_up_changes_total", Kind::Counter, "carrier_up_count"),
    ("carrier_down_changes_total", Kind::Counter, "carrier_down_count"),
    ("device_id", Kind::Gauge, "dev_id"),
    ("dormant", Kind::Gauge, "dormant"),
    ("flags", Kind::Gauge, "flags"),
    ("iface_id", Kind::Gauge, "ifindex"),
    ("iface_link", Kind::Gauge, "iflink"),
    ("iface_link_mode", Kind::Gauge, "link_mode"),
    ("mtu_bytes", Kind::Gauge, "mtu"),
    ("name_assign_type", Kind::Gauge, "name_assign_type"),
    ("net_dev_group", Kind::Gauge, "netdev_group"),
    ("speed_bytes", Kind::Gauge, "speed"),
    ("transmit_queue_length", Kind::Gauge, "tx_queue_len"),
    ("protocol_type", Kind::Gauge, "type"),
];
const FLAGS_FILE: usize = 7;
const SPEED: usize = 14;
const WORDS: [&str; 5] = ["address", "broadcast", "duplex", "ifalias", "operstate"];
const FILES: [&str; NUMBERS.len() + WORDS.len()] = files();
/// Bytes per second in a megabit per second.
const MEGABIT: i64 = 1_000_000 / 8;
/// IFF_UP.
const UP: i64 = 1;

const fn files() -> [&'static str; NUMBERS.len() + WORDS.len()] {
    let mut files = [""; NUMBERS.len() + WORDS.len()];
    let mut at = 0;
    while at < files.len() {
        files[at] = if at < NUMBERS.len() { NUMBERS[at].2 } else { WORDS[at - NUMBERS.len()] };
        at += 1;
    }
    files
}

struct NetClass {
    devices: Devices,
    ignored: Option<Pattern>,
    valid_speed: bool,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(NetClass {
        devices: Devices::new(host, "class/net", &FILES),
        ignored: Pattern::of(&IGNORED, flags.text(&IGNORED))?,
        valid_speed: flags.on(&VALID_SPEED),
    }))
}

impl Collector for NetClass {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { devices, ignored, valid_speed } = self;
        let directory = host.roots().sysfs.join("class/net");
        // The bonding driver keeps a file among the devices.
        let admits = |name: &str| !ignored.as_ref().is_some_and(|ignored| ignored.matches(name)) && directory.join(name).is_dir();
        if !devices.refresh(host, admits)? {
            return Err(Error::NoData("the kernel has no network"));
        }
        let up = page.family("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.", Kind::Gauge);
        let help = "Non-numeric data from /sys/class/net/<iface>, value is always 1.";
        let info = page.family("node_network_info", help, Kind::Gauge);
        let families = NUMBERS
            .map(|(suffix, kind, _)| page.family_of(&["node_network_", suffix], &["Network device property: ", suffix], kind));
        for Device { name, files, .. } in devices.shown() {
            let mut flags = None;
            for (at, (family, file)) in families.into_iter().zip(files.iter_mut()).enumerate() {
                let Some(value) = number(file) else { continue };
                let value = match at {
                    // A device without a cable says -1.
                    SPEED if *valid_speed && value < 0 => continue,
                    SPEED => value.saturating_mul(MEGABIT),
                    _ => value,
                };
                if at == FLAGS_FILE {
                    flags = Some(value);
                }
                page.sample(family, &[("device", name)], value as f64);
            }
            let admin = flags.map_or("unknown", |flags| if flags & UP == UP { "up" } else { "down" });
            let [address, broadcast, duplex, alias, state] = &mut files[NUMBERS.len()..] else { continue };
            let state = state.word().unwrap_or_default();
            page.sample(up, &[("device", name)], f64::from(u8::from(state == "up")));
            let labels = [
                ("address", address.word().unwrap_or_default()),
                ("adminstate", admin),
                ("broadcast", broadcast.word().unwrap_or_default()),
                ("device", name),
                ("duplex", duplex.word().unwrap_or_default()),
                ("ifalias", alias.word().unwrap_or_default()),
                ("operstate", state),
            ];
            page.sample(info, &labels, 1.0);
        }
        Ok(())
    }

    // Some drivers ask their hardware for speed and duplex, under a lock that others hold.
    fn may_block(&self) -> bool {
        true
    }
}

fn number(file: &mut Source) -> Option<i64> {
    let word = file.word()?;
    match word.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}
