//! What sysfs says of each CPU: how often its core and package were throttled for heat, whether the scheduler leaves it
//! alone (`isolated`, `1,3-5`), and whether it is online.

use super::super::{Error, Malformed, number};
use crate::host::{Host, ReadError, Source};
use crate::metric::{Kind, Page};

const DIRECTORY: &str = "devices/system/cpu";
/// More CPUs than any kernel can be built for.
const MAX_CPU: u32 = 65_536;

#[derive(Debug)]
pub struct Topology {
    isolated: Source,
    cpus: Vec<Cpu>,
    listed: bool,
}

#[derive(Debug)]
struct Cpu {
    number: String,
    online: Source,
    package: Source,
    core: Source,
    core_throttles: Source,
    package_throttles: Source,
}

impl Topology {
    pub fn new(host: &Host) -> Self {
        Self { isolated: host.sys(&format!("{DIRECTORY}/isolated")), cpus: Vec::new(), listed: false }
    }

    /// `changed`: a CPU came or went since the last call.
    pub fn collect(&mut self, host: &Host, changed: bool, page: &mut Page) -> Result<(), Error> {
        self.listed &= !changed;
        if !self.listed {
            self.cpus = list(host)?;
            self.listed = true;
        }
        if let Some((text, path)) = self.isolated.text_if_present()? {
            let family = page.family(
                "node_cpu_isolated",
                "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
                Kind::Gauge,
            );
            for cpu in parse_ranges(text).map_err(|malformed| malformed.of(path))? {
                page.sample(family, &[("cpu", &cpu.to_string())], 1.0);
            }
        }
        self.online(page)?;
        self.throttles(page)
    }

    fn online(&mut self, page: &mut Page) -> Result<(), Error> {
        // Where the first CPU cannot be taken out, upstream shows none.
        let Some(first) = self.cpus.first_mut() else { return Ok(()) };
        if first.online.text_if_present()?.is_none() {
            return Ok(());
        }
        let family = page.family("node_cpu_online", "CPUs that are online and being scheduled.", Kind::Gauge);
        for cpu in &mut self.cpus {
            let online = cpu.online.text_if_present()?.is_some_and(|(text, _)| text.trim() == "1");
            page.sample(family, &[("cpu", &cpu.number)], f64::from(u8::from(online)));
        }
        Ok(())
    }

    fn throttles(&mut self, page: &mut Page) -> Result<(), Error> {
        let cores =
            page.family("node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.", Kind::Counter);
        let packages = page.family(
            "node_cpu_package_throttles_total",
            "Number of times this CPU package has been throttled.",
            Kind::Counter,
        );
        // Threads of one core, and cores of one package, all tell the same count: the first is taken.
        let (mut told_cores, mut told_packages) = (Vec::new(), Vec::new());
        for cpu in &mut self.cpus {
            let (of_core, of_package) = (count(&mut cpu.core_throttles)?, count(&mut cpu.package_throttles)?);
            if of_core.is_none() && of_package.is_none() {
                continue;
            }
            let (Some(package), Some(core)) = (count(&mut cpu.package)?, count(&mut cpu.core)?) else { continue };
            if let Some(throttles) = of_core.filter(|_| !told_cores.contains(&(package, core))) {
                told_cores.push((package, core));
                page.sample(cores, &[("core", &core.to_string()), ("package", &package.to_string())], throttles as f64);
            }
            if let Some(throttles) = of_package.filter(|_| !told_packages.contains(&package)) {
                told_packages.push(package);
                page.sample(packages, &[("package", &package.to_string())], throttles as f64);
            }
        }
        Ok(())
    }
}

fn list(host: &Host) -> Result<Vec<Cpu>, ReadError> {
    let numbers = host.list_sys(DIRECTORY, "cpu")?.into_iter().filter_map(|name| {
        let number = name.strip_prefix("cpu")?;
        number.starts_with(|first: char| first.is_ascii_digit()).then(|| number.to_owned())
    });
    Ok(numbers
        .map(|number| {
            let file = |name: &str| host.sys(&format!("{DIRECTORY}/cpu{number}/{name}"));
            Cpu {
                online: file("online"),
                package: file("topology/physical_package_id"),
                core: file("topology/core_id"),
                core_throttles: file("thermal_throttle/core_throttle_count"),
                package_throttles: file("thermal_throttle/package_throttle_count"),
                number,
            }
        })
        .collect())
}

// A count, or `None` where the kernel has none for this CPU. Some drivers say -1 for "unknown".
fn count(file: &mut Source) -> Result<Option<u64>, Error> {
    Ok(file.text_if_present()?.and_then(|(text, _)| text.trim().parse().ok()))
}

fn parse_ranges(text: &str) -> Result<Vec<u32>, Malformed> {
    let mut cpus = Vec::new();
    for range in text.trim().split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (number(Some(first), 1)?, number(Some(last), 1)?);
        if last >= MAX_CPU {
            return Err(Malformed::new(1, format!("{range:?} is beyond CPU {MAX_CPU}")));
        }
        cpus.extend(first..=last);
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_spelt_out() {
        for (text, expected) in [("\n", vec![]), ("", vec![]), ("1,3-5\n", vec![1, 3, 4, 5]), ("0", vec![0]), ("5-3", vec![])] {
            assert_eq!(parse_ranges(text), Ok(expected), "{text}");
        }
        for bad in ["a", "1-", "-1", "1-2-3", "0-4294967295", "1,x"] {
            assert!(parse_ranges(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "([0-9]{0,9}[-,])*.*") {
            let _any = parse_ranges(&text);
        }
    }
}
