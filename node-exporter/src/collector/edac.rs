//! Memory errors found by the memory controllers: `devices/system/edac/mc/mc*` in sysfs, their rows (`csrow*`) and the
//! channels of those (`ch0_ce_count`).

use std::collections::HashMap;

use super::{Collector, Error, Made, Malformed};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host, ReadError, Source};
use crate::metric::{FamilyId, Kind, Page};

const DIRECTORY: &str = "devices/system/edac/mc";
const CONTROLLER_FILES: [&str; 4] = ["ce_count", "ce_noinfo_count", "ue_count", "ue_noinfo_count"];
const ROW_FILES: [&str; 2] = ["ce_count", "ue_count"];

struct Edac {
    controllers: Devices,
    // By controller.
    rows: HashMap<String, Rows>,
}

struct Rows {
    rows: Devices,
    // By row.
    channels: HashMap<String, Vec<Channel>>,
}

struct Channel {
    number: String,
    label: Source,
    correctable: Source,
    uncorrectable: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Edac { controllers: Devices::new(host, DIRECTORY, &CONTROLLER_FILES), rows: HashMap::new() }))
}

impl Collector for Edac {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { controllers, rows } = self;
        controllers.refresh(host, |name| numbered(name, "mc").is_some())?;
        rows.retain(|name, _| controllers.shown().any(|controller| controller.name == *name));
        let families = Families::open(page);
        for Device { name, files, .. } in controllers.shown() {
            let controller = numbered(name, "mc").unwrap_or_default();
            let mut counts = [0.0; CONTROLLER_FILES.len()];
            for (count, file) in counts.iter_mut().zip(files.iter_mut()) {
                *count = count_in(file)?;
            }
            let unknown = [("controller", controller), ("csrow", "unknown")];
            page.sample(families.correctable, &unknown[..1], counts[0]);
            page.sample(families.row_correctable, &unknown, counts[1]);
            page.sample(families.uncorrectable, &unknown[..1], counts[2]);
            page.sample(families.row_uncorrectable, &unknown, counts[3]);
            let directory = format!("{DIRECTORY}/{name}");
            let rows = rows
                .entry(name.clone())
                .or_insert_with(|| Rows { rows: Devices::new(host, &directory, &ROW_FILES), channels: HashMap::new() });
            rows.write(host, controller, &directory, &families, page)?;
        }
        Ok(())
    }
}

impl Rows {
    fn write(
        &mut self,
        host: &Host,
        controller: &str,
        directory: &str,
        families: &Families,
        page: &mut Page,
    ) -> Result<(), Error> {
        let Self { rows, channels } = self;
        rows.refresh(host, |name| numbered(name, "csrow").is_some())?;
        channels.retain(|name, _| rows.shown().any(|row| row.name == *name));
        for Device { name, files, .. } in rows.shown() {
            let row = numbered(name, "csrow").unwrap_or_default();
            let labels = [("controller", controller), ("csrow", row)];
            page.sample(families.row_correctable, &labels, count_in(&mut files[0])?);
            page.sample(families.row_uncorrectable, &labels, count_in(&mut files[1])?);
            if !channels.contains_key(name) {
                channels.insert(name.clone(), find_channels(host, &format!("{directory}/{name}"))?);
            }
            for channel in channels.get_mut(name).into_iter().flatten() {
                let label = dimm(channel.label.word());
                let labels =
                    [("channel", channel.number.as_str()), ("controller", controller), ("csrow", row), ("dimm_label", &label)];
                page.sample(families.channel_correctable, &labels, count_in(&mut channel.correctable)?);
                if let Some(count) = channel.uncorrectable.value::<u64>() {
                    page.sample(families.channel_uncorrectable, &labels, count as f64);
                }
            }
        }
        Ok(())
    }
}

struct Families {
    correctable: FamilyId,
    uncorrectable: FamilyId,
    row_correctable: FamilyId,
    row_uncorrectable: FamilyId,
    channel_correctable: FamilyId,
    channel_uncorrectable: FamilyId,
}

impl Families {
    fn open(page: &mut Page) -> Self {
        let mut counter = |name, help| page.family(name, help, Kind::Counter);
        Self {
            correctable: counter("node_edac_correctable_errors_total", "Total correctable memory errors."),
            uncorrectable: counter("node_edac_uncorrectable_errors_total", "Total uncorrectable memory errors."),
            row_correctable: counter(
                "node_edac_csrow_correctable_errors_total",
                "Total correctable memory errors for this csrow.",
            ),
            row_uncorrectable: counter(
                "node_edac_csrow_uncorrectable_errors_total",
                "Total uncorrectable memory errors for this csrow.",
            ),
            channel_correctable: counter(
                "node_edac_channel_correctable_errors_total",
                "Total correctable memory errors for this channel.",
            ),
            channel_uncorrectable: counter(
                "node_edac_channel_uncorrectable_errors_total",
                "Total uncorrectable memory errors for this channel.",
            ),
        }
    }
}

fn find_channels(host: &Host, directory: &str) -> Result<Vec<Channel>, ReadError> {
    let names = host.list_sys(directory, "ch")?;
    let numbers = names.iter().filter_map(|name| numbered(name.strip_suffix("_ce_count")?, "ch"));
    let file = |number: &str, of: &str| host.sys(&format!("{directory}/ch{number}_{of}"));
    let channels = numbers.map(|number| Channel {
        number: number.to_owned(),
        label: file(number, "dimm_label"),
        correctable: file(number, "ce_count"),
        uncorrectable: file(number, "ue_count"),
    });
    Ok(channels.collect())
}

fn count_in(file: &mut Source) -> Result<f64, Error> {
    let (text, path) = file.text()?;
    let count: u64 = super::number(Some(text.trim()), 1).map_err(|malformed: Malformed| malformed.of(path))?;
    Ok(count as f64)
}

// The digits after `prefix`.
fn numbered<'name>(name: &'name str, prefix: &str) -> Option<&'name str> {
    let number = name.strip_prefix(prefix)?;
    (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())).then_some(number)
}

// `CPU_SrcID#0_MC#0_Chan#0_DIMM#0` or `mc#0csrow#0channel#0`, in upstream's spelling.
fn dimm(label: Option<&str>) -> String {
    label.map_or_else(
        || "unknown".to_owned(),
        |label| label.replace('#', "").replace("csrow", "_csrow").replace("channel", "_channel"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_modules_are_spelt_as_upstream_does() {
        for (label, expected) in [
            (Some("CPU_SrcID#0_MC#1"), "CPU_SrcID0_MC1"),
            (Some("mc#0csrow#2channel#1"), "mc0_csrow2_channel1"),
            (Some(""), ""),
            (None, "unknown"),
        ] {
            assert_eq!(dimm(label), expected);
        }
    }

    #[test]
    fn numbers_follow_their_prefix() {
        for (name, expected) in [("mc12", Some("12")), ("mc", None), ("mcx", None), ("csrow1", None)] {
            assert_eq!(numbered(name, "mc"), expected, "{name}");
        }
    }
}
