//! What the firmware says of the machine: `class/dmi/id` in sysfs, one word a file. It does not change while the machine
//! runs, so it is read once. Serial numbers and the UUID are for root only; without it those labels are left out.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::Host;
use crate::metric::{Kind, Page};

/// Labels, which are the files' names but for `system_vendor`.
const LABELS: [&str; 20] = [
    "bios_date",
    "bios_release",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_serial",
    "product_sku",
    "product_uuid",
    "product_version",
    "system_vendor",
];
const HELP: &str = "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, \
     board_asset_tag, board_name, board_serial, board_vendor, board_version, chassis_asset_tag, \
     chassis_serial, chassis_vendor, chassis_version, product_family, product_name, product_serial, \
     product_sku, product_uuid, product_version, system_vendor if provided by DMI.";

struct Dmi {
    labels: Vec<(&'static str, String)>,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    let file = |label: &str| host.sys(&format!("class/dmi/id/{}", if label == "system_vendor" { "sys_vendor" } else { label }));
    let labels = LABELS.into_iter().filter_map(|label| Some((label, file(label).word()?.to_owned()))).collect();
    Ok(Box::new(Dmi { labels }))
}

impl Collector for Dmi {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        if self.labels.is_empty() {
            return Err(Error::NoData("the firmware has no DMI table"));
        }
        let mut labels = [("", ""); LABELS.len()];
        for (place, (label, text)) in labels.iter_mut().zip(&self.labels) {
            *place = (label, text);
        }
        let family = page.family("node_dmi_info", HELP, Kind::Gauge);
        page.sample(family, &labels[..self.labels.len()], 1.0);
        Ok(())
    }
}
