//! Settings of the kernel chosen by flags: `--collector.sysctl.include=fs.file-nr:total,current,max` reads
//! `/proc/sys/fs/file-nr` and names its three numbers; without names they are told apart by an index.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::{Flag, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static INCLUDE: Flag = Flag::list("collector.sysctl.include", "Select sysctl metrics to include");
static INCLUDE_INFO: Flag = Flag::list("collector.sysctl.include-info", "Select sysctl metrics to include as info metrics");

/// Its flags.
pub const FLAGS: &[&Flag] = &[&INCLUDE, &INCLUDE_INFO];

struct Sysctl {
    settings: Vec<Setting>,
}

struct Setting {
    name: String,
    keys: Vec<String>,
    numeric: bool,
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    let chosen = [(&INCLUDE, true), (&INCLUDE_INFO, false)];
    let settings = chosen.into_iter().flat_map(|(flag, numeric)| {
        flags.list(flag).iter().map(move |text| {
            let (name, keys) = text.split_once(':').unwrap_or((text, ""));
            let keys = keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
            let file = host.proc(&format!("sys/{}", name.replace('.', "/")));
            Setting { name: name.to_owned(), keys, numeric, file }
        })
    });
    Ok(Box::new(Sysctl { settings: settings.collect() }))
}

impl Collector for Sysctl {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        self.settings.iter_mut().try_for_each(|setting| setting.write(page))
    }
}

impl Setting {
    fn write(&mut self, page: &mut Page) -> Result<(), Error> {
        let Self { name, keys, numeric, file } = self;
        let (text, path) = file.text()?;
        let values: Vec<&str> = text.split_whitespace().collect();
        let problem = |problem: String| Malformed::new(1, problem).of(path);
        if values.is_empty() {
            return Err(problem("it holds no value".to_owned()));
        }
        if !keys.is_empty() && keys.len() != values.len() {
            return Err(problem(format!(
                "it holds {} values, and the flag names {}: {}",
                values.len(),
                keys.len(),
                keys.join(",")
            )));
        }
        let clean = super::clean(name);
        for (index, value) in values.iter().enumerate() {
            let place = index.to_string();
            if !*numeric {
                let family = page.family("node_sysctl_info", "sysctl info", Kind::Gauge);
                page.sample(family, &[("index", &place), ("name", name), ("value", value)], 1.0);
                continue;
            }
            let value = number::<i64>(Some(value), 1).map_err(|malformed| malformed.of(path))? as f64;
            match keys.get(index) {
                Some(key) => {
                    let help = ["sysctl ", name, ", field ", &place];
                    let family = page.family_of(&["node_sysctl_", &clean, "_", key], &help, Kind::Untyped);
                    page.sample(family, &[], value);
                }
                None => {
                    let family = page.family_of(&["node_sysctl_", &clean], &["sysctl ", name], Kind::Untyped);
                    let labels = [("index", place.as_str())];
                    page.sample(family, if values.len() > 1 { &labels } else { &[] }, value);
                }
            }
        }
        Ok(())
    }
}
