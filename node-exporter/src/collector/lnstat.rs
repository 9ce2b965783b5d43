//! Caches of the network: each file of `/proc/net/stat`, a heading of names and a line of hexadecimal numbers per CPU.

use super::{Collector, Error, Made, Malformed};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host};
use crate::metric::{Kind, Page};

struct LnStat {
    files: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(LnStat { files: Devices::at(host.roots().procfs.join("net/stat"), &[""]) }))
}

impl Collector for LnStat {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        self.files.refresh(host, |_| true)?;
        for Device { name: subsystem, files, .. } in self.files.shown() {
            let Some((text, path)) = files[0].text_if_present()? else { continue };
            for row in parse(text) {
                let (name, cpu, value) = row.map_err(|malformed| malformed.of(path))?;
                let help = ["linux network cache stats"];
                let family = page.family_of(&["node_lnstat_", name, "_total"], &help, Kind::Counter);
                page.sample(family, &[("cpu", &cpu.to_string()), ("subsystem", subsystem)], value as f64);
            }
        }
        Ok(())
    }
}

// Column by column, as the families are written.
fn parse(text: &str) -> impl Iterator<Item = Result<(&str, usize, u64), Malformed>> {
    let names = text.lines().next().unwrap_or_default().split_ascii_whitespace();
    names.enumerate().flat_map(move |(column, name)| {
        text.lines().enumerate().skip(1).filter_map(move |(index, line)| {
            let field = line.split_ascii_whitespace().nth(column)?;
            let value = u64::from_str_radix(field, 16)
                .map_err(|_| Malformed::new(index + 1, format!("{field:?} is no hexadecimal number in range")));
            Some(value.map(|value| (name, index - 1, value)))
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_cpu_has_its_line() {
        let rows: Result<Vec<_>, _> = parse("entries  allocs\n0000000a 00000001\n0000000a 00000002\n").collect();
        assert_eq!(rows, Ok(vec![("entries", 0, 10), ("entries", 1, 10), ("allocs", 0, 1), ("allocs", 1, 2)]));
        assert_eq!(
            parse("a\n1\nx\n").find_map(Result::err).unwrap(),
            Malformed::new(3, "\"x\" is no hexadecimal number in range")
        );
        assert_eq!(parse("").count(), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)([a-z]+ ){0,9}\n(([0-9a-f]{1,17} ){0,12}\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
