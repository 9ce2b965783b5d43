//! Pressure stall information: `/proc/pressure/{cpu,io,irq,memory}`, lines such as
//! `some avg10=0.10 avg60=2.00 avg300=3.85 total=15`, in microseconds.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// From microseconds to milliseconds, and from those to seconds: in two steps as upstream has it, whose last digit differs.
const THOUSAND: f64 = 1000.0;

type Family = (&'static str, &'static str);

// cpu has no stalled time for the whole system, irq has no waiting time.
const RESOURCES: [(&str, Option<Family>, Option<Family>); 4] = [
    (
        "cpu",
        Some(("node_pressure_cpu_waiting_seconds_total", "Total time in seconds that processes have waited for CPU time")),
        None,
    ),
    (
        "io",
        Some(("node_pressure_io_waiting_seconds_total", "Total time in seconds that processes have waited due to IO congestion")),
        Some((
            "node_pressure_io_stalled_seconds_total",
            "Total time in seconds no process could make progress due to IO congestion",
        )),
    ),
    (
        "memory",
        Some(("node_pressure_memory_waiting_seconds_total", "Total time in seconds that processes have waited for memory")),
        Some((
            "node_pressure_memory_stalled_seconds_total",
            "Total time in seconds no process could make progress due to memory congestion",
        )),
    ),
    (
        "irq",
        None,
        Some((
            "node_pressure_irq_stalled_seconds_total",
            "Total time in seconds no process could make progress due to IRQ congestion",
        )),
    ),
];

struct Pressure {
    files: [Source; 4],
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Pressure { files: RESOURCES.map(|(resource, ..)| host.proc(&format!("pressure/{resource}"))) }))
}

impl Collector for Pressure {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let mut found = false;
        for ((_, waiting, stalled), file) in RESOURCES.into_iter().zip(&mut self.files) {
            let (text, path) = match file.text_if_present() {
                Ok(Some(read)) => read,
                Ok(None) => continue,
                Err(error) if error.is_unsupported() => {
                    return Err(Error::NoData("pressure information is off: boot with psi=1"));
                }
                Err(error) => return Err(error.into()),
            };
            let totals = parse(text).map_err(|malformed| malformed.of(path))?;
            found |= totals != Totals::default();
            for (family, total) in [(waiting, totals.some), (stalled, totals.full)] {
                if let (Some((name, help)), Some(total)) = (family, total) {
                    page.single(name, help, Kind::Counter, total as f64 / THOUSAND / THOUSAND);
                }
            }
        }
        if found { Ok(()) } else { Err(Error::NoData("the kernel has no pressure information")) }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    some: Option<u64>,
    full: Option<u64>,
}

fn parse(text: &str) -> Result<Totals, Malformed> {
    let mut totals = Totals::default();
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let place = match fields.next() {
            Some("some") => &mut totals.some,
            Some("full") => &mut totals.full,
            _ => continue,
        };
        *place = Some(number(fields.find_map(|field| field.strip_prefix("total=")), index + 1)?);
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn totals_of_both_lines_are_read() {
        let text = "some avg10=0.10 avg60=2.00 avg300=3.85 total=15\nfull avg10=0.20 avg60=3.00 avg300=4.95 total=25\n";
        assert_eq!(parse(text), Ok(Totals { some: Some(15), full: Some(25) }));
        assert_eq!(parse("full avg10=0.00 total=7\n"), Ok(Totals { some: None, full: Some(7) }));
        assert_eq!(parse("").unwrap(), Totals::default());
        assert_eq!(parse("some total=1\nfull avg10=1\n"), Err(Malformed::new(2, "a field is missing")));
        assert!(parse("some total=x").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)((some|full)[ =a-z0-9]*\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
