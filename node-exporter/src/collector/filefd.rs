//! Open files of the whole system: `/proc/sys/fs/file-nr`, `1024\t0\t1631329`: allocated, always 0, maximum.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

struct FileDescriptors {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(FileDescriptors { file: host.proc("sys/fs/file-nr") }))
}

impl Collector for FileDescriptors {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let (allocated, maximum) = parse(text).map_err(|malformed| malformed.of(path))?;
        page.single("node_filefd_allocated", "File descriptor statistics: allocated.", Kind::Gauge, allocated);
        page.single("node_filefd_maximum", "File descriptor statistics: maximum.", Kind::Gauge, maximum);
        Ok(())
    }
}

fn parse(text: &str) -> Result<(f64, f64), Malformed> {
    let mut fields = text.split_whitespace();
    Ok((number(fields.next(), 1)?, number(fields.nth(1), 1)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_and_third_fields_count() {
        assert_eq!(parse("1024\t0\t1631329\n"), Ok((1024.0, 1_631_329.0)));
        assert_eq!(parse("992\t0\t9223372036854775807\n"), Ok((992.0, 9_223_372_036_854_775_807.0)));
        for bad in ["", "1024\t0", "a\t0\t1"] {
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
