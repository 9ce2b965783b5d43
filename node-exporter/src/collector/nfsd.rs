//! Calls to this machine as an NFS server: `/proc/net/rpc/nfsd`, lines such as `rc 0 6 18622`. Lines that a newer kernel
//! adds are passed over.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Procedures in the order of each line, without those that upstream leaves out (an empty name).
const V2: [&str; 18] = [
    "", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write", "Create", "Remove", "Rename", "Link",
    "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
];
const V3: [&str; 22] = [
    "",
    "GetAttr",
    "SetAttr",
    "Lookup",
    "Access",
    "ReadLink",
    "Read",
    "Write",
    "Create",
    "MkDir",
    "SymLink",
    "MkNod",
    "Remove",
    "RmDir",
    "Rename",
    "Link",
    "ReadDir",
    "ReadDirPlus",
    "FsStat",
    "FsInfo",
    "PathConf",
    "Commit",
];
const V4: [&str; 40] = [
    "",
    "",
    "",
    "Access",
    "Close",
    "Commit",
    "Create",
    "DelegPurge",
    "DelegReturn",
    "GetAttr",
    "GetFH",
    "Link",
    "Lock",
    "Lockt",
    "Locku",
    "Lookup",
    "LookupRoot",
    "Nverify",
    "Open",
    "OpenAttr",
    "OpenConfirm",
    "OpenDgrd",
    "PutFH",
    "",
    "",
    "Read",
    "ReadDir",
    "ReadLink",
    "Remove",
    "Rename",
    "Renew",
    "RestoreFH",
    "SaveFH",
    "SecInfo",
    "SetAttr",
    "SetClientID",
    "SetClientIDConfirm",
    "Verify",
    "Write",
    "RelLockOwner",
];
/// Key of the line, place in it, family, help and kind.
const SINGLES: [(&str, usize, &str, &str, Kind); 11] = [
    (
        "rc",
        0,
        "node_nfsd_reply_cache_hits_total",
        "Total number of NFSd Reply Cache hits (client lost server response).",
        Kind::Counter,
    ),
    (
        "rc",
        1,
        "node_nfsd_reply_cache_misses_total",
        "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
        Kind::Counter,
    ),
    (
        "rc",
        2,
        "node_nfsd_reply_cache_nocache_total",
        "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
        Kind::Counter,
    ),
    ("fh", 0, "node_nfsd_file_handles_stale_total", "Total number of NFSd stale file handles", Kind::Counter),
    ("io", 0, "node_nfsd_disk_bytes_read_total", "Total NFSd bytes read.", Kind::Counter),
    ("io", 1, "node_nfsd_disk_bytes_written_total", "Total NFSd bytes written.", Kind::Counter),
    ("th", 0, "node_nfsd_server_threads", "Total number of NFSd kernel threads that are running.", Kind::Gauge),
    ("ra", 0, "node_nfsd_read_ahead_cache_size_blocks", "How large the read ahead cache is in blocks.", Kind::Gauge),
    ("ra", 11, "node_nfsd_read_ahead_cache_not_found_total", "Total number of NFSd read ahead cache not found.", Kind::Counter),
    ("net", 3, "node_nfsd_connections_total", "Total number of NFSd TCP connections.", Kind::Counter),
    ("rpc", 0, "node_nfsd_server_rpcs_total", "Total number of NFSd RPCs.", Kind::Counter),
];
const PROTOCOLS: [(&str, usize); 2] = [("udp", 1), ("tcp", 2)];
const RPC_ERRORS: [(&str, usize); 3] = [("fmt", 2), ("auth", 3), ("cInt", 4)];
/// Numbers of a line that are looked at: the longest has some 75.
const MOST: usize = 80;

struct Nfsd {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Nfsd { file: host.proc("net/rpc/nfsd") }))
}

impl Collector for Nfsd {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let Some((text, path)) = self.file.text_if_present()? else {
            return Err(Error::NoData("this machine is no NFS server"));
        };
        let lines = parse(text).map_err(|malformed| malformed.of(path))?;
        write(&lines, page);
        Ok(())
    }
}

// A line that the kernel does not have counts as zeros, as in upstream.
fn write(lines: &[(&str, Vec<u64>)], page: &mut Page) {
    let line = |key: &str| lines.iter().find(|(other, _)| *other == key).map_or(&[][..], |(_, values)| values);
    let at = |key: &str, place: usize| line(key).get(place).copied().unwrap_or_default() as f64;
    for (key, place, name, help, kind) in SINGLES {
        page.single(name, help, kind, at(key, place));
    }
    let help = "Total NFSd network packets (sent+received) by protocol type.";
    let packets = page.family("node_nfsd_packets_total", help, Kind::Counter);
    for (protocol, place) in PROTOCOLS {
        page.sample(packets, &[("proto", protocol)], at("net", place));
    }
    let errors = page.family("node_nfsd_rpc_errors_total", "Total number of NFSd RPC errors by error type.", Kind::Counter);
    for (error, place) in RPC_ERRORS {
        page.sample(errors, &[("error", error)], at("rpc", place));
    }
    let help = "Total number NFSd Requests by method and protocol.";
    let requests = page.family("node_nfsd_requests_total", help, Kind::Counter);
    for (key, version, names) in [("proc2", "2", &V2[..]), ("proc3", "3", &V3[..]), ("proc4ops", "4", &V4[..])] {
        for (place, method) in names.iter().enumerate().filter(|(_, method)| !method.is_empty()) {
            // The first number says how many follow.
            page.sample(requests, &[("method", method), ("proto", version)], at(key, place + 1));
        }
    }
    page.sample(requests, &[("method", "WdelegGetattr"), ("proto", "4")], at("wdeleg_getattr", 0));
}

fn parse(text: &str) -> Result<Vec<(&str, Vec<u64>)>, Malformed> {
    let lines = text.lines().enumerate().map(|(index, line)| {
        let (key, values) = line.split_once(' ').ok_or_else(|| Malformed::new(index + 1, "a field is missing"))?;
        // What follows the first two numbers of `th` are seconds with fractions, and long meaningless.
        let most = if key == "th" { 2 } else { MOST };
        let values = values.split_ascii_whitespace().take(most).map(|field| number(Some(field), index + 1));
        Ok((key, values.collect::<Result<_, _>>()?))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_found_by_their_key() {
        let lines = parse("rc 0 6 18622\nth 8 0 0.000 1.5\n").unwrap();
        assert_eq!(lines, [("rc", vec![0, 6, 18622]), ("th", vec![8, 0])]);
        for bad in ["rc\n", "rc 1 x\n", "th 1.5 2\n"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)((rc|th|proc4ops)( [0-9]{1,21}){0,70}\n){0,4}.*") {
            if let Ok(lines) = parse(&text) {
                write(&lines, &mut Page::default());
            }
        }
    }
}
