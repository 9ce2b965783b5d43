//! Whether what a collector reads is there at all: a look at a directory of sysfs, which is cheap and cannot hang, where reading
//! the devices in it may. It says nothing of what they are.

use std::path::PathBuf;

use super::{Devices, Host};

/// The places where a collector's devices would be.
#[derive(Debug)]
pub struct Presence(Vec<Place>);

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Directory(Devices),
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Something to read, or the look failed: whoever reads will tell.
    Something,
    /// The place is there and empty.
    Nothing,
    /// There is no such place.
    Absent,
}

impl Presence {
    /// Any entry in any of these directories below sysfs.
    #[must_use]
    pub fn in_directories(host: &Host, directories: &[&str]) -> Self {
        Self(directories.iter().map(|directory| Place::Directory(Devices::new(host, directory, &[]))).collect())
    }

    /// This file below sysfs.
    #[must_use]
    pub fn of_file(host: &Host, file: &str) -> Self {
        Self(vec![Place::File(host.roots().sysfs.join(file))])
    }

    /// Looks.
    pub fn look(&mut self, host: &Host) -> Found {
        let mut found = Found::Absent;
        for place in &mut self.0 {
            let there = match place {
                Place::File(path) => path.exists().then_some(true),
                Place::Directory(devices) => match devices.refresh(host, |_| true) {
                    Ok(there) => there.then(|| devices.shown().next().is_some()),
                    Err(_) => Some(true),
                },
            };
            match there {
                Some(true) => return Found::Something,
                Some(false) => found = Found::Nothing,
                None => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Roots;
    use super::*;

    #[test]
    fn devices_are_noticed_when_they_come_and_go() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::new(Roots { sysfs: directory.path().to_owned(), ..Roots::machine() });
        let (mut places, mut file) = (Presence::in_directories(&host, &["a", "b"]), Presence::of_file(&host, "f"));
        assert_eq!((places.look(&host), file.look(&host)), (Found::Absent, Found::Absent));
        fs::create_dir_all(directory.path().join("b")).unwrap();
        fs::write(directory.path().join("f"), "").unwrap();
        assert_eq!((places.look(&host), file.look(&host)), (Found::Nothing, Found::Something));
        fs::write(directory.path().join("b/device"), "").unwrap();
        assert_eq!(places.look(&host), Found::Something);
        fs::remove_file(directory.path().join("b/device")).unwrap();
        assert_eq!(places.look(&host), Found::Nothing);
    }
}
