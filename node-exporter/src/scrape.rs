//! One scrape: every wanted collector once, its duration and success, the exporter's own metrics, and the whole written
//! out. A collector that may block runs on a thread of its own and is left behind at the deadline; the others run here, in
//! turn, and so does the writing. It knows nothing of HTTP.

mod lane;
mod own;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::lane::Lane;
use self::own::OwnProcess;
use crate::collector::{ALL, Collector, Error};
use crate::exposition::{Dropped, Renderer};
use crate::flag::Flags;
use crate::host::Host;
use crate::metric::{FamilyId, Kind, Page};

pub use self::own::Requests;

/// Room for the first page; the next takes as much as the last needed.
const FIRST_PAGE_BYTES: usize = 64 << 10;

/// What one collector brought.
struct Outcome {
    result: Result<(), Error>,
    duration: Duration,
}

/// All collectors that are on, ready to be scraped by many at once.
pub struct Scraper {
    names: Vec<&'static str>,
    lanes: Vec<Option<Lane>>,
    desk: Mutex<Desk>,
}

// What only one scrape at a time may use; nobody waits while holding it.
struct Desk {
    host: Arc<Host>,
    here: Vec<Option<Box<dyn Collector>>>,
    // The error that was logged last, so that it is not said at every scrape.
    told: Vec<Option<String>>,
    own: OwnProcess,
    page: Page,
    meta: Page,
    renderer: Renderer,
    last_length: usize,
    dropped: Option<String>,
}

