//! Interrupts by kind and CPU: `/proc/interrupts`, a heading of CPUs and lines such as
//! `  9:  398553  2320  IR-IO-APIC-fasteoi   acpi` or ` NMI:  47  5031  Non-maskable interrupts`.

use super::{Collector, Error, Made, Malformed, number};
use crate::filter::Filter;
use crate::flag::{Flag, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static INCLUDE: Flag = Flag::text(
    "collector.interrupts.name-include",
    "",
    "Regexp of interrupts name to include (mutually exclusive to --collector.interrupts.name-exclude).",
);
static EXCLUDE: Flag = Flag::text(
    "collector.interrupts.name-exclude",
    "",
    "Regexp of interrupts name to exclude (mutually exclusive to --collector.interrupts.name-include).",
);
static ZEROS: Flag = Flag::switch("collector.interrupts.include-zeros", true, "Include interrupts that have a zero value");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&INCLUDE, &EXCLUDE, &ZEROS];

struct Interrupts {
    file: Source,
    filter: Filter,
    zeros: bool,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let filter = Filter::both(flags, &EXCLUDE, &INCLUDE)?;
    Ok(Box::new(Interrupts { file: host.proc("interrupts"), filter, zeros: flags.on(&ZEROS) }))
}

impl Collector for Interrupts {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let family = page.family("node_interrupts_total", "Interrupt details.", Kind::Counter);
        for interrupt in parse(text).map_err(|malformed| malformed.of(path))? {
            let Interrupt { name, counts, info, devices, line } = interrupt;
            if !self.filter.admits(&format!("{name};{info};{devices}")) {
                continue;
            }
            for (cpu, count) in counts.into_iter().enumerate() {
                let count: f64 = number(Some(count), line).map_err(|malformed| malformed.of(path))?;
                if self.zeros || count != 0.0 {
                    let labels = [("cpu", &*cpu.to_string()), ("devices", &devices), ("info", &info), ("type", name)];
                    page.sample(family, &labels, count);
                }
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Interrupt<'text> {
    name: &'text str,
    counts: Vec<&'text str>,
    info: String,
    devices: String,
    line: usize,
}

// Lines with fewer numbers than CPUs, and no words after them, count for the whole machine: upstream leaves them out.
fn parse(text: &str) -> Result<impl Iterator<Item = Interrupt<'_>>, Malformed> {
    let mut lines = (1..).zip(text.lines());
    let (_, heading) = lines.next().ok_or_else(Malformed::empty)?;
    let cpus = heading.split_whitespace().count();
    Ok(lines.filter_map(move |(line, text)| {
        let (name, rest) = text.split_once(':')?;
        let name = name.trim_start_matches(' ');
        let mut fields = rest.split_whitespace();
        let counts: Vec<_> = fields.by_ref().take(cpus).collect();
        let words: Vec<_> = fields.collect();
        if counts.len() < cpus || words.is_empty() {
            return None;
        }
        // Of an interrupt with a number the first word is its controller, and the others its devices.
        let split = if name.parse::<i64>().is_ok() { 1 } else { words.len() };
        Some(Interrupt { name, counts, info: words[..split].join(" "), devices: words[split..].join(" "), line })
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn interrupts_with_and_without_a_number_are_told_apart() {
        let text = "      CPU0  CPU1\n  9:  3  4  IR-IO-APIC  9-fasteoi  acpi\n NMI: 5 6  Non-maskable interrupts\n ERR: 7\nx\n";
        let found: Vec<_> = parse(text).unwrap().collect();
        let interrupt = |name, counts: [&'static str; 2], info: &str, devices: &str, line| Interrupt {
            name,
            counts: counts.to_vec(),
            info: info.to_owned(),
            devices: devices.to_owned(),
            line,
        };
        assert_eq!(
            found,
            [
                interrupt("9", ["3", "4"], "IR-IO-APIC", "9-fasteoi acpi", 2),
                interrupt("NMI", ["5", "6"], "Non-maskable interrupts", "", 3),
            ]
        );
        assert!(parse("").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)CPU0 CPU1\n( *[0-9A-Z]*:( [0-9]*){0,4} .*\n){0,4}.*") {
            if let Ok(interrupts) = parse(&text) {
                interrupts.for_each(drop);
            }
        }
    }
}
