//! Finds a Java of a wanted age on this machine. It installs none.

use std::fs;
use std::path::{Path, PathBuf};

/// Where distributions put their JDKs.
const ROOMS: &[&str] = &["/usr/lib/jvm", "/usr/java", "/opt/java"];

/// The home of a Java whose major version is within `oldest..=newest`: the oldest of those, since each server was written
/// for the Java of its time.
pub fn home(oldest: u32, newest: u32) -> Option<PathBuf> {
    let rooms = ROOMS.iter().filter_map(|room| fs::read_dir(room).ok()).flatten().flatten().map(|entry| entry.path());
    let mut homes: Vec<(u32, PathBuf)> = std::env::var_os("JAVA_HOME")
        .map(PathBuf::from)
        .into_iter()
        .chain(rooms)
        .filter_map(|home| Some((version(&home)?, home)))
        .filter(|(version, _)| (oldest..=newest).contains(version))
        .collect();
    homes.sort();
    homes.into_iter().next().map(|(_, home)| home)
}

fn version(home: &Path) -> Option<u32> {
    if !home.join("bin/java").exists() {
        return None;
    }
    major(&fs::read_to_string(home.join("release")).ok()?)
}

/// The major version in a JDK's `release` file, which has a line such as `JAVA_VERSION="17.0.15"`.
fn major(release: &str) -> Option<u32> {
    let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    version.split(['.', '"', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        for (release, expected) in [
            ("IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.15\"\n", Some(17)),
            ("JAVA_VERSION=\"25\"", Some(25)),
            ("JAVA_VERSION=\"1.8.0_402\"", Some(1)),
            ("JAVA_VERSION=17", None),
            ("", None),
        ] {
            assert_eq!(major(release), expected, "{release}");
        }
    }
}
