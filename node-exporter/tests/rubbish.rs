//! Files of the fixture machine filled with what no kernel would write, one at a time and all together: the collector may fail, and
//! it does not panic, and its neighbours never notice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers included")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use node_exporter::args::Args;
use node_exporter::collector::{ALL, Collector};
use node_exporter::host::Host;
use node_exporter::metric::Page;
use proptest::prelude::*;

/// Files that are spoilt one at a time: each costs a scrape per kind of rubbish.
const PROBED: usize = 25;
/// Directories of the fixture machine.
const ROOTS: [&str; 7] = ["proc", "sys", "rootfs", "udev", "textfile", "qdisc", "wifi"];

// Copies `from` and lists the files it holds.
fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source).unwrap(), &target).unwrap();
        } else if source.is_dir() {
            copy(&source, &target, files);
        } else {
            fs::copy(&source, &target).unwrap();
            files.push(target);
        }
    }
}

struct Machine {
    host: Host,
    collectors: Vec<Box<dyn Collector>>,
    files: Vec<PathBuf>,
    _directory: tempfile::TempDir,
}

fn machine() -> Machine {
    let directory = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let at = |root: &str| directory.path().join(root);
    for root in ROOTS {
        copy(&Path::new("fixtures").join(root), &at(root), &mut files);
    }
    files.sort();
    let mut arguments = vec![
        "node-exporter".to_owned(),
        format!("--path.procfs={}", at("proc").display()),
        format!("--path.sysfs={}", at("sys").display()),
        format!("--path.rootfs={}", at("rootfs").display()),
        format!("--path.udev.data={}", at("udev").display()),
        format!("--collector.textfile.directory={}", at("textfile").display()),
        format!("--collector.qdisc.fixtures={}", at("qdisc").display()),
        format!("--collector.wifi.fixtures={}", at("wifi").display()),
        "--no-collector.netdev.netlink".to_owned(),
        "--no-collector.arp.netlink".to_owned(),
        "--collector.cpu.info".to_owned(),
    ];
    arguments.extend(ALL.iter().map(|entry| format!("--collector.{}", entry.name)));
    let (config, _) = Args::try_parse_from(arguments).unwrap().config().unwrap();
    let host = Host::new(config.roots);
    let collectors = ALL.iter().map(|entry| (entry.new)(&host, &config.flags).unwrap()).collect();
    Machine { host, collectors, files, _directory: directory }
}

impl Machine {
    // Some files, far from each other.
    fn probed(&self) -> Vec<PathBuf> {
        self.files.iter().step_by(self.files.len().div_ceil(PROBED)).cloned().collect()
    }

    // How many collectors fail; a panic of any fails the test.
    fn failures(&mut self) -> usize {
        let Self { host, collectors, .. } = self;
        collectors.iter_mut().filter_map(|collector| collector.collect(host, &mut Page::default()).err()).count()
    }
}

#[test]
fn rubbish_in_one_file_fails_one_collector_at_most() {
    let mut machine = machine();
    assert_eq!(machine.failures(), 0);
    let rubbish: [&[u8]; 6] = [
        b"",
        b"\n\n",
        b"\xff\xfe\x00 1 2 3\n4",
        b"99999999999999999999999999 x y z\n",
        b"-1",
        b"a b c d e f g h i j k l\n1 2 3 4 5 6 7 8 9 10\n: : :\n",
    ];
    for file in machine.probed() {
        let good = fs::read(&file).unwrap();
        for text in rubbish {
            fs::write(&file, text).unwrap();
            // Two read the same file of /proc here and there.
            assert!(machine.failures() <= 2, "{} with {text:?}", file.display());
        }
        fs::write(&file, good).unwrap();
    }
    assert_eq!(machine.failures(), 0);
}

#[test]
fn a_file_that_vanishes_is_no_fault_of_the_others() {
    let mut machine = machine();
    for file in machine.probed() {
        let good = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(machine.failures() <= 2, "{}", file.display());
        fs::write(&file, good).unwrap();
    }
    assert_eq!(machine.failures(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_bytes_in_all_files_are_taken_without_panic(rubbish in prop::collection::vec(any::<Vec<u8>>(), 1..8), cut in 0_usize..200) {
        let mut machine = machine();
        for (index, file) in machine.files.iter().enumerate() {
            let good = fs::read(file).unwrap();
            let mut text = good[..cut.min(good.len())].to_vec();
            text.extend_from_slice(&rubbish[index % rubbish.len()]);
            fs::write(file, text).unwrap();
        }
        machine.failures();
    }
}
