//! Families and samples as plain data: a [`Page`] that collectors write and that is cleared and written again at the next
//! scrape, so that a series costs no allocation. It knows nothing of text formats beyond the escaping of labels.

/// What kind of value a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the text format")]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Untyped,
}

impl Kind {
    /// The word after `# TYPE name`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }
}

/// A family of one [`Page`]; worthless on another.
#[derive(Clone, Copy, Debug)]
pub struct FamilyId(usize);

/// Which line of a histogram or summary a sample is; plain samples are `Value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// The sample of a counter, gauge or untyped family.
    Value,
    /// A histogram's bucket and its upper bound.
    Bucket(f64),
    /// A summary's quantile.
    Quantile(f64),
    /// `name_sum`.
    Sum,
    /// `name_count`.
    Count,
}

/// Families and their samples in the order they were written.
#[derive(Debug, Default)]
pub struct Page {
    arena: Vec<u8>,
    families: Vec<Family>,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Family {
    name: Text,
    help: Text,
    kind: Kind,
    // First and last sample, as indices: a family's samples may lie between those of others.
    ends: Option<(usize, usize)>,
}

#[derive(Clone, Copy, Debug)]
enum Text {
    Fixed(&'static str),
    Written(Span),
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
}

#[derive(Debug)]
struct Sample {
    labels: Span,
    part: Part,
    value: f64,
    next: Option<usize>,
}

/// A sample as it is read back.
#[derive(Clone, Copy, Debug)]
pub struct SampleView<'page> {
    /// `a="x",b="y"`, escaped; empty without labels.
    pub labels: &'page [u8],
    /// Which line it is.
    pub part: Part,
    /// Its value.
    pub value: f64,
}

impl Page {
    /// Forgets everything written and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.families.clear();
        self.samples.clear();
    }

    /// Opens a family. Opening the same name twice is no error: what agrees is joined when the page is written out.
    pub fn family(&mut self, name: &'static str, help: &'static str, kind: Kind) -> FamilyId {
        self.open(Text::Fixed(name), Text::Fixed(help), kind)
    }

    /// Opens a family whose name and help are put together from pieces.
    pub fn family_of(&mut self, name: &[&str], help: &[&str], kind: Kind) -> FamilyId {
        let name = Text::Written(self.write(name));
        let help = Text::Written(self.write(help));
        self.open(name, help, kind)
    }

    /// Adds a sample; `labels` stand in the order of their names.
    pub fn sample(&mut self, family: FamilyId, labels: &[(&str, &str)], value: f64) {
        self.part(family, labels, Part::Value, value);
    }

    /// Adds one line of a histogram or summary; `labels` are without `le` and `quantile`.
    pub fn part(&mut self, family: FamilyId, labels: &[(&str, &str)], part: Part, value: f64) {
        debug_assert!(labels.is_sorted_by(|one, two| one.0 < two.0), "labels out of order: {labels:?}");
        let start = self.arena.len();
        for (index, (name, text)) in labels.iter().enumerate() {
            if index > 0 {
                self.arena.push(b',');
            }
            self.arena.extend_from_slice(name.as_bytes());
            self.arena.extend_from_slice(b"=\"");
            escape_label(text, &mut self.arena);
            self.arena.push(b'"');
        }
        let labels = Span { start, end: self.arena.len() };
        let index = self.samples.len();
        self.samples.push(Sample { labels, part, value, next: None });
        let Some(family) = self.families.get_mut(family.0) else { return };
        match &mut family.ends {
            Some((_, last)) => {
                self.samples[*last].next = Some(index);
                *last = index;
            }
            None => family.ends = Some((index, index)),
        }
    }

    /// A family of one sample without labels.
    pub fn single(&mut self, name: &'static str, help: &'static str, kind: Kind, value: f64) {
        let family = self.family(name, help, kind);
        self.sample(family, &[], value);
    }

    /// How many families were opened, those without samples included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.families.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// The name of family `index` in the order of writing.
    #[must_use]
    pub fn name(&self, index: usize) -> &[u8] {
        self.text(self.families[index].name)
    }

    /// The help of family `index`, unescaped.
    #[must_use]
    pub fn help(&self, index: usize) -> &[u8] {
        self.text(self.families[index].help)
    }

    /// The kind of family `index`.
    #[must_use]
    pub fn kind(&self, index: usize) -> Kind {
        self.families[index].kind
    }

    /// The samples of family `index` in the order of writing, each with the number by which [`Page::view`] finds it.
    pub fn samples(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let first = self.families[index].ends.map(|(first, _)| first);
        std::iter::successors(first, |at| self.samples[*at].next)
    }

    /// One sample by its number.
    #[must_use]
    pub fn view(&self, sample: usize) -> SampleView<'_> {
        let sample = &self.samples[sample];
        SampleView { labels: &self.arena[sample.labels.start..sample.labels.end], part: sample.part, value: sample.value }
    }

    fn open(&mut self, name: Text, help: Text, kind: Kind) -> FamilyId {
        self.families.push(Family { name, help, kind, ends: None });
        FamilyId(self.families.len() - 1)
    }

    fn write(&mut self, pieces: &[&str]) -> Span {
        let start = self.arena.len();
        for piece in pieces {
            self.arena.extend_from_slice(piece.as_bytes());
        }
        Span { start, end: self.arena.len() }
    }

    fn text(&self, text: Text) -> &[u8] {
        match text {
            Text::Fixed(text) => text.as_bytes(),
            Text::Written(span) => &self.arena[span.start..span.end],
        }
    }
}

fn escape_label(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_a_family_stay_together_however_they_are_written() {
        let mut page = Page::default();
        for _ in 0..2 {
            page.clear();
            let one = page.family("one", "", Kind::Gauge);
            let two = page.family_of(&["t", "wo"], &["help"], Kind::Counter);
            page.sample(one, &[("a", "1")], 1.0);
            page.sample(two, &[], 2.0);
            page.sample(one, &[("a", "2")], 3.0);
            let values = |index: usize| page.samples(index).map(|at| page.view(at).value).collect::<Vec<_>>();
            assert_eq!((values(0), values(1)), (vec![1.0, 3.0], vec![2.0]));
            assert_eq!((page.name(1), page.help(1), page.len()), (&b"two"[..], &b"help"[..], 2));
        }
    }

    #[test]
    fn label_values_are_escaped() {
        let mut page = Page::default();
        let family = page.family("f", "", Kind::Gauge);
        page.sample(family, &[("a", "x\"y\\z\n"), ("b", "ö")], 1.0);
        assert_eq!(String::from_utf8_lossy(page.view(0).labels), r#"a="x\"y\\z\n",b="ö""#);
    }
}
