//! Names of PCI devices from the list `pci.ids`: a maker a line, its devices below it after one tab, their variants after two;
//! and in the same way classes after a `C`.

use std::collections::HashMap;
use std::path::PathBuf;

use super::{read_list, usual_lists};
use crate::host::Host;

/// Names by their numbers, as small hexadecimal digits.
#[derive(Debug, Default, PartialEq)]
pub struct Ids {
    vendors: HashMap<String, String>,
    // Maker and device.
    devices: HashMap<(String, String), String>,
    // Maker and device, and the maker and device of the card it is on.
    subsystems: HashMap<[String; 4], String>,
    // Class, with its subclass and programming interface.
    classes: HashMap<String, String>,
}

impl Ids {
    /// The list at `path`, else where distributions keep it; without one nothing has a name.
    pub fn load(host: &Host, path: Option<&str>) -> Self {
        let paths = path.map_or_else(|| usual_lists(host).to_vec(), |path| vec![PathBuf::from(path)]);
        match paths.iter().find_map(|path| read_list(path).ok()) {
            Some(text) => Self::parse(&text),
            None => {
                tracing::warn!(tried = ?paths, "no list of PCI devices: they are shown without names; see --collector.pcidevice.idsfile");
                Self::default()
            }
        }
    }

    fn parse(text: &str) -> Self {
        let mut ids = Self::default();
        let (mut vendor, mut device, mut class, mut subclass) = (String::new(), String::new(), String::new(), String::new());
        let mut in_classes = false;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let depth = line.bytes().take_while(|byte| *byte == b'\t').count();
            let Some((id, name)) = line[depth..].split_once("  ") else { continue };
            let (id, name) = (id.trim(), name.trim().to_owned());
            match (depth, id.strip_prefix("C ")) {
                (0, Some(id)) => {
                    in_classes = true;
                    id.clone_into(&mut class);
                    ids.classes.insert(class.clone(), name);
                }
                (0, None) => {
                    in_classes = false;
                    id.clone_into(&mut vendor);
                    ids.vendors.insert(vendor.clone(), name);
                }
                (1, _) if in_classes => {
                    subclass = format!("{class}{id}");
                    ids.classes.insert(subclass.clone(), name);
                }
                (_, _) if in_classes => {
                    ids.classes.insert(format!("{subclass}{id}"), name);
                }
                (1, _) => {
                    id.clone_into(&mut device);
                    ids.devices.insert((vendor.clone(), device.clone()), name);
                }
                _ => {
                    if let Some((card_vendor, card)) = id.split_once(' ') {
                        let key = [vendor.clone(), device.clone(), card_vendor.to_owned(), card.to_owned()];
                        ids.subsystems.insert(key, name);
                    }
                }
            }
        }
        ids
    }

    /// The maker `id`, which is written `0x8086`; its digits if it has no name.
    pub fn vendor(&self, id: &str) -> String {
        named(self.vendors.get(digits(id)), id)
    }

    /// A maker's device.
    pub fn device(&self, vendor: &str, id: &str) -> String {
        named(self.devices.get(&(digits(vendor).to_owned(), digits(id).to_owned())), id)
    }

    /// The card that a maker's device is on.
    pub fn subsystem(&self, vendor: &str, device: &str, card_vendor: &str, id: &str) -> String {
        named(self.subsystems.get(&[vendor, device, card_vendor, id].map(|id| digits(id).to_owned())), id)
    }

    /// The most special name of a class of six digits.
    pub fn class(&self, id: &str) -> String {
        let digits = digits(id);
        let names = [6, 4, 2].into_iter().filter_map(|length| self.classes.get(digits.get(..length)?));
        names.into_iter().next().cloned().unwrap_or_else(|| format!("Unknown class ({digits})"))
    }
}

fn digits(id: &str) -> &str {
    id.strip_prefix("0x").unwrap_or(id)
}

fn named(name: Option<&String>, id: &str) -> String {
    name.cloned().unwrap_or_else(|| digits(id).to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_found_at_their_depth() {
        let list = "# list\n1af4  Maker One\n\t1000  Net card\n\t\t1af4 0001  Variant\n1b36  Maker Two\n\nC 02  Network\n\t00  Ethernet\n\t\t07  Fast\n";
        let ids = Ids::parse(list);
        assert_eq!((ids.vendor("0x1b36"), ids.vendor("0x0001")), ("Maker Two".to_owned(), "0001".to_owned()));
        assert_eq!((ids.device("0x1af4", "0x1000"), ids.device("0x1b36", "0x1000")), ("Net card".to_owned(), "1000".to_owned()));
        assert_eq!(ids.subsystem("0x1af4", "0x1000", "0x1af4", "0x0001"), "Variant");
        for (class, expected) in
            [("0x020007", "Fast"), ("0x020001", "Ethernet"), ("0x029900", "Network"), ("0xff0000", "Unknown class (ff0000)")]
        {
            assert_eq!(ids.class(class), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(\t{0,3}(C )?[0-9a-f]{2,4}( [0-9a-f]{4})?  [a-z]*\n){0,4}.*", id in "(0x)?.*") {
            let _name = Ids::parse(&text).class(&id);
        }
    }
}
