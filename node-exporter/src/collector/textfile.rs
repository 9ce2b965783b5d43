//! Metrics that other programs leave in files: `*.prom` in the directories of a flag, in the text format. A file with one
//! bad line, with timestamps, or that is no regular file is left out whole and named in the log.

mod glob;
mod text;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use self::text::Family;
use super::{Collector, Error, Made};
use crate::flag::{Flag, Flags};
use crate::host::Host;
use crate::metric::{Kind, Page};

static DIRECTORY: Flag = Flag::list(
    "collector.textfile.directory",
    "Directory to read text files with metrics from, supports glob matching. (repeatable)",
);

/// Its flags.
pub const FLAGS: &[&Flag] = &[&DIRECTORY];

/// A file beyond this is no list of a node's metrics (it is some 150,000 series), and would double the page in memory.
const MAX_BYTES: u64 = 16 << 20;
/// Files in all directories together; each costs a few system calls at every scrape.
const MAX_FILES: usize = 4096;

struct TextFiles {
    directories: Vec<String>,
    // What was wrong with which file: said once, not at every scrape.
    told: BTreeMap<PathBuf, String>,
}

/// Makes the collector.
pub fn new(_host: &Host, flags: &Flags) -> Made {
    let directories = flags.list(&DIRECTORY).iter().filter(|directory| !directory.is_empty()).cloned().collect();
    Ok(Box::new(TextFiles { directories, told: BTreeMap::new() }))
}

impl Collector for TextFiles {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let mut faults = BTreeMap::new();
        let mut merged = Merged::default();
        let mut times = BTreeMap::new();
        for path in self.files(&mut faults) {
            match read(&path) {
                Ok((families, time)) => {
                    if let Some(fault) = merged.add(&path, families) {
                        faults.insert(path.clone(), fault);
                    }
                    times.insert(path, time);
                }
                Err(fault) => drop(faults.insert(path, fault)),
            }
        }
        merged.write(page);
        if !times.is_empty() {
            let family =
                page.family("node_textfile_mtime_seconds", "Unixtime mtime of textfiles successfully read.", Kind::Gauge);
            for (path, time) in times {
                page.sample(family, &[("file", &path.to_string_lossy())], time as f64);
            }
        }
        let error = f64::from(u8::from(!faults.is_empty()));
        page.single(
            "node_textfile_scrape_error",
            "1 if there was an error opening or reading a file, 0 otherwise",
            Kind::Gauge,
            error,
        );
        for (path, fault) in &faults {
            if self.told.get(path) != Some(fault) {
                tracing::error!(path = %path.display(), fault, "textfile left out");
            }
        }
        self.told = faults;
        Ok(())
    }

    // Without directories nothing is read. With them a dead mount, or a FIFO in the place of a file, may hang.
    fn may_block(&self) -> bool {
        !self.directories.is_empty()
    }
}

impl TextFiles {
    fn files(&self, faults: &mut BTreeMap<PathBuf, String>) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for directory in self.directories.iter().flat_map(|pattern| glob::expand(pattern)) {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) => {
                    faults.insert(directory, format!("cannot read the directory: {error}"));
                    continue;
                }
            };
            let mut names: Vec<_> =
                entries.filter_map(|entry| Some(entry.ok()?.file_name())).filter(|name| is_prom(name)).collect();
            names.sort();
            files.extend(names.into_iter().map(|name| directory.join(name)));
        }
        for path in files.split_off(files.len().min(MAX_FILES)) {
            faults.insert(path, format!("there are more than {MAX_FILES} files"));
        }
        files
    }
}

fn is_prom(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b".prom")
}

// The families of a file and the time it was written, in seconds.
fn read(path: &Path) -> Result<(Vec<Family>, i64), String> {
    let describe = |error: io::Error| error.to_string();
    // Looked at before it is opened: opening a FIFO would wait for a writer, and a device may do anything.
    if !fs::metadata(path).map_err(describe)?.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    // Should it turn into a FIFO in between, O_NONBLOCK keeps this thread.
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path).map_err(describe)?;
    let mut text = String::new();
    let length = (&file).take(MAX_BYTES + 1).read_to_string(&mut text).map_err(describe)?;
    if length as u64 > MAX_BYTES {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    let families = text::parse(&text)?;
    let time = file.metadata().map_err(describe)?.mtime();
    Ok((families, time))
}

// The families of all files, in the order of their files. Those of one name must agree in their help.
#[derive(Debug, Default)]
struct Merged {
    families: Vec<Family>,
    helps: BTreeMap<String, Help>,
}

#[derive(Debug, Default)]
struct Help {
    text: Option<String>,
    files: Vec<String>,
}

impl Merged {
    fn add(&mut self, path: &Path, families: Vec<Family>) -> Option<String> {
        let mut fault = None;
        for family in families {
            let known = self.helps.entry(family.name.clone()).or_default();
            match (&known.text, &family.help) {
                (Some(one), Some(other)) if one != other => {
                    let first = known.files.first().map_or("", String::as_str);
                    fault = Some(format!("{}: its help is {other:?}, but {one:?} in {first}", family.name));
                    continue;
                }
                (None, Some(help)) => known.text = Some(help.clone()),
                _ => {}
            }
            known.files.push(path.to_string_lossy().into_owned());
            self.families.push(family);
        }
        fault
    }

    fn write(&self, page: &mut Page) {
        for family in &self.families {
            let Some(known) = self.helps.get(&family.name) else { continue };
            match &known.text {
                Some(help) => family.write(&[help], page),
                None => family.write(&["Metric read from ", &known.files.join(", ")], page),
            }
        }
    }
}

#[cfg(test)]
mod tests;
