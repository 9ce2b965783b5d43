//! A scrape of the machine in `fixtures/`, compared line by line with `fixtures/expected.txt`. Values that come from the
//! live machine (clock, uname, space behind statfs, times) are masked; their HELP, TYPE and labels are compared.
//! `UPDATE_GOLDEN=1 cargo test -p node-exporter` writes the file anew, for review.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers included")]

use std::time::Duration;

use clap::Parser as _;
use node_exporter::args::Args;
use node_exporter::collector::ALL;
use node_exporter::host::Host;
use node_exporter::scrape::{Requests, Scraper};

const EXPECTED: &str = "fixtures/expected.txt";
/// Samples whose labels and values differ by machine.
const LEFT_OUT: [&str; 8] = [
    "node_uname_info{",
    "node_exporter_build_info{",
    "node_time_zone_offset_seconds{",
    "node_network_receive_",
    "node_network_transmit_",
    "process_",
    "node_tcp_connection_states{",
    "node_network_route",
];
/// Samples whose values differ by machine or moment.
const MASKED: [&str; 10] = [
    "node_timex_",
    "node_filesystem_size_bytes{",
    "node_filesystem_free_bytes{",
    "node_filesystem_avail_bytes{",
    "node_filesystem_files{",
    "node_filesystem_files_free{",
    "node_scrape_collector_duration_seconds{",
    "node_textfile_mtime_seconds{",
    "node_time_seconds ",
    "node_sockstat_TCP_mem_bytes ",
];

const ROOTS: [&str; 5] = [
    "node-exporter",
    "--path.procfs=fixtures/proc",
    "--path.sysfs=fixtures/sys",
    "--path.rootfs=fixtures/rootfs",
    "--path.udev.data=fixtures/udev",
];

fn scrape(flags: &[impl AsRef<str>]) -> String {
    let args = Args::try_parse_from(ROOTS.into_iter().chain(flags.iter().map(AsRef::as_ref))).unwrap();
    let (config, _) = args.config().unwrap();
    let scraper = Scraper::new(Host::new(config.roots), &config.collectors, &config.flags).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let wanted = vec![true; scraper.names().len()];
    let (text, _) = runtime.block_on(scraper.scrape(&wanted, Duration::from_secs(30), Some(&Requests::default())));
    String::from_utf8(text).unwrap()
}

// All collectors, with the flags under which they read the fixture and not the live kernel.
fn every_flag() -> Vec<String> {
    let own = [
        "--collector.cpu.info.flags-include=^(aes|avx.?)$",
        "--collector.cpu.info.bugs-include=spectre",
        "--collector.stat.softirq",
        "--collector.textfile.directory=fixtures/textfile",
        "--no-collector.arp.netlink",
        "--collector.bcache.priorityStats",
        "--collector.pcidevice.names",
        "--collector.qdisc.fixtures=fixtures/qdisc",
        "--collector.wifi.fixtures=fixtures/wifi",
        "--collector.sysctl.include=net.ipv4.ip_local_port_range:low,high",
        "--collector.sysctl.include=net.ipv4.ip_local_port_range",
        "--collector.sysctl.include=kernel.pid_max",
        "--collector.sysctl.include-info=kernel.seccomp.actions_avail",
    ];
    ALL.iter().map(|entry| format!("--collector.{}", entry.name)).chain(own.map(str::to_owned)).collect()
}

fn masked(text: &str) -> String {
    let lines = text.lines().filter(|line| !LEFT_OUT.iter().any(|prefix| line.starts_with(prefix)));
    lines.fold(String::new(), |all, line| {
        let value = line.rfind(' ').filter(|_| MASKED.iter().any(|prefix| line.starts_with(prefix)));
        all + value.map_or(line.to_owned(), |blank| format!("{} (masked)", &line[..blank])).as_str() + "\n"
    })
}

#[test]
fn the_fixture_machine_scrapes_as_expected() {
    let text = masked(&scrape(&every_flag()));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(EXPECTED, &text).unwrap();
    }
    let expected = std::fs::read_to_string(EXPECTED).unwrap();
    let differing = expected.lines().zip(text.lines()).find(|(one, other)| one != other);
    assert_eq!(differing, None, "(expected, got); UPDATE_GOLDEN=1 rewrites {EXPECTED}");
    assert_eq!(text.lines().count(), expected.lines().count());
}

#[test]
fn every_collector_has_a_fixture_that_works() {
    let expected = std::fs::read_to_string(EXPECTED).unwrap();
    for entry in ALL {
        let line = format!("node_scrape_collector_success{{collector=\"{}\"}} 1\n", entry.name);
        assert!(expected.contains(&line), "{}", entry.name);
    }
}

#[test]
fn network_devices_can_be_read_from_the_fixture_too() {
    let text = scrape(&[
        "--collector.disable-defaults",
        "--collector.netdev",
        "--no-collector.netdev.netlink",
        "--collector.netdev.device-include=^(lo|eth0)$",
        "--collector.netdev.label-ifalias",
    ]);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("node_network_receive_bytes_total")).collect();
    let expected = [
        "node_network_receive_bytes_total{device=\"eth0\",ifalias=\"uplink \\\"A\\\"\"} 3.17711584e+08",
        "node_network_receive_bytes_total{device=\"lo\",ifalias=\"\"} 431857",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn rubbish_in_the_place_of_every_file_fails_its_collector_alone() {
    let machine = tempfile::tempdir().unwrap();
    let files = [
        "1/mountinfo",
        "stat",
        "meminfo",
        "vmstat",
        "loadavg",
        "diskstats",
        "cpuinfo",
        "net/dev",
        "net/netstat",
        "net/snmp",
        "net/snmp6",
        "net/sockstat",
        "sys/fs/file-nr",
        "pressure/cpu",
    ];
    for rubbish in [&b""[..], b"\n\n", b"\xff\xfe\x00 1 2 3\n4", b"cpu0 1 2 3\nx: \n: :\n", b"99999999999999999999999999 x y z\n"]
    {
        for file in files {
            let path = machine.path().join("proc").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, rubbish).unwrap();
        }
        let args = [
            "node-exporter".to_owned(),
            format!("--path.procfs={}", machine.path().join("proc").display()),
            format!("--path.sysfs={}", machine.path().display()),
            "--no-collector.netdev.netlink".to_owned(),
        ];
        let (config, _) = Args::try_parse_from(args).unwrap().config().unwrap();
        let scraper = Scraper::new(Host::new(config.roots), &config.collectors, &config.flags).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (text, _) = runtime.block_on(scraper.scrape(&vec![true; scraper.names().len()], Duration::from_secs(30), None));
        let text = String::from_utf8(text).unwrap();
        for (collector, works) in [("uname", true), ("time", true), ("loadavg", false), ("cpu", false), ("filefd", false)] {
            let line = format!("node_scrape_collector_success{{collector=\"{collector}\"}} {}\n", u8::from(works));
            assert!(text.contains(&line), "{line} with {rubbish:?} in {text}");
        }
        assert!(!text.contains("node_load1 "), "{text}");
    }
}
