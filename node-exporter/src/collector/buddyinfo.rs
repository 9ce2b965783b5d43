//! Free blocks of memory by size: `/proc/buddyinfo`, lines such as `Node 0, zone   Normal  4381   1093    185`, where the n-th
//! number counts blocks of two to the n pages.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

struct BuddyInfo {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(BuddyInfo { file: host.proc("buddyinfo") }))
}

impl Collector for BuddyInfo {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let family = page.family("node_buddyinfo_blocks", "Count of free blocks according to size.", Kind::Gauge);
        for row in parse(text) {
            let Row { node, zone, size, blocks } = row.map_err(|malformed| malformed.of(path))?;
            page.sample(family, &[("node", node), ("size", &size.to_string()), ("zone", zone)], blocks);
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
struct Row<'text> {
    node: &'text str,
    zone: &'text str,
    size: usize,
    blocks: f64,
}

fn parse(text: &str) -> impl Iterator<Item = Result<Row<'_>, Malformed>> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let mut fields = line.split_ascii_whitespace();
        let heads = (fields.next(), fields.next(), fields.next(), fields.next());
        let (node, zone) = match heads {
            (Some("Node"), Some(node), Some("zone"), Some(zone)) => (node.trim_end_matches(','), zone.trim_end_matches(',')),
            _ => ("", ""),
        };
        let bad = node.is_empty().then(|| Malformed::new(index + 1, "it does not start with a node and a zone"));
        let rows = fields
            .enumerate()
            .filter(move |_| !node.is_empty())
            .map(move |(size, field)| Ok(Row { node, zone, size, blocks: number(Some(field), index + 1)? }));
        bad.map(Err).into_iter().chain(rows)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_size_of_each_zone_is_a_row() {
        let rows: Result<Vec<_>, _> = parse("Node 0, zone      DMA      1      0\nNode 1, zone Normal 7\n").collect();
        let row = |node, zone, size, blocks| Row { node, zone, size, blocks };
        assert_eq!(rows, Ok(vec![row("0", "DMA", 0, 1.0), row("0", "DMA", 1, 0.0), row("1", "Normal", 0, 7.0)]));
        for bad in ["Node 0, zone\n", "x\n", "\n", "Node 0, zone DMA x\n"] {
            assert!(parse(bad).any(|row| row.is_err()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(Node [0-9]+, zone [A-Z]*( [0-9]+)*\n){0,4}.*") {
            parse(&text).for_each(drop);
        }
    }
}
