//! Bonded network devices and how many of their members are up: `class/net/bonding_masters` (`bond0 bond1`), the members
//! in `bonding/slaves`, and the state that the bonding driver sees in each one's `mii_status`.

use std::collections::HashMap;

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Host, Presence, Source};
use crate::metric::{Kind, Page};

const MASTERS: &str = "class/net/bonding_masters";
const NONE: &str = "the bonding driver is not loaded";

struct Bonding {
    masters: Source,
    bonds: HashMap<String, Bond>,
}

struct Bond {
    members: Source,
    // By member: the name of its link since Linux 3.12, and the one before.
    states: HashMap<String, [Source; 2]>,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Bonding { masters: host.sys(MASTERS), bonds: HashMap::new() }))
}

impl Collector for Bonding {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { masters, bonds } = self;
        let Some((text, _)) = masters.text_if_present()? else {
            return Err(Error::NoData(NONE));
        };
        bonds.retain(|name, _| text.split_whitespace().any(|master| master == name));
        let slaves = page.family("node_bonding_slaves", "Number of configured slaves per bonding interface.", Kind::Gauge);
        let active = page.family("node_bonding_active", "Number of active slaves per bonding interface.", Kind::Gauge);
        for master in text.split_whitespace() {
            let bond = bonds.entry(master.to_owned()).or_insert_with(|| Bond {
                members: host.sys(&format!("class/net/{master}/bonding/slaves")),
                states: HashMap::new(),
            });
            let (configured, up) = bond.count(host, master)?;
            page.sample(slaves, &[("master", master)], f64::from(configured));
            page.sample(active, &[("master", master)], f64::from(up));
        }
        Ok(())
    }

    // Reading takes the lock of the device, which a driver in trouble may hold for long.
    fn may_block(&self) -> bool {
        true
    }

    fn presence(&self, host: &Host) -> Option<(Presence, Option<&'static str>)> {
        Some((Presence::of_file(host, MASTERS), Some(NONE)))
    }
}

impl Bond {
    fn count(&mut self, host: &Host, master: &str) -> Result<(u32, u32), Error> {
        let Self { members, states } = self;
        let (text, _) = members.text()?;
        states.retain(|name, _| text.split_whitespace().any(|member| member == name));
        let (mut configured, mut up) = (0, 0);
        for member in text.split_whitespace() {
            let files = states.entry(member.to_owned()).or_insert_with(|| {
                ["lower", "slave"].map(|link| host.sys(&format!("class/net/{master}/{link}_{member}/bonding_slave/mii_status")))
            });
            let [now, before] = files;
            let state = match now.text_if_present()? {
                Some((text, _)) => text,
                None => before.text()?.0,
            };
            configured += 1;
            up += u32::from(state.trim() == "up");
        }
        Ok((configured, up))
    }
}
