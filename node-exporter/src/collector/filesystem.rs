//! Space on mounted file systems: which there are from `/proc/1/mountinfo` (lines such as
//! `27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw`), and how full from statfs(2) on each mount point below the
//! host's root. A mount that does not answer is asked by a thread that is then left to it; see `probe`.

mod probe;

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use self::probe::{Probe, Space, Verdict};
use super::{Collector, Error, Made, Malformed, number};
use crate::filter::{Filter, FilterFlags};
use crate::flag::{Flag, Flags};
use crate::host::{Host, Source, below};
use crate::metric::{FamilyId, Kind, Page};

static MOUNT_POINTS_EXCLUDE: Flag = Flag::text(
    "collector.filesystem.mount-points-exclude",
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
    "Regexp of mount points to exclude for filesystem collector. (mutually exclusive to mount-points-include)",
);
static MOUNT_POINTS_INCLUDE: Flag = Flag::text(
    "collector.filesystem.mount-points-include",
    "",
    "Regexp of mount points to include for filesystem collector. (mutually exclusive to mount-points-exclude)",
);
static TYPES_EXCLUDE: Flag = Flag::text(
    "collector.filesystem.fs-types-exclude",
    "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$",
    "Regexp of filesystem types to exclude for filesystem collector. (mutually exclusive to fs-types-include)",
);
static TYPES_INCLUDE: Flag = Flag::text(
    "collector.filesystem.fs-types-include",
    "",
    "Regexp of filesystem types to include for filesystem collector. (mutually exclusive to fs-types-exclude)",
);
static OLD_MOUNT_POINTS: Flag = Flag::text("collector.filesystem.ignored-mount-points", "", "");
static OLD_TYPES: Flag = Flag::text("collector.filesystem.ignored-fs-types", "", "");
static TIMEOUT: Flag = Flag::text("collector.filesystem.mount-timeout", "5s", "");
// Taken so that upstream's command lines start; workers are added here only as mounts get stuck.
static WORKERS: Flag = Flag::text("collector.filesystem.stat-workers", "4", "");

static MOUNT_POINTS: FilterFlags = FilterFlags {
    exclude: &MOUNT_POINTS_EXCLUDE,
    include: &MOUNT_POINTS_INCLUDE,
    old_exclude: &OLD_MOUNT_POINTS,
    old_include: None,
};
static TYPES: FilterFlags =
    FilterFlags { exclude: &TYPES_EXCLUDE, include: &TYPES_INCLUDE, old_exclude: &OLD_TYPES, old_include: None };

/// Its flags.
pub const FLAGS: &[&Flag] = &[
    &MOUNT_POINTS_EXCLUDE,
    &MOUNT_POINTS_INCLUDE,
    &TYPES_EXCLUDE,
    &TYPES_INCLUDE,
    &OLD_MOUNT_POINTS,
    &OLD_TYPES,
    &TIMEOUT,
    &WORKERS,
];

struct FileSystems {
    // Of process 1, else of this one: hidepid hides the first.
    mounts: [Source; 2],
    mount_points: Filter,
    types: Filter,
    probe: Probe,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(FileSystems {
        mounts: [host.proc("1/mountinfo"), host.proc("self/mountinfo")],
        mount_points: Filter::new(flags, &MOUNT_POINTS)?,
        types: Filter::new(flags, &TYPES)?,
        probe: Probe::new(flags.duration(&TIMEOUT)?),
    }))
}

impl Collector for FileSystems {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        let Self { mounts: [first, own], mount_points, types, probe } = self;
        let (text, path) = match first.bytes() {
            Ok(read) => read,
            Err(_) => own.bytes()?,
        };
        let rootfs = &host.roots().rootfs;
        let mut seen = HashSet::new();
        let mut mounts = Vec::new();
        for mount in parse(text) {
            let mount = mount.map_err(|malformed| malformed.of(path))?.inside(rootfs);
            let shown = mount_points.admits(&mount.point_text()) && types.admits(&mount.kind);
            // The same device may be mounted twice in one place, one over the other: that is one series.
            if shown && seen.insert((mount.device.clone(), mount.point.clone(), mount.kind.clone())) {
                mounts.push(mount);
            }
        }
        let verdicts =
            probe.ask(mounts.iter().map(|mount| below(rootfs, Path::new(std::ffi::OsStr::from_bytes(&mount.point)))).collect());
        let families = Families::open(page);
        for (mount, verdict) in mounts.iter().zip(verdicts) {
            families.write(mount, verdict, page);
        }
        Ok(())
    }

    fn may_block(&self) -> bool {
        true
    }
}

struct Families {
    device_error: FamilyId,
    read_only: FamilyId,
    mount_info: FamilyId,
    space: [FamilyId; 6],
}

