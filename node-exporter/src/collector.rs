//! What a collector is, and the table of all of them. To add one:
//!
//! 1. write `collector/NAME.rs` with a pure `parse`, its `FLAGS`, and `new`, which returns the collector;
//! 2. add its line to [`ALL`]: the flags `--[no-]collector.NAME`, `collect[]` and the tests follow from it;
//! 3. add the file it reads to `fixtures/` and look at the new lines of `fixtures/expected.txt` (`UPDATE_GOLDEN=1`).
//!
//! A collector reads proc, sys, statfs and sockets, and starts no process. It never sees the text format.

mod arp;
mod bcache;
mod bcachefs;
mod bonding;
mod btrfs;
mod buddyinfo;
mod cgroups;
mod conntrack;
mod cpu;
mod cpu_vulnerabilities;
mod cpufreq;
mod diskstats;
mod dmi;
mod dmmultipath;
mod drbd;
mod drm;
mod edac;
mod entropy;
mod fibrechannel;
mod filefd;
mod filesystem;
mod hwmon;
mod infiniband;
mod interrupts;
mod ipvs;
mod kernel_hung;
mod ksmd;
mod lnstat;
mod loadavg;
mod mdadm;
mod meminfo;
mod meminfo_numa;
mod mountstats;
mod netclass;
mod netdev;
mod netstat;
mod network_route;
mod nfs;
mod nfsd;
mod nvme;
mod nvmesubsystem;
mod os;
mod pcidevice;
mod powersupplyclass;
mod pressure;
mod processes;
mod qdisc;
mod rapl;
mod schedstat;
mod selinux;
mod slabinfo;
mod sockstat;
mod softirqs;
mod softnet;
mod stat;
mod swap;
mod sysctl;
mod tapestats;
mod tcpstat;
mod textfile;
mod thermal_zone;
mod time;
mod timex;
mod udp_queues;
mod uname;
mod vmstat;
mod watchdog;
mod wifi;
mod xfrm;
mod xfs;
mod zfs;
mod zoneinfo;

use std::path::{Path, PathBuf};

use crate::flag::{Flag, FlagError, Flags};
use crate::host::{Host, Presence, ReadError};
use crate::metric::Page;

/// One collector, with what it keeps between scrapes.
pub trait Collector: Send {
    /// Reads the host and writes families. What was written before an error stays.
    ///
    /// # Errors
    /// Nothing there, unreadable, or not understood.
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error>;

    /// Whether a dead mount or device can hold it up: then it gets a thread of its own and a deadline.
    fn may_block(&self) -> bool {
        false
    }

    /// Of a collector that may block: where to look whether it has anything to read, so that no thread is woken in vain, and the
    /// reason for having no data if there is no such place (without one, that is no failure).
    fn presence(&self, _host: &Host) -> Option<(Presence, Option<&'static str>)> {
        None
    }
}

/// A collector that is made and not yet run.
pub type Made = Result<Box<dyn Collector>, Error>;

/// Why a collector has nothing, or not all, to tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine has no such hardware or feature: nothing is wrong.
    #[error("no data: {0}")]
    NoData(&'static str),
    /// A file or directory cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file was read and not understood.
    #[error("cannot understand {}, line {line}: {problem}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The system refused something that is no file.
    #[error("{call}: {source}")]
    System {
        /// The system call.
        call: &'static str,
        /// What it said.
        source: std::io::Error,
    },
    /// A flag's value cannot be used.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// A fault of ours: the collector panicked and its neighbours go on.
    #[error("internal fault: {0}")]
    Fault(String),
    /// It did not answer within the deadline.
    #[error("no answer within {0} s")]
    Timeout(f64),
}

/// A line that a parser does not understand.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    line: usize,
    problem: String,
}

impl Malformed {
    /// Line `line`, from 1 on.
    pub fn new(line: usize, problem: impl Into<String>) -> Self {
        Self { line, problem: problem.into() }
    }

    /// A file without any line that counts.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(1, "the file is empty")
    }

    /// The error, now that the file is known.
    #[must_use]
    pub fn of(self, path: &Path) -> Error {
        Error::Parse { path: path.to_owned(), line: self.line, problem: self.problem }
    }
}

/// The number in `field` of line `line`.
fn number<N: std::str::FromStr>(field: Option<&str>, line: usize) -> Result<N, Malformed> {
    let field = field.ok_or_else(|| Malformed::new(line, "a field is missing"))?;
    field.parse().map_err(|_| Malformed::new(line, format!("{field:?} is no number in range")))
}

