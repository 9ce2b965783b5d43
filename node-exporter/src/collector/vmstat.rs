//! Counters of the virtual memory system: `/proc/vmstat`, lines such as `pgfault 2320168809`.

use super::{Collector, Error, Made, Malformed, number};
use crate::filter::Pattern;
use crate::flag::{Flag, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static FIELDS: Flag = Flag::text(
    "collector.vmstat.fields",
    "^(oom_kill|pgpg|pswp|pg.*fault).*",
    "Regexp of fields to return for vmstat collector.",
);

/// Its flags.
pub const FLAGS: &[&Flag] = &[&FIELDS];

struct VmStat {
    file: Source,
    fields: Option<Pattern>,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(VmStat { file: host.proc("vmstat"), fields: Pattern::of(&FIELDS, flags.text(&FIELDS))? }))
}

impl Collector for VmStat {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let mut fields = 0;
        for (key, value) in parse(text) {
            fields += 1;
            if self.fields.as_ref().is_none_or(|fields| fields.matches(key)) {
                let value: f64 = value.map_err(|malformed| malformed.of(path))?;
                let family =
                    page.family_of(&["node_vmstat_", key], &["/proc/vmstat information field ", key, "."], Kind::Untyped);
                page.sample(family, &[], value);
            }
        }
        if fields == 0 { Err(Malformed::empty().of(path)) } else { Ok(()) }
    }
}

// A value is looked at only if its field is shown.
fn parse(text: &str) -> impl Iterator<Item = (&str, Result<f64, Malformed>)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let mut fields = line.split_whitespace();
        Some((fields.next()?, number(fields.next(), index + 1)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_and_values_are_told_apart() {
        let lines: Vec<_> = parse("nr_free_pages 977769\n\noom_kill 0\npgfault\n").collect();
        assert_eq!(
            lines,
            [("nr_free_pages", Ok(977_769.0)), ("oom_kill", Ok(0.0)), ("pgfault", Err(Malformed::new(4, "a field is missing"))),]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s).*") {
            parse(&text).for_each(drop);
        }
    }
}
