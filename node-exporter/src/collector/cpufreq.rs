//! Frequencies of each CPU in sysfs, `devices/system/cpu/cpu*/cpufreq`: one number of kHz a file, and the governors there are.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host, Presence};
use crate::metric::{Kind, Page};

/// Family and help of the first files below, in order.
const FREQUENCIES: [(&str, &str); 7] = [
    ("node_cpu_frequency_hertz", "Current CPU thread frequency in hertz."),
    ("node_cpu_frequency_avg_hertz", "Average CPU thread frequency in hertz."),
    ("node_cpu_frequency_min_hertz", "Minimum CPU thread frequency in hertz."),
    ("node_cpu_frequency_max_hertz", "Maximum CPU thread frequency in hertz."),
    ("node_cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."),
    ("node_cpu_scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."),
    ("node_cpu_scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."),
];
const FILES: [&str; 9] = [
    "cpufreq/cpuinfo_cur_freq",
    "cpufreq/cpuinfo_avg_freq",
    "cpufreq/cpuinfo_min_freq",
    "cpufreq/cpuinfo_max_freq",
    "cpufreq/scaling_cur_freq",
    "cpufreq/scaling_min_freq",
    "cpufreq/scaling_max_freq",
    "cpufreq/scaling_governor",
    "cpufreq/scaling_available_governors",
];
const DIRECTORY: &str = "devices/system/cpu";
/// From kHz.
const KILO: f64 = 1000.0;

struct CpuFreq {
    cpus: Devices,
    // Whether the last scrape found any. A virtual machine has none, and asking each CPU for each file would be in vain.
    found: bool,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(CpuFreq { cpus: Devices::new(host, DIRECTORY, &FILES), found: false }))
}

impl Collector for CpuFreq {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { cpus, found } = self;
        cpus.refresh(host, is_cpu)?;
        let directory = host.roots().sysfs.join(DIRECTORY);
        if !*found && !cpus.shown().any(|cpu| directory.join(&cpu.name).join("cpufreq").is_dir()) {
            return Ok(());
        }
        *found = false;
        let frequencies = FREQUENCIES.map(|(name, help)| page.family(name, help, Kind::Gauge));
        let governors = page.family("node_cpu_scaling_governor", "Current enabled CPU frequency governor.", Kind::Gauge);
        for Device { name, files, .. } in cpus.shown() {
            let cpu = ("cpu", name.strip_prefix("cpu").unwrap_or(name));
            for (family, file) in frequencies.into_iter().zip(files.iter_mut()) {
                if let Some(kilohertz) = file.value::<u64>() {
                    page.sample(family, &[cpu], kilohertz as f64 * KILO);
                    *found = true;
                }
            }
            let [governor, available] = &mut files[FREQUENCIES.len()..] else { continue };
            let (Some(governor), Some(available)) = (governor.word().filter(|word| !word.is_empty()), available.word()) else {
                continue;
            };
            for one in available.split(' ') {
                page.sample(governors, &[cpu, ("governor", one)], f64::from(u8::from(one == governor)));
            }
        }
        Ok(())
    }

    // Some kernels take 20 ms per core to answer (node_exporter issue 1086).
    fn may_block(&self) -> bool {
        true
    }

    fn presence(&self, host: &Host) -> Option<(Presence, Option<&'static str>)> {
        // On every kernel the first holds what the others link to; a captured tree may lack it.
        Some((Presence::in_directories(host, &["devices/system/cpu/cpufreq", "devices/system/cpu/cpu0/cpufreq"]), None))
    }
}

fn is_cpu(name: &str) -> bool {
    name.strip_prefix("cpu").is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_entries_are_no_cpus() {
        for (name, expected) in [("cpu0", true), ("cpu127", true), ("cpu", false), ("cpufreq", false), ("cpuidle", false)] {
            assert_eq!(is_cpu(name), expected, "{name}");
        }
    }
}
