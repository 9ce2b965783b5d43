//! What udev knows of a block device: `/run/udev/data/b8:0`, lines such as `E:ID_MODEL=QEMU_HARDDISK`.

use std::path::PathBuf;

use super::{Device, write_info};
use crate::host::Host;
use crate::metric::{FamilyId, Kind, Page};

/// Key, family and help of what is shown of ATA disks.
const ATA: [(&str, &str, &str); 3] = [
    ("ID_ATA_WRITE_CACHE", "node_disk_ata_write_cache", "ATA disk has a write cache."),
    ("ID_ATA_WRITE_CACHE_ENABLED", "node_disk_ata_write_cache_enabled", "ATA disk has its write cache enabled."),
    ("ID_ATA_ROTATION_RATE_RPM", "node_disk_ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."),
];

/// The directory of udev's data, if there is one.
#[derive(Debug)]
pub struct Udev {
    directory: PathBuf,
}

/// The labels of `node_disk_info` that come from udev.
#[derive(Debug, Default)]
pub struct Identity<'text> {
    pub model: &'text str,
    pub path: &'text str,
    pub revision: &'text str,
    pub serial: &'text str,
    pub wwn: &'text str,
}

impl Udev {
    /// `None` if this machine, or container, has no such directory.
    pub fn new(host: &Host) -> Option<Self> {
        let directory = host.roots().udev_data.clone();
        if !directory.is_dir() {
            tracing::info!(path = %directory.display(), "no udev data: disks are shown without model and serial number; see --path.udev.data");
            return None;
        }
        Some(Self { directory })
    }

    /// Writes all that udev's file of `device` says; without such a file, the device with empty labels.
    pub fn write(&self, host: &Host, device: &Device<'_>, rotational: &str, info: FamilyId, page: &mut Page) {
        let mut file = host.file(self.directory.join(format!("b{}:{}", device.major, device.minor)));
        let text = match file.text_if_present() {
            Ok(text) => text.map_or("", |(text, _)| text),
            Err(error) => {
                tracing::debug!(%error, "no udev properties");
                ""
            }
        };
        let properties = parse(text);
        let find = |key: &str| properties.iter().rev().find(|property| property.0 == key).map(|property| property.1);
        let value = |key: &str| find(key).unwrap_or_default();
        // What is printed on the disk's label, else what the bus says, else what virtio says.
        let serial =
            ["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"].into_iter().map(value).find(|serial| !serial.is_empty());
        let identity = Identity {
            model: value("ID_MODEL"),
            path: value("ID_PATH"),
            revision: value("ID_REVISION"),
            serial: serial.unwrap_or_default(),
            wwn: value("ID_WWN"),
        };
        write_info(device, rotational, &identity, info, page);
        if !value("ID_FS_TYPE").is_empty() {
            let family = page.family("node_disk_filesystem_info", "Info about disk filesystem.", Kind::Gauge);
            let labels = [
                ("device", device.name),
                ("type", value("ID_FS_TYPE")),
                ("usage", value("ID_FS_USAGE")),
                ("uuid", value("ID_FS_UUID")),
                ("version", value("ID_FS_VERSION")),
            ];
            page.sample(family, &labels, 1.0);
        }
        if !value("DM_NAME").is_empty() {
            let family = page.family("node_disk_device_mapper_info", "Info about disk device mapper.", Kind::Gauge);
            let labels = [
                ("device", device.name),
                ("lv_layer", value("DM_LV_LAYER")),
                ("lv_name", value("DM_LV_NAME")),
                ("name", value("DM_NAME")),
                ("uuid", value("DM_UUID")),
                ("vg_name", value("DM_VG_NAME")),
            ];
            page.sample(family, &labels, 1.0);
        }
        if !value("ID_ATA").is_empty() {
            for (key, name, help) in ATA {
                if let Some(value) = find(key).and_then(|value| value.parse::<f64>().ok()) {
                    let family = page.family(name, help, Kind::Gauge);
                    page.sample(family, &[("device", device.name)], value);
                }
            }
        }
    }
}

fn parse(text: &str) -> Vec<(&str, &str)> {
    text.lines().filter_map(|line| line.strip_prefix("E:")?.split_once('=')).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_properties_are_read() {
        assert_eq!(parse("S:disk/by-id/x\nI:1\nE:ID_MODEL=A=B\nE:NONE\nE:ID_ATA=1\n"), [("ID_MODEL", "A=B"), ("ID_ATA", "1")]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(E:.*=.*\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