/// A whole number as the kernel writes it, hexadecimal if it starts with `0x`.
fn whole(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// `text` as part of a family's name: what may not stand there becomes an underscore.
fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name in flags, `collect[]` and labels; also its file's.
    pub name: &'static str,
    /// Whether it is on when no flag says otherwise.
    pub on: bool,
    /// Its own flags.
    pub flags: &'static [&'static Flag],
    /// Makes it.
    pub new: fn(&Host, &Flags) -> Made,
}

const fn on(name: &'static str, flags: &'static [&'static Flag], new: fn(&Host, &Flags) -> Made) -> Entry {
    Entry { name, on: true, flags, new }
}

const fn off(name: &'static str, flags: &'static [&'static Flag], new: fn(&Host, &Flags) -> Made) -> Entry {
    Entry { name, on: false, flags, new }
}

/// Every collector, by name, but textfile last: where its files contradict the kernel, the kernel is right.
pub const ALL: &[Entry] = &[
    on("arp", arp::FLAGS, arp::new),
    on("bcache", bcache::FLAGS, bcache::new),
    on("bcachefs", &[], bcachefs::new),
    on("bonding", &[], bonding::new),
    on("btrfs", &[], btrfs::new),
    off("buddyinfo", &[], buddyinfo::new),
    off("cgroups", &[], cgroups::new),
    on("conntrack", &[], conntrack::new),
    on("cpu", cpu::FLAGS, cpu::new),
    off("cpu_vulnerabilities", &[], cpu_vulnerabilities::new),
    on("cpufreq", &[], cpufreq::new),
    on("diskstats", diskstats::FLAGS, diskstats::new),
    on("dmi", &[], dmi::new),
    on("dmmultipath", &[], dmmultipath::new),
    off("drbd", &[], drbd::new),
    off("drm", &[], drm::new),
    on("edac", &[], edac::new),
    on("entropy", &[], entropy::new),
    on("fibrechannel", &[], fibrechannel::new),
    on("filefd", &[], filefd::new),
    on("filesystem", filesystem::FLAGS, filesystem::new),
    on("hwmon", hwmon::FLAGS, hwmon::new),
    on("infiniband", infiniband::FLAGS, infiniband::new),
    off("interrupts", interrupts::FLAGS, interrupts::new),
    on("ipvs", ipvs::FLAGS, ipvs::new),
    on("kernel_hung", &[], kernel_hung::new),
    off("ksmd", &[], ksmd::new),
    off("lnstat", &[], lnstat::new),
    on("loadavg", &[], loadavg::new),
    on("mdadm", &[], mdadm::new),
    on("meminfo", &[], meminfo::new),
    off("meminfo_numa", &[], meminfo_numa::new),
    off("mountstats", &[], mountstats::new),
    on("netclass", netclass::FLAGS, netclass::new),
    on("netdev", netdev::FLAGS, netdev::new),
    on("netstat", netstat::FLAGS, netstat::new),
    off("network_route", &[], network_route::new),
    on("nfs", &[], nfs::new),
    on("nfsd", &[], nfsd::new),
    on("nvme", &[], nvme::new),
    off("nvmesubsystem", &[], nvmesubsystem::new),
    on("os", &[], os::new),
    off("pcidevice", pcidevice::FLAGS, pcidevice::new),
    on("powersupplyclass", powersupplyclass::FLAGS, powersupplyclass::new),
    on("pressure", &[], pressure::new),
    off("processes", &[], processes::new),
    off("qdisc", qdisc::FLAGS, qdisc::new),
    on("rapl", rapl::FLAGS, rapl::new),
    on("schedstat", &[], schedstat::new),
    on("selinux", &[], selinux::new),
    off("slabinfo", slabinfo::FLAGS, slabinfo::new),
    on("sockstat", &[], sockstat::new),
    off("softirqs", &[], softirqs::new),
    on("softnet", &[], softnet::new),
    on("stat", stat::FLAGS, stat::new),
    off("swap", &[], swap::new),
    off("sysctl", sysctl::FLAGS, sysctl::new),
    on("tapestats", tapestats::FLAGS, tapestats::new),
    off("tcpstat", &[], tcpstat::new),
    on("thermal_zone", &[], thermal_zone::new),
    on("time", &[], time::new),
    on("timex", &[], timex::new),
    on("udp_queues", &[], udp_queues::new),
    on("uname", &[], uname::new),
    on("vmstat", vmstat::FLAGS, vmstat::new),
    on("watchdog", &[], watchdog::new),
    off("wifi", wifi::FLAGS, wifi::new),
    off("xfrm", &[], xfrm::new),
    on("xfs", &[], xfs::new),
    on("zfs", &[], zfs::new),
    off("zoneinfo", &[], zoneinfo::new),
    on("textfile", textfile::FLAGS, textfile::new),
];
