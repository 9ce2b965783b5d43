//! The kernel's pool of randomness: `/proc/sys/kernel/random/entropy_avail` and `poolsize`, one number of bits each.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Family, help and file.
const FAMILIES: [(&str, &str, &str); 2] = [
    ("node_entropy_available_bits", "Bits of available entropy.", "sys/kernel/random/entropy_avail"),
    ("node_entropy_pool_size_bits", "Bits of entropy pool.", "sys/kernel/random/poolsize"),
];

struct Entropy {
    files: [Source; 2],
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Entropy { files: FAMILIES.map(|(.., file)| host.proc(file)) }))
}

impl Collector for Entropy {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        for ((name, help, _), file) in FAMILIES.into_iter().zip(&mut self.files) {
            let (text, path) = file.text()?;
            let bits: u64 = super::number(Some(text.trim()), 1).map_err(|malformed| malformed.of(path))?;
            page.single(name, help, Kind::Gauge, bits as f64);
        }
        Ok(())
    }
}
