//! The kernel's caches of small objects: `/proc/slabinfo`, two lines of headings, then lines such as
//! `dentry 206816 206816 192 21 1 : tunables 0 0 0 : slabdata 9848 9848 0`. Only root may read it.

use super::{Collector, Error, Made, Malformed, number};
use crate::filter::Filter;
use crate::flag::{Flag, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static INCLUDE: Flag = Flag::text("collector.slabinfo.slabs-include", ".*", "Regexp of slabs to include in slabinfo collector.");
static EXCLUDE: Flag = Flag::text("collector.slabinfo.slabs-exclude", "", "Regexp of slabs to exclude in slabinfo collector.");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&INCLUDE, &EXCLUDE];

/// Family and help of the first columns after the name.
const COLUMNS: [(&str, &str); 5] = [
    ("node_slabinfo_active_objects", "The number of objects that are currently active (i.e., in use)."),
    ("node_slabinfo_objects", "The total number of allocated objects (i.e., objects that are both in use and not in use)."),
    ("node_slabinfo_object_size_bytes", "The size of objects in this slab, in bytes."),
    ("node_slabinfo_objects_per_slab", "The number of objects stored in each slab."),
    ("node_slabinfo_pages_per_slab", "The number of pages allocated for each slab."),
];

struct SlabInfo {
    file: Source,
    filter: Filter,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(SlabInfo { file: host.proc("slabinfo"), filter: Filter::both(flags, &EXCLUDE, &INCLUDE)? }))
}

impl Collector for SlabInfo {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let families = COLUMNS.map(|(name, help)| page.family(name, help, Kind::Gauge));
        for slab in parse(text) {
            let (name, columns) = slab.map_err(|malformed| malformed.of(path))?;
            if self.filter.admits(name) {
                for (family, value) in families.into_iter().zip(columns) {
                    page.sample(family, &[("slab", name)], value as f64);
                }
            }
        }
        Ok(())
    }
}

fn parse(text: &str) -> impl Iterator<Item = Result<(&str, [u64; COLUMNS.len()]), Malformed>> {
    let is_heading = |line: &str| line.starts_with("slabinfo -") || line.starts_with("# name");
    text.lines().enumerate().filter(move |(_, line)| !is_heading(line)).map(|(index, line)| {
        let mut fields = line.split_ascii_whitespace();
        let name = fields.next().ok_or_else(|| Malformed::new(index + 1, "a field is missing"))?;
        let mut columns = [0; COLUMNS.len()];
        for column in &mut columns {
            *column = number(fields.next(), index + 1)?;
        }
        Ok((name, columns))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headings_are_passed_over() {
        let text = "slabinfo - version: 2.1\n# name <active_objs>\ndentry 1 2 192 21 1 : tunables 0 0 0\n";
        assert_eq!(parse(text).collect::<Result<Vec<_>, _>>(), Ok(vec![("dentry", [1, 2, 192, 21, 1])]));
        for bad in ["\n", "dentry 1 2 3\n", "dentry 1 2 3 x 5\n"] {
            assert!(parse(bad).any(|slab| slab.is_err()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)([a-z]*( [0-9]{1,21}){0,7} :\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
