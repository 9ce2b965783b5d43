//! Swap devices: `/proc/swaps`, a heading and lines such as `/dev/dm-1 partition 8388604 76 -2`, sizes in kibibytes.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Bytes in a kibibyte.
const KIBI: f64 = 1024.0;

struct Swap {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Swap { file: host.proc("swaps") }))
}

impl Collector for Swap {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let mut gauge = |name, help| page.family(name, help, Kind::Gauge);
        let families = [
            gauge("node_swap_size_bytes", "Swap device size in bytes."),
            gauge("node_swap_used_bytes", "Swap device used in bytes."),
            gauge("node_swap_priority", "Swap device priority."),
        ];
        for swap in parse(text) {
            let (device, kind, values) = swap.map_err(|malformed| malformed.of(path))?;
            for (family, value) in families.into_iter().zip(values) {
                page.sample(family, &[("device", device), ("swap_type", kind)], value);
            }
        }
        Ok(())
    }
}

// Device, type, size and use in bytes, and priority.
fn parse(text: &str) -> impl Iterator<Item = Result<(&str, &str, [f64; 3]), Malformed>> {
    text.lines().enumerate().skip(1).map(|(index, line)| {
        let mut fields = line.split_ascii_whitespace();
        let (Some(device), Some(kind)) = (fields.next(), fields.next()) else {
            return Err(Malformed::new(index + 1, "a field is missing"));
        };
        let mut next = || number::<f64>(fields.next(), index + 1);
        Ok((device, kind, [next()? * KIBI, next()? * KIBI, next()?]))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kibibytes_become_bytes() {
        let text = "Filename Type Size Used Priority\n/dev/zram0 partition 4 2 -2\n";
        assert_eq!(parse(text).collect::<Result<Vec<_>, _>>(), Ok(vec![("/dev/zram0", "partition", [4096.0, 2048.0, -2.0])]));
        for bad in ["h\n\n", "h\n/a b 1 2\n", "h\n/a b 1 x 3\n"] {
            assert!(parse(bad).any(|swap| swap.is_err()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)h\n([a-z/]* file( -?[0-9]{1,21}){0,4}\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
