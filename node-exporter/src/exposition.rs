//! Pages to the Prometheus text format 0.0.4: families by name, series by label values, numbers as Go writes them. It
//! joins families of one name, and drops what Prometheus would refuse (a series given twice, one name with two kinds).

mod number;

use std::cmp::Ordering;

use crate::metric::{Page, Part, SampleView};

pub use number::write_number;

/// The content type of what [`Renderer::render`] writes, as `node_exporter` sends it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// What was left out because it contradicted something already written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Series left out.
    pub series: usize,
    /// The family of the first of them.
    pub example: Option<String>,
}

/// Writes pages out; it keeps its working memory between scrapes.
#[derive(Debug, Default)]
pub struct Renderer {
    families: Vec<Place>,
    samples: Vec<Place>,
}

// A family, or a sample, of one of the pages.
#[derive(Clone, Copy, Debug)]
struct Place {
    page: usize,
    index: usize,
}

impl Renderer {
    /// Appends all pages to `out`. Where two of them contradict each other, the earlier page wins.
    pub fn render(&mut self, pages: &[&Page], out: &mut Vec<u8>) -> Dropped {
        let Self { families, samples } = self;
        families.clear();
        families.extend(
            pages.iter().enumerate().flat_map(|(page, written)| (0..written.len()).map(move |index| Place { page, index })),
        );
        let name = |place: &Place| pages[place.page].name(place.index);
        // A stable sort, so that of two families with one name the earlier stays first.
        families.sort_by(|one, two| name(one).cmp(name(two)));
        let mut dropped = Dropped::default();
        for same_name in families.chunk_by(|one, two| name(one) == name(two)) {
            samples.clear();
            if let Some(head) = gather(pages, same_name, samples, &mut dropped) {
                write_family(pages, head, samples, out, &mut dropped);
            }
        }
        dropped
    }
}

// The samples of all families of one name, and the family that gives kind and help: the first that has any samples.
fn gather(pages: &[&Page], families: &[Place], samples: &mut Vec<Place>, dropped: &mut Dropped) -> Option<Place> {
    let mut first: Option<Place> = None;
    for family in families {
        let page = pages[family.page];
        let before = samples.len();
        samples.extend(page.samples(family.index).map(|index| Place { page: family.page, index }));
        let added = samples.len() - before;
        let agrees = first.is_none_or(|first| {
            let leader = pages[first.page];
            leader.kind(first.index) == page.kind(family.index) && leader.help(first.index) == page.help(family.index)
        });
        if !agrees {
            samples.truncate(before);
            dropped.count(added, page.name(family.index));
        } else if first.is_none() && added > 0 {
            first = Some(*family);
        }
    }
    first
}

fn write_family(pages: &[&Page], head: Place, samples: &mut [Place], out: &mut Vec<u8>, dropped: &mut Dropped) {
    let view = |place: &Place| pages[place.page].view(place.index);
    let (page, index) = (pages[head.page], head.index);
    let name = page.name(index);
    out.extend_from_slice(b"# HELP ");
    out.extend_from_slice(name);
    out.push(b' ');
    escape_help(page.help(index), out);
    out.extend_from_slice(b"\n# TYPE ");
    out.extend_from_slice(name);
    out.push(b' ');
    out.extend_from_slice(page.kind(index).as_str().as_bytes());
    out.push(b'\n');
    if !samples.is_sorted_by(|one, two| by_labels(view(one).labels, view(two).labels).is_le()) {
        samples.sort_by(|one, two| by_labels(view(one).labels, view(two).labels));
    }
    for (at, place) in samples.iter().enumerate() {
        let sample = view(place);
        let twice = samples[..at].iter().rev().map(view).take_while(|earlier| earlier.labels == sample.labels);
        if twice.into_iter().any(|earlier| earlier.part == sample.part) {
            dropped.count(1, name);
        } else {
            write_sample(name, sample, out);
        }
    }
}

fn write_sample(name: &[u8], sample: SampleView<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    let (suffix, bound) = match sample.part {
        Part::Value => ("", None),
        Part::Bucket(bound) => ("_bucket", Some(("le", bound))),
        Part::Quantile(quantile) => ("", Some(("quantile", quantile))),
        Part::Sum => ("_sum", None),
        Part::Count => ("_count", None),
    };
    out.extend_from_slice(suffix.as_bytes());
    if !sample.labels.is_empty() || bound.is_some() {
        out.push(b'{');
        out.extend_from_slice(sample.labels);
        if let Some((label, bound)) = bound {
            if !sample.labels.is_empty() {
                out.push(b',');
            }
            out.extend_from_slice(label.as_bytes());
            out.extend_from_slice(b"=\"");
            write_number(bound, out);
            out.push(b'"');
        }
        out.push(b'}');
    }
    out.push(b' ');
    write_number(sample.value, out);
    out.push(b'\n');
}

// Label texts of one family have the same names, so that the order of the texts is the order of the values, but for a
// value that ends where the other goes on: its closing quote stands before any character.
fn by_labels(one: &[u8], two: &[u8]) -> Ordering {
    let Some(at) = one.iter().zip(two).position(|(one, two)| one != two) else { return one.len().cmp(&two.len()) };
    let escaped = one[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    let rank = |byte: u8| if byte == b'"' && !escaped { 0 } else { u16::from(byte) + 1 };
    rank(one[at]).cmp(&rank(two[at]))
}

fn escape_help(help: &[u8], out: &mut Vec<u8>) {
    for byte in help {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            other => out.push(*other),
        }
    }
}

impl Dropped {
    fn count(&mut self, series: usize, family: &[u8]) {
        self.series += series;
        if series > 0 && self.example.is_none() {
            self.example = Some(String::from_utf8_lossy(family).into_owned());
        }
    }
}

#[cfg(test)]
mod tests;