impl Families {
    fn open(page: &mut Page) -> Self {
        let mut gauge = |name: &'static str, help: &'static str| page.family(name, help, Kind::Gauge);
        Self {
            device_error: gauge(
                "node_filesystem_device_error",
                "Whether an error occurred while getting statistics for the given device.",
            ),
            read_only: gauge("node_filesystem_readonly", "Filesystem read-only status."),
            mount_info: gauge("node_filesystem_mount_info", "Filesystem mount information."),
            space: [
                gauge("node_filesystem_size_bytes", "Filesystem size in bytes."),
                gauge("node_filesystem_free_bytes", "Filesystem free space in bytes."),
                gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."),
                gauge("node_filesystem_files", "Filesystem total file nodes."),
                gauge("node_filesystem_files_free", "Filesystem total free file nodes."),
                gauge(
                    "node_filesystem_purgeable_bytes",
                    "Filesystem space available including purgeable space (MacOS specific).",
                ),
            ],
        }
    }

    fn write(&self, mount: &Mount, verdict: Verdict, page: &mut Page) {
        let point = mount.point_text();
        let error = verdict.as_ref().err().copied().unwrap_or_default();
        let labels =
            [("device", mount.device.as_str()), ("device_error", error), ("fstype", &mount.kind), ("mountpoint", &point)];
        page.sample(self.device_error, &labels, f64::from(u8::from(verdict.is_err())));
        page.sample(self.read_only, &labels, f64::from(u8::from(mount.read_only)));
        let Ok(Space { size, free, available, files, files_free }) = verdict else { return };
        // Purgeable space is known on macOS alone; upstream says 0 here.
        for (family, value) in self.space.into_iter().zip([size, free, available, files, files_free, 0.0]) {
            page.sample(family, &labels, value);
        }
        let labels =
            [("device", mount.device.as_str()), ("major", &mount.major), ("minor", &mount.minor), ("mountpoint", &point)];
        page.sample(self.mount_info, &labels, 1.0);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    major: String,
    minor: String,
    // Bytes, since a path that is no UTF-8 must still reach statfs.
    point: Vec<u8>,
    kind: String,
    device: String,
    read_only: bool,
}

impl Mount {
    fn point_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.point)
    }

    // In a container that has the host mounted below `rootfs`, that prefix is no part of the mount point.
    fn inside(mut self, rootfs: &Path) -> Self {
        let prefix = rootfs.as_os_str().as_bytes();
        if prefix.len() > 1
            && let Some(rest) = self.point.strip_prefix(prefix)
            && matches!(rest.first(), None | Some(b'/'))
        {
            self.point = if rest.is_empty() { b"/".to_vec() } else { rest.to_vec() };
        }
        self
    }
}

fn parse(text: &[u8]) -> impl Iterator<Item = Result<Mount, Malformed>> {
    let lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(index, line)| {
        let missing = || Malformed::new(index + 1, "a field is missing");
        let text =
            |field: Option<&[u8]>| field.map(|field| String::from_utf8_lossy(&unescape(field)).into_owned()).ok_or_else(missing);
        let mut fields = line.split(|byte| *byte == b' ');
        let device = text(fields.nth(2))?;
        let (major, minor) =
            device.split_once(':').ok_or_else(|| Malformed::new(index + 1, format!("{device:?} is no device number")))?;
        let (_, _): (u32, u32) = (number(Some(major), index + 1)?, number(Some(minor), index + 1)?);
        let point = unescape(fields.nth(1).ok_or_else(missing)?);
        let options = fields.next().ok_or_else(missing)?;
        // Any number of optional fields, then a dash.
        fields.find(|field| *field == b"-").ok_or_else(missing)?;
        let (kind, device) = (text(fields.next())?, text(fields.next())?);
        let super_options = fields.next().unwrap_or_default();
        let has = |options: &[u8], wanted: &[u8]| options.split(|byte| *byte == b',').any(|option| option == wanted);
        // After an error ext4 says `emergency_ro` and nothing else.
        let read_only = has(options, b"ro") || has(super_options, b"ro") || has(super_options, b"emergency_ro");
        Ok(Mount { major: major.to_owned(), minor: minor.to_owned(), point, kind, device, read_only })
    })
}

// The kernel writes blank, tab, newline and backslash as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).filter(|digit| (b'0'..b'8').contains(digit)).map(|digit| u32::from(digit - b'0'));
        let code = match (byte, digit(0), digit(1), digit(2)) {
            (b'\\', Some(one), Some(two), Some(three)) => u8::try_from(one * 64 + two * 8 + three).ok(),
            _ => None,
        };
        plain.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    plain
}

#[cfg(test)]
mod tests;