impl Scraper {
    /// Makes the collectors called `names`.
    ///
    /// # Errors
    /// A collector's flag cannot be used, or what it looks for at start cannot be read.
    pub fn new(host: Host, names: &[&'static str], flags: &Flags) -> Result<Self, Error> {
        let host = Arc::new(host);
        let (mut lanes, mut here, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for entry in ALL.iter().filter(|entry| names.contains(&entry.name)) {
            let collector = (entry.new)(&host, flags)?;
            found.push(entry.name);
            if collector.may_block() {
                lanes.push(Some(Lane::start(entry.name, Arc::clone(&host), collector)?));
                here.push(None);
            } else {
                lanes.push(None);
                here.push(Some(collector));
            }
        }
        let desk = Desk {
            own: OwnProcess::new(&host),
            host,
            told: vec![None; found.len()],
            here,
            page: Page::default(),
            meta: Page::default(),
            renderer: Renderer::default(),
            last_length: FIRST_PAGE_BYTES,
            dropped: None,
        };
        Ok(Self { names: found, lanes, desk: Mutex::new(desk) })
    }

    /// The names of the collectors that are on, in the order in which their families win over each other.
    #[must_use]
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Runs the collectors for which `wanted` is true and returns the text and the number of series left out as
    /// contradictions. `requests`: the exporter's own metrics are wanted too.
    pub async fn scrape(&self, wanted: &[bool], deadline: Duration, requests: Option<&Requests>) -> (Vec<u8>, usize) {
        let waits = self.lanes.iter().zip(wanted).map(|(lane, wanted)| lane.as_ref().filter(|_| *wanted).map(Lane::ask));
        // All are asked before the first is waited for.
        let waits: Vec<_> = waits.collect();
        let end = tokio::time::Instant::now() + deadline;
        let mut answers = Vec::with_capacity(waits.len());
        for wait in waits {
            answers.push(match wait {
                Some(wait) => Some(wait.until(end, deadline).await),
                None => None,
            });
        }
        let written = self.desk.lock().unwrap_or_else(PoisonError::into_inner).write(&self.names, wanted, &answers, requests);
        for (lane, answer) in self.lanes.iter().zip(answers) {
            if let (Some(lane), Some((page, _))) = (lane, answer) {
                lane.give_back(page);
            }
        }
        written
    }
}

type Answer = (Page, Outcome);

impl Desk {
    fn write(
        &mut self,
        names: &[&'static str],
        wanted: &[bool],
        answers: &[Option<Answer>],
        requests: Option<&Requests>,
    ) -> (Vec<u8>, usize) {
        let Self { host, here, told, own, page, meta, renderer, last_length, dropped } = self;
        page.clear();
        meta.clear();
        let families = Meta::open(meta);
        for (index, name) in names.iter().enumerate().filter(|(index, _)| wanted[*index]) {
            let ran;
            let outcome = match (&mut here[index], &answers[index]) {
                (Some(collector), _) => {
                    ran = run(collector.as_mut(), host, page);
                    &ran
                }
                (None, Some((_, outcome))) => outcome,
                (None, None) => continue,
            };
            families.write(meta, name, outcome);
            log(name, &outcome.result, &mut told[index]);
        }
        if let Some(requests) = requests {
            own.write(page);
            requests.write(page);
        }
        let mut pages = vec![&*page, &*meta];
        pages.extend(answers.iter().flatten().map(|answer| &answer.0));
        let mut out = Vec::with_capacity(*last_length);
        let Dropped { series, example } = renderer.render(&pages, &mut out);
        *last_length = out.len() + out.len() / 8;
        if example != *dropped {
            if let Some(family) = &example {
                tracing::error!(family, series, "series left out: they are given twice, or their family's help or type differs");
            }
            *dropped = example;
        }
        (out, series)
    }
}

fn run(collector: &mut dyn Collector, host: &Host, page: &mut Page) -> Outcome {
    let start = Instant::now();
    // A fault in one collector must not take the others' data with it. Its own state may be odd after a panic, which is why
    // none keeps more than what it saw last.
    let result = catch_unwind(AssertUnwindSafe(|| collector.collect(host, page)));
    let result = result.unwrap_or_else(|panic| {
        let text =
            panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Error::Fault(text.unwrap_or_default()))
    });
    Outcome { result, duration: start.elapsed() }
}

fn log(collector: &str, result: &Result<(), Error>, told: &mut Option<String>) {
    let text = result.as_ref().err().map(ToString::to_string);
    if text == *told {
        return;
    }
    match (result, &text) {
        (Err(Error::NoData(_)), Some(reason)) => tracing::debug!(collector, reason, "collector has no data"),
        (Err(_), Some(error)) => tracing::error!(collector, error, "collector failed"),
        _ => tracing::info!(collector, "collector works again"),
    }
    *told = text;
}

struct Meta {
    duration: FamilyId,
    success: FamilyId,
    no_data: FamilyId,
    timeout: FamilyId,
}

impl Meta {
    fn open(page: &mut Page) -> Self {
        let mut gauge = |name: &'static str, help: &'static str| page.family(name, help, Kind::Gauge);
        let families = Self {
            duration: gauge("node_scrape_collector_duration_seconds", "node_exporter: Duration of a collector scrape."),
            success: gauge("node_scrape_collector_success", "node_exporter: Whether a collector succeeded."),
            no_data: gauge(
                "node_scrape_collector_no_data",
                "Whether a collector failed only because the machine has no such hardware or feature.",
            ),
            timeout: gauge(
                "node_scrape_collector_timeout",
                "Whether a collector did not answer before the deadline of the scrape.",
            ),
        };
        let build = page.family(
            "node_exporter_build_info",
            "A metric with a constant '1' value labeled by version, revision, branch, goversion from which node_exporter was built, and the goos and goarch for the build.",
            Kind::Gauge,
        );
        page.sample(
            build,
            &[
                ("branch", ""),
                ("goarch", ARCHITECTURE),
                ("goos", "linux"),
                ("goversion", RUST),
                ("revision", ""),
                ("tags", ""),
                ("version", env!("CARGO_PKG_VERSION")),
            ],
            1.0,
        );
        families
    }

    fn write(&self, page: &mut Page, name: &str, outcome: &Outcome) {
        let labels = [("collector", name)];
        let flag = |on: bool| f64::from(u8::from(on));
        page.sample(self.duration, &labels, outcome.duration.as_secs_f64());
        page.sample(self.success, &labels, flag(outcome.result.is_ok()));
        page.sample(self.no_data, &labels, flag(matches!(outcome.result, Err(Error::NoData(_)))));
        page.sample(self.timeout, &labels, flag(matches!(outcome.result, Err(Error::Timeout(_)))));
    }
}

/// In Go's words, since dashboards join on them.
const ARCHITECTURE: &str = match std::env::consts::ARCH.as_bytes() {
    b"x86_64" => "amd64",
    b"aarch64" => "arm64",
    b"x86" => "386",
    b"powerpc64" => "ppc64le",
    _ => std::env::consts::ARCH,
};
/// What this was built with, in the place where upstream names its Go.
const RUST: &str = concat!("rust", env!("CARGO_PKG_RUST_VERSION"));

#[cfg(test)]
mod tests;
