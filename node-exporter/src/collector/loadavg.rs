//! The load averages: `/proc/loadavg`, `0.21 0.37 0.39 1/719 19737`.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

const FAMILIES: [(&str, &str); 3] =
    [("node_load1", "1m load average."), ("node_load5", "5m load average."), ("node_load15", "15m load average.")];

struct LoadAverage {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(LoadAverage { file: host.proc("loadavg") }))
}

impl Collector for LoadAverage {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let loads = parse(text).map_err(|malformed| malformed.of(path))?;
        for ((name, help), load) in FAMILIES.into_iter().zip(loads) {
            page.single(name, help, Kind::Gauge, load);
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<[f64; 3], Malformed> {
    let mut fields = text.split_whitespace();
    let mut next = || number(fields.next(), 1);
    Ok([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_three_fields_are_the_loads() {
        assert_eq!(parse("0.21 0.37 12.39 1/719 19737\n"), Ok([0.21, 0.37, 12.39]));
        for bad in ["", "0.1 0.2", "0.1 x 0.3"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in ".*") {
            let _any = parse(&text);
        }
    }
}
