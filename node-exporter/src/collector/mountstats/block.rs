//! The blocks of `/proc/self/mountstats`, one for each mount; those of NFS have lines such as
//! `xprt: tcp 832 0 1 0 11 6428 6428 0 12154 0 24 26 5726` and end with a blank line.

use super::super::{Malformed, number};

/// One mount; all but the first two are empty if it is not of NFS.
#[derive(Debug, Default, PartialEq)]
pub struct Mount<'text> {
    pub export: &'text str,
    pub point: &'text str,
    pub age: f64,
    pub bytes: Vec<u64>,
    pub events: Vec<u64>,
    /// Protocol and numbers, in the places of TCP.
    pub transports: Vec<(&'text str, Vec<u64>)>,
    pub operations: Vec<(&'text str, Vec<u64>)>,
}

/// What UDP has not: the connects, and the time and length of idling, after the port and the binds.
const ONLY_TCP: std::ops::Range<usize> = 2..5;
/// RDMA tells of its own things where TCP tells of slots and queues.
const RDMA_COMMON: usize = 10;
/// Numbers of a line that are looked at: RDMA's has some 30.
const MOST: usize = 40;

pub fn parse(text: &str) -> Result<Vec<Mount<'_>>, Malformed> {
    let mut mounts: Vec<Mount<'_>> = Vec::new();
    let mut operations = false;
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_ascii_whitespace();
        let Some(key) = fields.next() else { continue };
        if key == "device" {
            let words: Vec<&str> = fields.collect();
            let [_, "mounted", "on", point, "with", "fstype", ..] = words[..] else {
                return Err(Malformed::new(index + 1, "it does not say what is mounted where"));
            };
            mounts.push(Mount { export: words[0], point, ..Mount::default() });
            operations = false;
            continue;
        }
        let Some(mount) = mounts.last_mut() else { continue };
        let numbers = |skipped: usize| -> Result<Vec<u64>, Malformed> {
            line.split_ascii_whitespace().skip(skipped).take(MOST).map(|field| number(Some(field), index + 1)).collect()
        };
        match key {
            "age:" => mount.age = number(fields.next(), index + 1)?,
            "bytes:" => mount.bytes = numbers(1)?,
            "events:" => mount.events = numbers(1)?,
            "xprt:" => {
                let protocol = fields.next().ok_or_else(|| Malformed::new(index + 1, "a field is missing"))?;
                mount.transports.push((protocol, placed(protocol, numbers(2)?)));
            }
            "per-op" => operations = true,
            operation if operations => {
                mount.operations.push((operation.strip_suffix(':').unwrap_or(operation), numbers(1)?));
            }
            _ => {}
        }
    }
    Ok(mounts)
}

fn placed(protocol: &str, mut numbers: Vec<u64>) -> Vec<u64> {
    if protocol.starts_with("udp") && numbers.len() >= ONLY_TCP.start {
        numbers.splice(ONLY_TCP.start..ONLY_TCP.start, ONLY_TCP.map(|_| 0));
    }
    if protocol.starts_with("rdma") {
        numbers.truncate(RDMA_COMMON);
    }
    numbers
}

/// The servers' addresses by place in `/proc/self/mountinfo`; empty for other file systems.
pub fn addresses(text: &str) -> Vec<&str> {
    let options = text.lines().map(|line| line.rsplit(' ').next().unwrap_or_default().split(','));
    options.map(|mut options| options.find_map(|option| option.strip_prefix("addr=")).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_of_nfs_are_read() {
        let text = "device /dev/sda1 mounted on / with fstype ext4\n\
            device 192.0.2.1:/srv mounted on /mnt with fstype nfs4 statvers=1.1\n\tage:\t13\n\tevents:\t1 2\n\tbytes:\t3 4\n\
            \txprt:\ttcp 832 0 1 0 11 6\n\txprt:\tudp 9 1 5 6\n\tper-op statistics\n\t   READ: 7 8\n\n\
            device x mounted on /y with fstype z\n";
        let mounts = parse(text).unwrap();
        assert_eq!((mounts.len(), mounts[1].export, mounts[1].point, mounts[1].age), (3, "192.0.2.1:/srv", "/mnt", 13.0));
        assert_eq!((&mounts[1].events, &mounts[1].bytes), (&vec![1, 2], &vec![3, 4]));
        assert_eq!(mounts[1].transports, [("tcp", vec![832, 0, 1, 0, 11, 6]), ("udp", vec![9, 1, 0, 0, 0, 5, 6])]);
        assert_eq!(mounts[1].operations, [("READ", vec![7, 8])]);
        assert!(mounts[2].operations.is_empty());
        for (bad, line) in [("device x on /y\n", 1), ("device x mounted on /y with fstype nfs\nage: x\n", 2)] {
            assert_eq!(parse(bad).unwrap_err().line, line, "{bad}");
        }
    }

    #[test]
    fn addresses_are_found_among_the_options() {
        let text = "21 0 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:42 / /mnt rw - nfs4 192.0.2.1:/srv rw,clientaddr=192.0.2.9,addr=192.0.2.1\n";
        assert_eq!(addresses(text), ["", "192.0.2.1"]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)device a mounted on b with fstype nfs\n((age|bytes|xprt|per-op):?( [a-z0-9]*){0,12}\n){0,4}.*") {
            let _any = parse(&text);
            let _places = addresses(&text);
        }
    }
}
