//! ZFS: its counters in `/proc/spl/kstat/zfs`, a heading `name type data` and lines such as `hits 4 8772612`, and of each
//! pool its state, what it reads and writes (`io`), and the same of each of its datasets (`objset-*`).

mod kstat;

use std::collections::HashMap;

use self::kstat::{Counter, DATASET_NAME, parse_counters, parse_io};
use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host, Source};
use crate::metric::{Kind, Page};

const DIRECTORY: &str = "spl/kstat/zfs";
/// What a family is called after `node_`, and the file.
const FILES: [(&str, &str); 11] = [
    ("zfs_abd", "abdstats"),
    ("zfs_arc", "arcstats"),
    ("zfs_dbuf", "dbufstats"),
    ("zfs_dmu_tx", "dmu_tx"),
    ("zfs_dnode", "dnodestats"),
    ("zfs_fm", "fm"),
    ("zfs_vdev_cache", "vdev_cache_stats"),
    ("zfs_vdev_mirror", "vdev_mirror_stats"),
    ("zfs_xuio", "xuio_stats"),
    ("zfs_zfetch", "zfetchstats"),
    ("zfs_zil", "zil"),
];
const STATES: [&str; 7] = ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"];

struct Zfs {
    files: [Source; FILES.len()],
    pools: Devices,
    // By pool.
    datasets: HashMap<String, Devices>,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Zfs {
        files: FILES.map(|(_, file)| host.proc(&format!("{DIRECTORY}/{file}"))),
        pools: Devices::at(host.roots().procfs.join(DIRECTORY), &["io", "state"]),
        datasets: HashMap::new(),
    }))
}

impl Collector for Zfs {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { files, pools, datasets } = self;
        let directory = host.roots().procfs.join(DIRECTORY);
        if !pools.refresh(host, |name| directory.join(name).is_dir())? {
            return Err(Error::NoData("ZFS is not loaded"));
        }
        for ((subsystem, name), file) in FILES.into_iter().zip(files) {
            let Some((text, path)) = file.text_if_present()? else { continue };
            for counter in parse_counters(text).map_err(|malformed| malformed.of(path))? {
                if let Some(value) = counter.value() {
                    let value = value.map_err(|malformed| malformed.of(path))?;
                    write(["node_", subsystem, "_"], name, counter.name, &[], value, page);
                }
            }
        }
        datasets.retain(|name, _| pools.shown().any(|pool| pool.name == *name));
        for Device { name: pool, files, .. } in pools.shown() {
            let [io, state] = &mut files[..] else { continue };
            write_pool(pool, io, state, page)?;
            let files = datasets.entry(pool.clone()).or_insert_with(|| Devices::at(directory.join(pool.as_str()), &[""]));
            files.refresh(host, |name| name.starts_with("objset-"))?;
            for dataset in files.shown() {
                write_dataset(pool, &mut dataset.files[0], page)?;
            }
        }
        Ok(())
    }
}

fn write_pool(pool: &str, io: &mut Source, state: &mut Source, page: &mut Page) -> Result<(), Error> {
    if let Some((text, path)) = io.text_if_present()? {
        for counter in parse_io(text) {
            let (name, value) = counter.map_err(|malformed| malformed.of(path))?;
            write(["node_zfs_zpool_", "", ""], "io", name, &[("zpool", pool)], value as f64, page);
        }
    }
    if let Some((text, _)) = state.text_if_present()? {
        let now = text.lines().next().unwrap_or_default().to_lowercase();
        let family = page.family("node_zfs_zpool_state", "kstat.zfs.misc.state", Kind::Gauge);
        for state in STATES {
            page.sample(family, &[("state", state), ("zpool", pool)], f64::from(u8::from(state == now)));
        }
    }
    Ok(())
}

fn write_dataset(pool: &str, file: &mut Source, page: &mut Page) -> Result<(), Error> {
    let Some((text, path)) = file.text_if_present()? else { return Ok(()) };
    let mut dataset = "";
    for counter in parse_counters(text).map_err(|malformed| malformed.of(path))? {
        let Counter { name, kind, .. } = counter;
        if name == DATASET_NAME {
            dataset = counter.data;
        } else if kind == kstat::UNSIGNED
            && let Some(value) = counter.value()
        {
            let value = value.map_err(|malformed| malformed.of(path))?;
            let labels = [("dataset", dataset), ("zpool", pool)];
            write(["node_zfs_zpool_dataset_", "", ""], "objset", name, &labels, value, page);
        }
    }
    Ok(())
}

// `a.b-c` is called `b_c`, and keeps its name in the help.
fn write(prefix: [&str; 3], file: &str, name: &str, labels: &[(&str, &str)], value: f64, page: &mut Page) {
    let last = name.rsplit('.').next().unwrap_or(name).replace('-', "_");
    let family = page.family_of(&[prefix[0], prefix[1], prefix[2], &last], &["kstat.zfs.misc.", file, ".", name], Kind::Untyped);
    page.sample(family, labels, value);
}
