//! Whether SELinux is on, enforces, and what its configuration asks for: selinuxfs' `enforce`, and the line
//! `SELINUX=enforcing` of `/etc/selinux/config`.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// What a mode is called, and its number; anything else is `DISABLED`.
const MODES: [(&str, f64); 2] = [("enforcing", 1.0), ("permissive", 0.0)];
const DISABLED: f64 = -1.0;

struct SeLinux {
    enforce: Source,
    config: Source,
    label: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(SeLinux {
        enforce: host.sys("fs/selinux/enforce"),
        config: host.file(host.roots().rootfs.join("etc/selinux/config")),
        label: host.file(host.roots().own_procfs.join("self/attr/current")),
    }))
}

impl Collector for SeLinux {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let mode = self.enforce.value::<i32>();
        // Before a policy is loaded every process is called `kernel`.
        let loaded = self.label.word().is_none_or(|label| label.trim_matches('\0') != "kernel");
        let enabled = mode.is_some() && loaded;
        page.single(
            "node_selinux_enabled",
            "SELinux is enabled, 1 is true, 0 is false",
            Kind::Gauge,
            f64::from(u8::from(enabled)),
        );
        if enabled {
            let configured = self.config.text().map_or(DISABLED, |(text, _)| parse(text));
            page.single("node_selinux_config_mode", "Configured SELinux enforcement mode", Kind::Gauge, configured);
            let current = mode.map_or(DISABLED, f64::from);
            page.single("node_selinux_current_mode", "Current SELinux enforcement mode", Kind::Gauge, current);
        }
        Ok(())
    }
}

fn parse(text: &str) -> f64 {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let mode =
        lines.filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == "SELINUX").map(|(_, mode)| mode.trim());
    MODES.iter().find(|(name, _)| mode == Some(name)).map_or(DISABLED, |(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_configured_mode_is_found() {
        for (text, expected) in [
            ("# SELINUX=enforcing\nSELINUXTYPE=targeted\nSELINUX=permissive\n", 0.0),
            ("SELINUX = enforcing", 1.0),
            ("SELINUX=disabled\n", DISABLED),
            ("", DISABLED),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(SELINUX=)?.*") {
            let _any = parse(&text);
        }
    }
}
