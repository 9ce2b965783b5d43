//! NVMe subsystems, each reached through one controller or more: `class/nvme-subsystem/nvme-subsys*` in sysfs, with its
//! controllers (`nvme0`) and namespaces (`nvme0n1`) as entries.

use std::collections::HashMap;

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host};
use crate::metric::{FamilyId, Kind, Page};

const FILES: [&str; 4] = ["iopolicy", "model", "subsysnqn", "serial"];
/// The states shown, in the order of their names.
const STATES: [&str; 7] = ["connecting", "dead", "deleting", LIVE, "new", "resetting", UNKNOWN];
const LIVE: &str = "live";
const UNKNOWN: &str = "unknown";

struct NvmeSubsystem {
    subsystems: Devices,
    // By subsystem: controllers and namespaces.
    parts: HashMap<String, [Devices; 2]>,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    let subsystems = Devices::new(host, "class/nvme-subsystem", &FILES);
    Ok(Box::new(NvmeSubsystem { subsystems, parts: HashMap::new() }))
}

impl Collector for NvmeSubsystem {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { subsystems, parts } = self;
        if !subsystems.refresh(host, |name| name.starts_with("nvme-subsys"))? {
            return Err(Error::NoData("the machine has no NVMe subsystem"));
        }
        parts.retain(|name, _| subsystems.shown().any(|subsystem| subsystem.name == *name));
        let mut gauge = |name, help| page.family(name, help, Kind::Gauge);
        let info = gauge("node_nvmesubsystem_info", "Non-numeric information about an NVMe subsystem.");
        let namespace_info = gauge("node_nvmesubsystem_namespace_info", "Maps an NVMe namespace block device to its subsystem.");
        let all = gauge("node_nvmesubsystem_paths", "Number of controller paths for an NVMe subsystem.");
        let working = gauge("node_nvmesubsystem_paths_live", "Number of controller paths in live state for an NVMe subsystem.");
        let state = gauge(
            "node_nvmesubsystem_path_state",
            "Current NVMe controller path state (1 for the current state, 0 for all others).",
        );
        for Device { name, files, .. } in subsystems.shown() {
            let [policy, model, nqn, serial] = &mut files[..] else { continue };
            let labels = [
                ("iopolicy", policy.word().unwrap_or_default()),
                ("model", model.word().unwrap_or_default()),
                ("nqn", nqn.word().unwrap_or_default()),
                ("serial", serial.word().unwrap_or_default()),
                ("subsystem", name),
            ];
            page.sample(info, &labels, 1.0);
            let directory = format!("class/nvme-subsystem/{name}");
            let [controllers, namespaces] = parts.entry(name.clone()).or_insert_with(|| {
                [Devices::new(host, &directory, &["state", "transport"]), Devices::new(host, &directory, &[])]
            });
            let (live, count) = write_controllers(controllers, host, name, state, page)?;
            namespaces.refresh(host, is_namespace)?;
            for namespace in namespaces.shown() {
                page.sample(namespace_info, &[("device", &namespace.name), ("subsystem", name)], 1.0);
            }
            page.sample(all, &[("subsystem", name)], f64::from(count));
            page.sample(working, &[("subsystem", name)], f64::from(live));
        }
        Ok(())
    }
}

// How many are live, and how many there are.
fn write_controllers(
    controllers: &mut Devices,
    host: &Host,
    subsystem: &str,
    family: FamilyId,
    page: &mut Page,
) -> Result<(u32, u32), Error> {
    controllers.refresh(host, |name| name.strip_prefix("nvme").is_some_and(is_number))?;
    let (mut live, mut count) = (0, 0);
    for Device { name, files, .. } in controllers.shown() {
        let [now, transport] = &mut files[..] else { continue };
        let now = normalized(now.word().unwrap_or_default());
        let transport = transport.word().unwrap_or_default();
        count += 1;
        live += u32::from(now == LIVE);
        for state in STATES {
            let labels = [("controller", name.as_str()), ("state", state), ("subsystem", subsystem), ("transport", transport)];
            page.sample(family, &labels, f64::from(u8::from(state == now)));
        }
    }
    Ok((live, count))
}

fn normalized(state: &str) -> &str {
    match state {
        "deleting (no IO)" => "deleting",
        known if STATES.contains(&known) => known,
        _ => UNKNOWN,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_namespace(name: &str) -> bool {
    let parts = name.strip_prefix("nvme").and_then(|rest| rest.split_once('n'));
    parts.is_some_and(|(controller, namespace)| is_number(controller) && is_number(namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_names_are_told_apart() {
        for (state, expected) in [("live", "live"), ("deleting (no IO)", "deleting"), ("dancing", "unknown"), ("", "unknown")] {
            assert_eq!(normalized(state), expected, "{state}");
        }
        for (name, expected) in [("nvme0n1", true), ("nvme0", false), ("nvme0c0n1", false), ("nvmen1", false)] {
            assert_eq!(is_namespace(name), expected, "{name}");
        }
    }
}
