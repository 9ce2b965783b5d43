//! Time of each CPU by mode: `/proc/stat`, lines such as `cpu0 10 20 30 400 5 0 7 0 0 0` in ticks of 1/100 s. Beside it
//! throttling, isolation and hotplug state from sysfs, and on request what `/proc/cpuinfo` says of the processor.

mod info;
mod sys;

use std::collections::BTreeMap;

use self::info::Info;
use self::sys::Topology;
use super::{Collector, Error, Made, Malformed, number};
use crate::flag::{Flag, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static GUEST: Flag = Flag::switch("collector.cpu.guest", true, "Enables metric node_cpu_guest_seconds_total");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&GUEST, &info::INFO, &info::FLAGS_INCLUDE, &info::BUGS_INCLUDE];

/// Ticks in a second: the kernel's ABI fixes USER_HZ at 100 on every architecture that matters.
const USER_HZ: f64 = 100.0;
/// If idle time falls by this many ticks or more, the CPU was taken out and put back, and counts from anew. Upstream's
/// limit of 3 s.
const HOTPLUG: u64 = 300;
/// In the kernel's order; the last two are shown in a family of their own.
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
const IDLE: usize = 3;
const GUEST_MODES: [&str; 2] = ["user", "nice"];

type Ticks = [u64; 10];

struct Cpu {
    stat: Source,
    guest: bool,
    info: Option<Info>,
    topology: Topology,
    // What was shown last: the kernel's idle and iowait may fall, and a counter must not.
    shown: BTreeMap<u32, Ticks>,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(Cpu {
        stat: host.proc("stat"),
        guest: flags.on(&GUEST),
        info: Info::new(host, flags)?,
        topology: Topology::new(host),
        shown: BTreeMap::new(),
    }))
}

impl Collector for Cpu {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.stat.text()?;
        let now = parse(text).map_err(|malformed| malformed.of(path))?;
        let known = self.shown.len();
        self.shown.retain(|cpu, _| now.iter().any(|(other, _)| cpu == other));
        let mut changed = self.shown.len() != known;
        for (cpu, ticks) in now {
            changed |= !self.shown.contains_key(&cpu);
            never_falling(self.shown.entry(cpu).or_default(), ticks);
        }
        self.write(page);
        self.topology.collect(host, changed, page)?;
        self.info.as_mut().map_or(Ok(()), |info| info.collect(page))
    }
}

impl Cpu {
    fn write(&self, page: &mut Page) {
        let seconds = page.family("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", Kind::Counter);
        let guests = self.guest.then(|| {
            page.family("node_cpu_guest_seconds_total", "Seconds the CPUs spent in guests (VMs) for each mode.", Kind::Counter)
        });
        let mut name = String::new();
        for (cpu, ticks) in &self.shown {
            name.clear();
            name.push_str(&cpu.to_string());
            for (mode, ticks) in MODES.into_iter().zip(ticks) {
                page.sample(seconds, &[("cpu", &name), ("mode", mode)], *ticks as f64 / USER_HZ);
            }
            if let Some(guests) = guests {
                for (mode, ticks) in GUEST_MODES.into_iter().zip(&ticks[MODES.len()..]) {
                    page.sample(guests, &[("cpu", &name), ("mode", mode)], *ticks as f64 / USER_HZ);
                }
            }
        }
    }
}

fn never_falling(shown: &mut Ticks, now: Ticks) {
    if shown[IDLE].saturating_sub(now[IDLE]) >= HOTPLUG {
        *shown = now;
    }
    for (shown, now) in shown.iter_mut().zip(now) {
        *shown = now.max(*shown);
    }
}

// The lines of single CPUs. Kernels before 2.6.33 have fewer modes: what they lack is 0.
fn parse(text: &str) -> Result<Vec<(u32, Ticks)>, Malformed> {
    let mut cpus = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_ascii_whitespace();
        let Some(cpu) = fields.next().and_then(|key| key.strip_prefix("cpu")).filter(|cpu| !cpu.is_empty()) else { continue };
        let cpu = number(Some(cpu), index + 1)?;
        let mut ticks = Ticks::default();
        let mut given = 0;
        for (place, field) in ticks.iter_mut().zip(fields) {
            *place = number(Some(field), index + 1)?;
            given += 1;
        }
        if given <= IDLE {
            return Err(Malformed::new(index + 1, "a field is missing"));
        }
        cpus.push((cpu, ticks));
    }
    if cpus.is_empty() { Err(Malformed::new(1, "there is no line of any CPU")) } else { Ok(cpus) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_cpu_has_its_line() {
        let text = "cpu  9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu12 1 2 3 4\nintr 5\n";
        assert_eq!(parse(text), Ok(vec![(0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), (12, [1, 2, 3, 4, 0, 0, 0, 0, 0, 0])]));
        for (bad, line) in
            [("", 1), ("cpu 1 2", 1), ("cpu0 1 2 3 4\ncpux 1", 2), ("cpu0 -1", 1), ("cpu0 1 2 3", 1), ("cpu0 1 2 3 x", 1)]
        {
            assert_eq!(parse(bad).unwrap_err().line, line, "{bad}");
        }
    }

    #[test]
    fn counters_never_fall_unless_the_cpu_was_taken_out() {
        let ticks = |user: u64, idle: u64| [user, 0, 0, idle, 0, 0, 0, 0, 0, 0];
        for (before, now, expected) in [
            (ticks(10, 1000), ticks(11, 1001), ticks(11, 1001)),
            (ticks(10, 1000), ticks(9, 1001), ticks(10, 1001)),
            (ticks(10, 1000), ticks(11, 701), ticks(11, 1000)),
            (ticks(10, 1000), ticks(0, 700), ticks(0, 700)),
        ] {
            let mut shown = before;
            never_falling(&mut shown, now);
            assert_eq!(shown, expected, "{before:?} {now:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(cpu[0-9]*[ 0-9]*\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
