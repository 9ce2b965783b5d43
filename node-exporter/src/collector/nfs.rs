//! Calls of this machine as an NFS client: `/proc/net/rpc/nfs`, lines such as `rpc 1218785755 374636 1218815394`. Lines
//! that a newer kernel adds are passed over.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Procedures in the order of each line; a line of an older kernel ends earlier.
const V2: [&str; 18] = [
    "Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write", "Create", "Remove", "Rename", "Link",
    "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
];
const V3: [&str; 22] = [
    "Null",
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
const V4: [&str; 59] = [
    "Null",
    "Read",
    "Write",
    "Commit",
    "Open",
    "OpenConfirm",
    "OpenNoattr",
    "OpenDowngrade",
    "Close",
    "Setattr",
    "FsInfo",
    "Renew",
    "SetClientID",
    "SetClientIDConfirm",
    "Lock",
    "Lockt",
    "Locku",
    "Access",
    "Getattr",
    "Lookup",
    "LookupRoot",
    "Remove",
    "Rename",
    "Link",
    "Symlink",
    "Create",
    "Pathconf",
    "StatFs",
    "ReadLink",
    "ReadDir",
    "ServerCaps",
    "DelegReturn",
    "GetACL",
    "SetACL",
    "FsLocations",
    "ReleaseLockowner",
    "Secinfo",
    "FsidPresent",
    "ExchangeID",
    "CreateSession",
    "DestroySession",
    "Sequence",
    "GetLeaseTime",
    "ReclaimComplete",
    "GetDeviceInfo",
    "LayoutGet",
    "LayoutCommit",
    "LayoutReturn",
    "SecinfoNoName",
    "TestStateID",
    "FreeStateID",
    "GetDeviceList",
    "BindConnToSession",
    "DestroyClientID",
    "Seek",
    "Allocate",
    "DeAllocate",
    "LayoutStats",
    "Clone",
];

struct Nfs {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Nfs { file: host.proc("net/rpc/nfs") }))
}

impl Collector for Nfs {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let Some((text, path)) = self.file.text_if_present()? else {
            return Err(Error::NoData("this machine is no NFS client"));
        };
        parse(text).map_err(|malformed| malformed.of(path))?.write(page);
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Calls {
    // Packets by UDP, packets by TCP, connections.
    network: [u64; 3],
    // Calls, repeated ones, refreshed credentials.
    calls: [u64; 3],
    v2: [u64; V2.len()],
    v3: [u64; V3.len()],
    v4: [u64; V4.len()],
}

impl Calls {
    fn write(&self, page: &mut Page) {
        let help = "Total NFSd network packets (sent+received) by protocol type.";
        let packets = page.family("node_nfs_packets_total", help, Kind::Counter);
        page.sample(packets, &[("protocol", "tcp")], self.network[1] as f64);
        page.sample(packets, &[("protocol", "udp")], self.network[0] as f64);
        for (name, help, value) in [
            ("node_nfs_connections_total", "Total number of NFSd TCP connections.", self.network[2]),
            ("node_nfs_rpcs_total", "Total number of RPCs performed.", self.calls[0]),
            ("node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed.", self.calls[1]),
            ("node_nfs_rpc_authentication_refreshes_total", "Number of RPC authentication refreshes performed.", self.calls[2]),
        ] {
            page.single(name, help, Kind::Counter, value as f64);
        }
        let requests = page.family("node_nfs_requests_total", "Number of NFS procedures invoked.", Kind::Counter);
        for (version, names, counts) in [("2", &V2[..], &self.v2[..]), ("3", &V3[..], &self.v3[..]), ("4", &V4[..], &self.v4[..])]
        {
            for (method, count) in names.iter().zip(counts) {
                page.sample(requests, &[("method", method), ("proto", version)], *count as f64);
            }
        }
    }
}

fn parse(text: &str) -> Result<Calls, Malformed> {
    let mut calls = Calls { network: [0; 3], calls: [0; 3], v2: [0; V2.len()], v3: [0; V3.len()], v4: [0; V4.len()] };
    for (index, line) in text.lines().enumerate() {
        let (key, values) = line.split_once(' ').ok_or_else(|| Malformed::new(index + 1, "a field is missing"))?;
        // The first number of these lines is a sum, or the number of those that follow.
        let (places, skipped) = match key {
            "net" => (&mut calls.network[..], 1),
            "rpc" => (&mut calls.calls[..], 0),
            "proc2" => (&mut calls.v2[..], 1),
            "proc3" => (&mut calls.v3[..], 1),
            "proc4" => (&mut calls.v4[..], 1),
            _ => continue,
        };
        for (place, field) in places.iter_mut().zip(values.split_ascii_whitespace().skip(skipped)) {
            *place = number(Some(field), index + 1)?;
        }
    }
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_found_by_their_key() {
        let calls = parse("net 9 1 2 3\nrpc 4 5 6\nproc2 2 7 8\nproc4 1 9\nnew 1 2\n").unwrap();
        assert_eq!((calls.network, calls.calls, calls.v2[0], calls.v2[1], calls.v2[2]), ([1, 2, 3], [4, 5, 6], 7, 8, 0));
        assert_eq!((calls.v4[0], calls.v4[1], calls.v3[0]), (9, 0, 0));
        for bad in ["rpc\n", "rpc x\n", "net 1 -1\n"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)((net|rpc|proc[2-4])( [0-9]{1,21}){0,70}\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
