//! Controllers of control groups: `/proc/cgroups`, a heading and lines such as `cpu 3 47 1`: how many groups there are, and
//! whether the controller is on. What the groups use is not told here.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

struct Cgroups {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Cgroups { file: host.proc("cgroups") }))
}

impl Collector for Cgroups {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let help = "Current cgroup number of the subsystem.";
        let groups = page.family("node_cgroups_cgroups", help, Kind::Gauge);
        let enabled = page.family("node_cgroups_enabled", help, Kind::Gauge);
        for controller in parse(text) {
            let (name, count, on) = controller.map_err(|malformed| malformed.of(path))?;
            page.sample(groups, &[("subsys_name", name)], count as f64);
            page.sample(enabled, &[("subsys_name", name)], on as f64);
        }
        Ok(())
    }
}

fn parse(text: &str) -> impl Iterator<Item = Result<(&str, u64, u64), Malformed>> {
    text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')).map(|(index, line)| {
        let mut fields = line.split_ascii_whitespace();
        let name = fields.next().ok_or_else(|| Malformed::new(index + 1, "a field is missing"))?;
        let (count, enabled) = (fields.nth(1), fields.next());
        Ok((name, number(count, index + 1)?, number(enabled, index + 1)?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_heading_is_passed_over() {
        let rows: Result<Vec<_>, _> = parse("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t5\t47\t1\n").collect();
        assert_eq!(rows, Ok(vec![("cpuset", 47, 1)]));
        for bad in ["\n", "cpu 1 2\n", "cpu 1 x 1\n"] {
            assert!(parse(bad).any(|row| row.is_err()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)([a-z#]*\t[0-9]+\t[0-9]+\t[0-9]+\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
