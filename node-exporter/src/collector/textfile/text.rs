//! The Prometheus text format, read: `# HELP`, `# TYPE` and samples such as `name{label="value"} 1.5`. Stricter than
//! Prometheus itself, as upstream is: no timestamps, and the last line must end.

mod line;

use std::collections::{BTreeMap, HashMap};

use self::line::{Comment, Sample, comment, sample};
use crate::metric::{Kind, Page, Part};

/// Series in one file.
const MAX_SERIES: usize = 200_000;

/// A family as one file gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub name: String,
    pub help: Option<String>,
    pub kind: Option<Kind>,
    // By labels; each with its lines.
    series: BTreeMap<Labels, Series>,
}

type Labels = Vec<(String, String)>;

#[derive(Clone, Debug, Default, PartialEq)]
struct Series {
    values: Vec<f64>,
    // Bound and value, of buckets or quantiles.
    steps: Vec<(f64, f64)>,
    sum: f64,
    count: f64,
}

impl Family {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), help: None, kind: None, series: BTreeMap::new() }
    }

    /// Writes it with the pieces of its help. Labels that only some series have are empty on the others.
    pub fn write(&self, help: &[&str], page: &mut Page) {
        let kind = self.kind.unwrap_or(Kind::Untyped);
        let family = page.family_of(&[&self.name], help, kind);
        let mut names: Vec<&str> = self.series.keys().flatten().map(|label| label.0.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for (given, series) in &self.series {
            let value = |name: &str| given.iter().find(|label| label.0 == name).map_or("", |label| label.1.as_str());
            let labels: Vec<(&str, &str)> = names.iter().map(|name| (*name, value(name))).collect();
            for value in &series.values {
                page.sample(family, &labels, *value);
            }
            if !matches!(kind, Kind::Histogram | Kind::Summary) {
                continue;
            }
            let mut steps = series.steps.clone();
            if kind == Kind::Histogram && !steps.iter().any(|step| step.0 == f64::INFINITY) {
                steps.push((f64::INFINITY, series.count));
            }
            steps.sort_by(|one, two| one.0.total_cmp(&two.0));
            for (bound, value) in steps {
                page.part(
                    family,
                    &labels,
                    if kind == Kind::Histogram { Part::Bucket(bound) } else { Part::Quantile(bound) },
                    value,
                );
            }
            page.part(family, &labels, Part::Sum, series.sum);
            page.part(family, &labels, Part::Count, series.count);
        }
    }
}

/// The families of a file, by name; those without samples are left out.
///
/// # Errors
/// What is wrong, and in which line.
pub fn parse(text: &str) -> Result<Vec<Family>, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(format!("line {}: the last line does not end", text.lines().count()));
    }
    let mut families: HashMap<String, Family> = HashMap::new();
    let mut series = 0;
    for (index, line) in text.split_terminator('\n').enumerate() {
        let at = |problem: String| format!("line {}: {problem}", index + 1);
        let trimmed = line.trim_start_matches([' ', '\t']);
        if trimmed.starts_with('#') {
            note(comment(trimmed).map_err(at)?, &mut families).map_err(at)?;
        } else if !trimmed.is_empty() {
            series += 1;
            if series > MAX_SERIES {
                return Err(at(format!("more than {MAX_SERIES} samples")));
            }
            add(sample(trimmed).map_err(at)?, &mut families).map_err(at)?;
        }
    }
    let mut families: Vec<Family> = families.into_values().filter(|family| !family.series.is_empty()).collect();
    families.sort_by(|one, two| one.name.cmp(&two.name));
    Ok(families)
}

fn note(comment: Option<Comment<'_>>, families: &mut HashMap<String, Family>) -> Result<(), String> {
    match comment {
        None => Ok(()),
        Some(Comment::Help(name, help)) => {
            let family = families.entry(name.to_owned()).or_insert_with(|| Family::new(name));
            // An empty help is none, as upstream reads it.
            if help.is_empty() {
                return Ok(());
            }
            if family.help.replace(help).is_some() { Err(format!("second HELP of {name}")) } else { Ok(()) }
        }
        Some(Comment::Type(name, kind)) => {
            let family = families.entry(name.to_owned()).or_insert_with(|| Family::new(name));
            if !family.series.is_empty() || family.kind.replace(kind).is_some() {
                return Err(format!("second TYPE of {name}, or TYPE after its samples"));
            }
            Ok(())
        }
    }
}

fn add(sample: Sample<'_>, families: &mut HashMap<String, Family>) -> Result<(), String> {
    let (name, suffix) = family_of(sample.name, families);
    let family = families.entry(name.to_owned()).or_insert_with(|| Family::new(name));
    family.kind.get_or_insert(Kind::Untyped);
    let step = match family.kind {
        Some(Kind::Histogram) if suffix == "_bucket" => Some("le"),
        Some(Kind::Summary) if suffix.is_empty() => Some("quantile"),
        _ => None,
    };
    let mut labels = sample.labels;
    // A bound is no label of the series, in any line of the family.
    let bound = match family.kind {
        Some(Kind::Histogram) => take(&mut labels, "le"),
        Some(Kind::Summary) => take(&mut labels, "quantile"),
        _ => None,
    };
    labels.sort();
    if let Some(twice) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("label {:?} is given twice", twice[0].0));
    }
    let series = family.series.entry(labels).or_default();
    match (step, suffix) {
        (Some(label), _) => {
            // Without its bound such a line says nothing, and upstream passes over it.
            let Some(bound) = bound else { return Ok(()) };
            let bound = line::value(&bound).ok_or_else(|| format!("{label}={bound:?} is no number"))?;
            series.steps.push((bound, sample.value));
        }
        (None, "_sum") => series.sum = sample.value,
        (None, "_count") => series.count = sample.value,
        // A histogram's bare name says nothing.
        (None, _) if matches!(family.kind, Some(Kind::Histogram | Kind::Summary)) => {}
        (None, _) => series.values.push(sample.value),
    }
    Ok(())
}

fn take(labels: &mut Labels, name: &str) -> Option<String> {
    let at = labels.iter().position(|label| label.0 == name)?;
    Some(labels.swap_remove(at).1)
}

// `x_sum` belongs to the histogram or summary `x` if there is one and no family is called `x_sum`.
fn family_of<'name>(name: &'name str, families: &HashMap<String, Family>) -> (&'name str, &'static str) {
    if families.contains_key(name) {
        return (name, "");
    }
    for suffix in ["_bucket", "_sum", "_count"] {
        let Some(base) = name.strip_suffix(suffix) else { continue };
        match families.get(base).and_then(|family| family.kind) {
            Some(Kind::Histogram) => return (base, suffix),
            Some(Kind::Summary) if suffix != "_bucket" => return (base, suffix),
            _ => {}
        }
    }
    (name, "")
}
