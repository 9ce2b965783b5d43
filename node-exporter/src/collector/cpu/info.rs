//! What `/proc/cpuinfo` says of the processors, lines such as `model name\t: Intel(R) Xeon(R)`; only when a flag asks. The
//! keys are those of x86; other architectures have few of them, and their labels stay empty.

use super::super::{Error, Malformed};
use crate::filter::Pattern;
use crate::flag::{Flag, FlagError, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

pub static INFO: Flag = Flag::switch("collector.cpu.info", false, "Enables metric cpu_info");
pub static FLAGS_INCLUDE: Flag = Flag::text(
    "collector.cpu.info.flags-include",
    "",
    "Filter the `flags` field in cpuInfo with a value that must be a regular expression",
);
pub static BUGS_INCLUDE: Flag = Flag::text(
    "collector.cpu.info.bugs-include",
    "",
    "Filter the `bugs` field in cpuInfo with a value that must be a regular expression",
);

/// Hertz in a megahertz.
const MEGA: f64 = 1e6;
/// Label and key of each field of `node_cpu_info`, in the order of labels.
const LABELS: [(&str, &str); 10] = [
    ("cachesize", "cache size"),
    ("core", "core id"),
    ("cpu", "processor"),
    ("family", "cpu family"),
    ("microcode", "microcode"),
    ("model", "model"),
    ("model_name", "model name"),
    ("package", "physical id"),
    ("stepping", "stepping"),
    ("vendor", "vendor_id"),
];
const CORE: usize = 1;
const CPU: usize = 2;
const PACKAGE: usize = 7;

#[derive(Debug)]
pub struct Info {
    file: Source,
    flags: Option<Pattern>,
    bugs: Option<Pattern>,
}

impl Info {
    /// `None` unless a flag asks for it.
    pub fn new(host: &Host, flags: &Flags) -> Result<Option<Self>, FlagError> {
        let (cpu_flags, bugs) =
            (Pattern::of(&FLAGS_INCLUDE, flags.text(&FLAGS_INCLUDE))?, Pattern::of(&BUGS_INCLUDE, flags.text(&BUGS_INCLUDE))?);
        let wanted = flags.on(&INFO) || cpu_flags.is_some() || bugs.is_some();
        Ok(wanted.then(|| Self { file: host.proc("cpuinfo"), flags: cpu_flags, bugs }))
    }

    pub fn collect(&mut self, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let processors = parse(text).map_err(|malformed| malformed.of(path))?;
        let info = page.family("node_cpu_info", "CPU information from /proc/cpuinfo.", Kind::Gauge);
        let frequency = page.family("node_cpu_frequency_hertz", "CPU frequency in hertz from /proc/cpuinfo.", Kind::Gauge);
        for Processor { fields, megahertz, .. } in &processors {
            let labels: [(&str, &str); 10] = std::array::from_fn(|label| (LABELS[label].0, fields[label]));
            page.sample(info, &labels, 1.0);
            if let Some(megahertz) = megahertz {
                page.sample(
                    frequency,
                    &[("core", fields[CORE]), ("cpu", fields[CPU]), ("package", fields[PACKAGE])],
                    megahertz * MEGA,
                );
            }
        }
        let Some(first) = processors.first() else { return Ok(()) };
        if let Some(wanted) = &self.flags {
            let help = "The `flags` field of CPU information from /proc/cpuinfo taken from the first core.";
            let family = page.family("node_cpu_flag_info", help, Kind::Gauge);
            first
                .flags
                .split_whitespace()
                .filter(|flag| wanted.matches(flag))
                .for_each(|flag| page.sample(family, &[("flag", flag)], 1.0));
        }
        if let Some(wanted) = &self.bugs {
            let help = "The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.";
            let family = page.family("node_cpu_bug_info", help, Kind::Gauge);
            first
                .bugs
                .split_whitespace()
                .filter(|bug| wanted.matches(bug))
                .for_each(|bug| page.sample(family, &[("bug", bug)], 1.0));
        }
        Ok(())
    }
}

#[derive(Debug, Default, PartialEq)]
struct Processor<'text> {
    fields: [&'text str; 10],
    megahertz: Option<f64>,
    flags: &'text str,
    bugs: &'text str,
}

fn parse(text: &str) -> Result<Vec<Processor<'_>>, Malformed> {
    let mut processors: Vec<Processor<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let (key, value) = (key.trim(), value.trim());
        if key == "processor" {
            processors.push(Processor::default());
        }
        // Lines before the first processor are of the whole machine.
        let Some(processor) = processors.last_mut() else { continue };
        match key {
            "cpu MHz" => processor.megahertz = Some(super::number(Some(value), index + 1)?),
            "flags" => processor.flags = value,
            "bugs" => processor.bugs = value,
            _ => {
                if let Some(label) = LABELS.iter().position(|label| label.1 == key) {
                    processor.fields[label] = value;
                }
            }
        }
    }
    Ok(processors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_processor_has_its_fields() {
        let text = "machine: x\nprocessor\t: 0\nvendor_id\t: AuthenticAMD\ncpu MHz\t\t: 2595.124\nflags\t\t: fpu aes\nbugs\t:\n\nprocessor\t: 1\ncore id\t: 7\n";
        let processors = parse(text).unwrap();
        assert_eq!((processors.len(), processors[0].fields[CPU], processors[0].fields[9]), (2, "0", "AuthenticAMD"));
        assert_eq!((processors[0].megahertz, processors[0].flags, processors[0].bugs), (Some(2595.124), "fpu aes", ""));
        assert_eq!((processors[1].fields[CORE], processors[1].megahertz), ("7", None));
        assert_eq!(parse("processor: 0\ncpu MHz: fast\n").unwrap_err().line, 2);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(processor|cpu MHz|flags)?.*:.*") {
            let _any = parse(&text);
        }
    }
}
