//! What the stack itself costs: CPU time and memory of this process and all its children, as the kernel counts them. Memory
//! is the proportional share (PSS): the parts are one binary, whose pages they share and which are there once.

use std::collections::HashMap;
use std::fs;

/// Ticks in a second: the kernel's ABI fixes USER_HZ at 100 on every architecture that matters.
const USER_HZ: f64 = 100.0;

/// CPU time and memory at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// CPU seconds so far of all processes that are alive.
    pub cpu_seconds: f64,
    /// Memory in bytes, pages in common counted once.
    pub pss_bytes: u64,
}

/// The cost of each of `pids`; a process that has ended is left out.
#[must_use]
pub fn measure(pids: impl IntoIterator<Item = u32>) -> HashMap<u32, Cost> {
    let of = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Older kernels and other users' processes have no roll-up.
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        Some((pid, Cost { cpu_seconds: cpu_ticks(&stat)? as f64 / USER_HZ, pss_bytes: pss_kib(&rollup).unwrap_or(0) * 1024 }))
    };
    pids.into_iter().filter_map(of).collect()
}

/// User and system time in `/proc/PID/stat` (proc(5): fields 14 and 15; the name in field 2 may hold anything).
fn cpu_ticks(stat: &str) -> Option<u64> {
    let fields = stat.rsplit_once(')')?.1;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()?.saturating_add(fields.next()?.parse().ok()?))
}

fn pss_kib(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// CPU seconds spent between two measurements: a process that is new counts from its start, one that ended counts no more.
#[must_use]
pub fn cpu_between(before: &HashMap<u32, Cost>, now: &HashMap<u32, Cost>) -> f64 {
    let spent = |(pid, cost): (&u32, &Cost)| cost.cpu_seconds - before.get(pid).map_or(0.0, |before| before.cpu_seconds);
    now.iter().map(spent).map(|seconds| seconds.max(0.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_lines() {
        let stat = "42 (a) b)) S 1 42 42 0 -1 4194304 100 0 0 0 7 5 0 0 20 0 1 0 300 1000 200";
        assert_eq!(cpu_ticks(stat), Some(12));
        assert_eq!(cpu_ticks("42 (a"), None);
        assert_eq!(pss_kib("Rss:  9 kB\nPss:               1234 kB\nPss_Anon: 5 kB\n"), Some(1234));
        assert_eq!(pss_kib(""), None);
    }

    #[test]
    fn this_process_costs_something_and_no_process_nothing() {
        let own = std::process::id();
        let cost = measure([own, u32::MAX]);
        assert_eq!(cost.len(), 1);
        assert!(cost[&own].pss_bytes > 0);
        assert!((cpu_between(&cost, &cost)).abs() < f64::EPSILON);
    }
}
