//! The exporter's own metrics, under the names of Prometheus' Go client: `process_*` from this process's files in /proc
//! (always those of its own container), `promhttp_*` from counts of its requests.

use std::fs;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rustix::process::{Resource, getrlimit};

use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Ticks in a second in /proc.
const USER_HZ: f64 = 100.0;
/// The limit that is none, as the Go client shows it.
const UNLIMITED: f64 = 18_446_744_073_709_551_615.0;

pub struct OwnProcess {
    stat: Source,
    netstat: Source,
    descriptors: std::path::PathBuf,
    // Of the machine, in seconds since 1970; unknown without btime.
    boot_time: Option<f64>,
    page_bytes: f64,
}

impl OwnProcess {
    pub fn new(host: &Host) -> Self {
        let own = &host.roots().own_procfs;
        let boot = host.file(own.join("stat")).text().ok().and_then(|(text, _)| {
            let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
            line.trim().parse().ok()
        });
        Self {
            stat: host.file(own.join("self/stat")),
            netstat: host.file(own.join("self/net/netstat")),
            descriptors: own.join("self/fd"),
            boot_time: boot,
            page_bytes: host.page_bytes(),
        }
    }

    /// Writes what can be read; a file that cannot leaves its families out, as in the Go client.
    pub fn write(&mut self, page: &mut Page) {
        if let Some(stat) = self.stat.text().ok().and_then(|(text, _)| parse(text)) {
            page.single(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                Kind::Counter,
                stat.cpu_ticks / USER_HZ,
            );
            page.single("process_virtual_memory_bytes", "Virtual memory size in bytes.", Kind::Gauge, stat.virtual_bytes);
            let resident = stat.resident_pages * self.page_bytes;
            page.single("process_resident_memory_bytes", "Resident memory size in bytes.", Kind::Gauge, resident);
            if let Some(boot) = self.boot_time {
                let start = boot + stat.start_ticks / USER_HZ;
                page.single(
                    "process_start_time_seconds",
                    "Start time of the process since unix epoch in seconds.",
                    Kind::Gauge,
                    start,
                );
            }
        }
        if let Some(open) = self.open_descriptors() {
            page.single("process_open_fds", "Number of open file descriptors.", Kind::Gauge, open as f64);
        }
        let limit = |resource: Resource| getrlimit(resource).current.map_or(UNLIMITED, |limit| limit as f64);
        page.single("process_max_fds", "Maximum number of open file descriptors.", Kind::Gauge, limit(Resource::Nofile));
        let help = "Maximum amount of virtual memory available in bytes.";
        page.single("process_virtual_memory_max_bytes", help, Kind::Gauge, limit(Resource::As));
        if let Some((received, sent)) = self.netstat.text().ok().and_then(|(text, _)| octets(text)) {
            let help = "Number of bytes received by the process over the network.";
            page.single("process_network_receive_bytes_total", help, Kind::Counter, received);
            let help = "Number of bytes sent by the process over the network.";
            page.single("process_network_transmit_bytes_total", help, Kind::Counter, sent);
        }
    }

    fn open_descriptors(&self) -> Option<u64> {
        // Since Linux 6.2 the size of the directory is their number.
        let size = fs::metadata(&self.descriptors).ok()?.len();
        if size > 0 {
            return Some(size);
        }
        Some(fs::read_dir(&self.descriptors).ok()?.count() as u64)
    }
}

#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: f64,
    start_ticks: f64,
    virtual_bytes: f64,
    resident_pages: f64,
}

// Fields after the name, which may hold blanks and brackets; numbered as in proc(5).
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(Stat {
        cpu_ticks: field(14)? + field(15)?,
        start_ticks: field(22)?,
        virtual_bytes: field(23)?,
        resident_pages: field(24)?,
    })
}

// InOctets and OutOctets of `IpExt`, which count the whole network namespace.
fn octets(text: &str) -> Option<(f64, f64)> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("IpExt: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let find = |wanted: &str| names.split(' ').zip(values.split(' ')).find(|(name, _)| *name == wanted)?.1.parse().ok();
    Some((find("InOctets")?, find("OutOctets")?))
}

/// Scrapes under way and answered.
#[derive(Debug, Default)]
pub struct Requests {
    in_flight: AtomicUsize,
    answered: [AtomicU64; 3],
    gathering_errors: AtomicU64,
}

/// The status codes that are counted.
const CODES: [(u16, &str); 3] = [(200, "200"), (500, "500"), (503, "503")];

/// One scrape under way; it ends when this is dropped, also because its client went away.
#[derive(Debug)]
pub struct InFlight<'requests>(&'requests Requests);

impl Requests {
    /// Begins a scrape, or refuses because `limit` are under way; 0 is no limit.
    pub fn begin(&self, limit: usize) -> Option<InFlight<'_>> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let begun = InFlight(self);
        (limit == 0 || before < limit).then_some(begun)
    }

    /// Counts an answer with status `code`.
    pub fn answered(&self, code: u16) {
        if let Some(at) = CODES.iter().position(|known| known.0 == code) {
            self.answered[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a scrape from which series were left out.
    pub fn contradicted(&self) {
        self.gathering_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes the counts as they were before this scrape.
    pub fn write(&self, page: &mut Page) {
        let in_flight = self.in_flight.load(Ordering::Relaxed) as f64;
        page.single(
            "promhttp_metric_handler_requests_in_flight",
            "Current number of scrapes being served.",
            Kind::Gauge,
            in_flight,
        );
        let family =
            page.family("promhttp_metric_handler_requests_total", "Total number of scrapes by HTTP status code.", Kind::Counter);
        for ((_, code), count) in CODES.into_iter().zip(&self.answered) {
            page.sample(family, &[("code", code)], count.load(Ordering::Relaxed) as f64);
        }
        let help = "Total number of internal errors encountered by the promhttp metric handler.";
        let family = page.family("promhttp_metric_handler_errors_total", help, Kind::Counter);
        page.sample(family, &[("cause", "encoding")], 0.0);
        page.sample(family, &[("cause", "gathering")], self.gathering_errors.load(Ordering::Relaxed) as f64);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let text = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 111 222 13 14 15 16 17 18 1900 20480 21 22";
        assert_eq!(
            parse(text),
            Some(Stat { cpu_ticks: 333.0, start_ticks: 1900.0, virtual_bytes: 20480.0, resident_pages: 21.0 })
        );
        assert_eq!(parse("7 (a"), None);
    }

    #[test]
    fn a_refused_scrape_gives_its_place_back() {
        let requests = Requests::default();
        let first = requests.begin(1);
        assert!(first.is_some() && requests.begin(1).is_none() && requests.begin(0).is_some());
        drop(first);
        assert!(requests.begin(1).is_some());
        assert_eq!(requests.in_flight.load(Ordering::Relaxed), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s).*", near in "IpExt: [a-zA-Z ]*\nIpExt: [0-9 ]*") {
            let _any = (parse(&text), octets(&text), octets(&near));
        }
    }
}
