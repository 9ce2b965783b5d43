//! Faults of the processor and what the kernel does about them: `devices/system/cpu/vulnerabilities/*` in sysfs, each a line
//! such as `Mitigation: Enhanced IBRS`.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host};
use crate::metric::{Kind, Page};

/// The words that the kernel's line starts with, in small letters.
const STATES: [&str; 4] = ["not affected", "vulnerable", "mitigation", UNKNOWN];
const NOT_AFFECTED: &str = STATES[0];
const UNKNOWN: &str = "unknown";
const HELP: &str = "Details of each CPU vulnerability reported by sysfs. The value of the series is an int encoded state of the vulnerability. The same state is stored as a string in the label";

struct CpuVulnerabilities {
    files: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(CpuVulnerabilities { files: Devices::new(host, "devices/system/cpu/vulnerabilities", &[""]) }))
}

impl Collector for CpuVulnerabilities {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        self.files.refresh(host, |_| true)?;
        let family = page.family("node_cpu_vulnerabilities_info", HELP, Kind::Gauge);
        for Device { name, files, .. } in self.files.shown() {
            let Some((text, _)) = files[0].text_if_present()? else { continue };
            let (state, mitigation) = parse(text.trim());
            page.sample(family, &[("codename", name), ("mitigation", &mitigation), ("state", state)], 1.0);
        }
        Ok(())
    }
}

// The state, and the words after the first.
fn parse(text: &str) -> (&'static str, String) {
    let small = text.to_lowercase();
    match STATES.into_iter().find(|state| small.starts_with(state)) {
        Some(NOT_AFFECTED) => (NOT_AFFECTED, String::new()),
        Some(state) => (state, text.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")),
        None => (UNKNOWN, text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_start_with_their_state() {
        for (text, state, mitigation) in [
            ("Not affected", "not affected", ""),
            ("Vulnerable", "vulnerable", ""),
            ("Vulnerable: No microcode", "vulnerable", "No microcode"),
            ("Mitigation: PTI;  SMT", "mitigation", "PTI; SMT"),
            ("Unknown: Dependent on hypervisor", "unknown", "Dependent on hypervisor"),
            ("KVM: Mitigation: VMX disabled", "unknown", "KVM: Mitigation: VMX disabled"),
        ] {
            assert_eq!(parse(text), (state, mitigation.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?i)(not affected|mitigation)?.*") {
            let _any = parse(&text);
        }
    }
}
