//! Tables of the Solaris kernel's statistics, as ZFS brought them along: lines of a name, a type and a value.

use super::super::{Malformed, number};

/// Types of values, from ZFS' `kstat.h`; the others are texts and raw bytes.
pub const SIGNED: &str = "3";
pub const UNSIGNED: &str = "4";
/// The line that tells whose numbers follow.
pub const DATASET_NAME: &str = "dataset_name";
/// The table of a pool's reads and writes has this many columns at least, the first of this name.
const IO_COLUMNS: usize = 12;
const IO_FIRST: &str = "nread";

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter<'text> {
    pub name: &'text str,
    pub kind: &'text str,
    pub data: &'text str,
    line: usize,
}

impl Counter<'_> {
    /// Its number; `None` if it is none.
    pub fn value(&self) -> Option<Result<f64, Malformed>> {
        let first = self.data.split_ascii_whitespace().next();
        match self.kind {
            UNSIGNED => Some(number::<u64>(first, self.line).map(|value| value as f64)),
            SIGNED => Some(number::<i64>(first, self.line).map(|value| value as f64)),
            _ => None,
        }
    }
}

/// The lines below `name type data`.
pub fn parse_counters(text: &str) -> Result<impl Iterator<Item = Counter<'_>>, Malformed> {
    let mut lines = text.lines().enumerate();
    let heading = |line: &str| line.split_ascii_whitespace().eq(["name", "type", "data"]);
    if !lines.any(|(_, line)| heading(line)) {
        return Err(Malformed::new(1, "there is no heading `name type data`"));
    }
    Ok(lines.filter_map(|(index, line)| {
        let (name, rest) = line.trim().split_once(char::is_whitespace)?;
        let (kind, data) = rest.trim_start().split_once(char::is_whitespace)?;
        Some(Counter { name, kind, data: data.trim_start(), line: index + 1 })
    }))
}

/// The columns of a pool's `io`: a line of names and a line of numbers.
pub fn parse_io(text: &str) -> impl Iterator<Item = Result<(&str, u64), Malformed>> {
    let mut lines = text.lines().enumerate();
    let is_heading = |line: &str| {
        line.split_ascii_whitespace().next() == Some(IO_FIRST) && line.split_ascii_whitespace().count() >= IO_COLUMNS
    };
    let names = lines.find(|(_, line)| is_heading(line)).map(|(_, line)| line);
    let values = names.and_then(|_| lines.next());
    names.into_iter().flat_map(str::split_ascii_whitespace).enumerate().filter_map(move |(column, name)| {
        let (index, values) = values?;
        Some(number(values.split_ascii_whitespace().nth(column), index + 1).map(|value| (name, value)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counters_follow_their_heading() {
        let text = "7 1 0x01 13\nname                            type data\nhits 4    18446744073709551615\nfall 3 -5\ndataset_name 7 tank/my data\ncut 4\nbad 4 x\n";
        let counters: Vec<_> = parse_counters(text).unwrap().collect();
        let values: Vec<_> = counters.iter().map(|counter| (counter.name, counter.value().and_then(Result::ok))).collect();
        assert_eq!(
            values,
            [("hits", Some(18_446_744_073_709_551_615.0)), ("fall", Some(-5.0)), (DATASET_NAME, None), ("bad", None)]
        );
        assert_eq!(counters[2].data, "tank/my data");
        assert_eq!(counters[3].value().unwrap().unwrap_err(), Malformed::new(7, "\"x\" is no number in range"));
        assert!(parse_counters("7 1 0x01\n").is_err());
    }

    #[test]
    fn columns_of_io_are_paired() {
        let names = "nread nwritten reads writes wtime wlentime wupdate rtime rlentime rupdate wcnt rcnt";
        let columns: Result<Vec<_>, _> = parse_io(&format!("12 3 0x00\n{names}\n1 2 3 4 5 6 7 8 9 10 11 12\n"))
            .map(|it| it.map(|(name, value)| (name.to_owned(), value)))
            .collect();
        assert_eq!((columns.as_ref().unwrap().len(), &columns.as_ref().unwrap()[11]), (12, &("rcnt".to_owned(), 12)));
        assert!(parse_io(&format!("{names}\n1 2 3\n")).any(|column| column.is_err()));
        assert_eq!(parse_io("nread\n1\n").count(), 0);
        assert_eq!(parse_io(names).count(), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)name type data\n([a-z]* [0-9] .*\n){0,4}.*", io in "(?s)nread( [a-z]*){11,14}\n([0-9]* )*.*") {
            if let Ok(counters) = parse_counters(&text) {
                counters.for_each(|counter| drop(counter.value()));
            }
            parse_io(&io).for_each(drop);
        }
    }
}
