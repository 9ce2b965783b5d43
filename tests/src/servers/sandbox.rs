//! Namespaces for a node: its mounts, network, processes and host name are its own, so that the machine keeps nothing of it.
//! When their first process ends, the system ends all others in them and takes mounts, interfaces and packet filters away;
//! control groups alone are left to the room's keeper. It needs root.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::place::Place;
use super::room::{Program, Room, is_keeper, keeper_of, poll};

/// A few mounts and one pair of interfaces.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Where the kernel shows control groups.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";
/// What begins the names of control groups and interfaces of ours; the keeper's process number follows.
const NAME: &str = "binnacle";

/// What the first process is called in its room.
const PROGRAM: &str = "sandbox";

/// What the first process does. `/var` is the machine's with the node's writes beside it; containerd needs a file system on
/// which it can mount overlays of its own, so its folder and kubelet's are apart. The last line waits for orphans.
const FIRST_PROCESS: &str = r#"set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/var /run/work
mount -t overlay -o lowerdir=/var,upperdir=/run/var,workdir=/run/work overlay /var
for folder in /var/lib/kubelet /var/lib/containerd /var/log/pods /var/log/containers; do
  mkdir -p "$folder"
  mount -t tmpfs -o mode=755 tmpfs "$folder"
done
for groups in "$2" "$2"/*/; do
  [ -e "$groups/cgroup.procs" ] || continue
  mkdir -p "$groups/$1"
  for set in cpuset.cpus cpuset.mems; do
    [ ! -e "$groups/$1/$set" ] || cat "$groups/$set" > "$groups/$1/$set" || true
  done
done
echo node > /proc/sys/kernel/hostname
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link set lo up
echo open
while :; do sleep 5; done
"#;

/// Open namespaces.
#[derive(Debug)]
pub struct Sandbox {
    /// How to start programs in them.
    pub place: Place,
    /// The machine's address as they see it: what listens there is reached from pods.
    pub machine: String,
    /// The control group under which all of theirs are.
    pub control_group: String,
}

impl Sandbox {
    /// The namespaces of the lasting room at `path`.
    ///
    /// # Errors
    /// There are none.
    pub fn of(path: &Path) -> Result<Self, String> {
        let keeper = keeper_of(path).ok_or_else(|| format!("nothing runs in {}", path.display()))?;
        let pid = child(&Program::of(path, PROGRAM)?)?;
        let (machine, address) = addresses(keeper);
        Ok(Self { place: Place { address, inside: Some(pid) }, machine, control_group: format!("{NAME}{keeper}") })
    }

    /// Opens namespaces whose first process belongs to `room`.
    ///
    /// # Errors
    /// This is not root, or the system refuses.
    pub fn open(room: &Room) -> Result<Self, String> {
        check_root()?;
        remove_abandoned_groups();
        let control_group = format!("{NAME}{}", room.keeper());
        room.at_the_end(&removal(&control_group))?;
        let script = room.write("first-process.sh", FIRST_PROCESS)?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "--pid", "--uts", "--fork", "--kill-child=KILL", "--mount-proc"]);
        command.args(["--propagation", "private", "sh"]).arg(script).args([&control_group, CONTROL_GROUPS]);
        let first = room.start(PROGRAM, &command)?;
        room.kill_these_first()?;
        first.wait(START_LIMIT, || {
            let log = fs::read_to_string(&first.log).map_err(|error| error.to_string())?;
            if log.lines().any(|line| line == "open") { Ok(()) } else { Err(log) }
        })?;
        let pid = child(&first)?;
        let (machine, address) = addresses(room.keeper());
        connect(pid, &control_group, &machine, &address)?;
        Ok(Self { place: Place { address, inside: Some(pid) }, machine, control_group })
    }
}

/// Whether a node can run here at all.
///
/// # Errors
/// This is not root.
pub fn check_root() -> Result<(), String> {
    let advice = "a node needs root: run the tests as root, or set KUBECONFIG to a cluster of yours";
    if rustix::process::geteuid().is_root() { Ok(()) } else { Err(advice.to_owned()) }
}

/// The process that `unshare` has started: the first in the new namespaces.
fn child(unshare: &Program) -> Result<u32, String> {
    let path = format!("/proc/{0}/task/{0}/children", unshare.pid);
    let children = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    children.split_whitespace().next().and_then(|pid| pid.parse().ok()).ok_or_else(|| format!("no process in {path}"))
}

/// The two addresses of a link. The range is set aside for tests of networks, so that no real one has it; each keeper has a
/// block of four.
fn addresses(keeper: u32) -> (String, String) {
    const BLOCKS: u32 = 1 << 15;
    let block = keeper % BLOCKS;
    let at = |host: u32| {
        let number = block * 4 + host;
        format!("198.{}.{}.{}", 18 + (number >> 16), (number >> 8) & 0xff, number & 0xff)
    };
    (at(1), at(2))
}

/// A pair of interfaces, one end here and one inside. It goes with either end.
fn connect(pid: u32, name: &str, machine: &str, address: &str) -> Result<(), String> {
    let inside = Place { address: address.to_owned(), inside: Some(pid) };
    let pid = pid.to_string();
    run(Command::new("ip").args(["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &pid]))?;
    run(Command::new("ip").args(["address", "add", &format!("{machine}/30"), "dev", name]))?;
    run(Command::new("ip").args(["link", "set", name, "up"]))?;
    run(inside.command("ip").args(["address", "add", &format!("{address}/30"), "dev", "eth0"]))?;
    run(inside.command("ip").args(["link", "set", "eth0", "up"]))?;
    run(inside.command("ip").args(["route", "add", "default", "via", machine]))
}

/// Runs a command to its end.
///
/// # Errors
/// It fails: what it says.
pub fn run(command: &mut Command) -> Result<(), String> {
    let words = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{words}: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(format!("{words}: {}", String::from_utf8_lossy(&output.stderr).trim())) }
}

/// The line of shell that removes a control group, deepest first.
fn removal(group: &str) -> String {
    format!(r"find {CONTROL_GROUPS} -depth -type d \( -name {group} -o -path '*/{group}/*' \) -exec rmdir {{}} + 2>&1")
}

/// Removes the control groups of keepers that were killed before they could.
///
/// # Panics
/// Never: what cannot be removed stays until the next time.
pub fn remove_abandoned_groups() {
    let folders = fs::read_dir(CONTROL_GROUPS).into_iter().flatten().flatten().map(|entry| entry.path());
    let below = folders.chain([Path::new(CONTROL_GROUPS).to_owned()]).filter_map(|folder| fs::read_dir(folder).ok());
    let names = below.flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut abandoned: Vec<String> = names.filter(|name| owner(name).is_some_and(|keeper| !is_keeper(keeper))).collect();
    abandoned.sort();
    abandoned.dedup();
    for group in abandoned {
        // The processes in it may be dying still.
        let _removed = poll("an empty group", Duration::from_secs(2), || run(Command::new("sh").args(["-c", &removal(&group)])));
    }
}

/// The keeper in the name of a control group.
fn owner(group: &str) -> Option<u32> {
    group.strip_prefix(NAME)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_the_range_for_tests() {
        for (keeper, expected) in
            [(0, "198.18.0.1"), (1, "198.18.0.5"), (64, "198.18.1.1"), (32767, "198.19.255.253"), (32768, "198.18.0.1")]
        {
            assert_eq!(addresses(keeper).0, expected, "{keeper}");
        }
    }

    #[test]
    fn the_owner_of_a_group_is_in_its_name() {
        for (name, expected) in [("binnacle123", Some(123)), ("binnacle", None), ("binnacle-123", None), ("other1", None)] {
            assert_eq!(owner(name), expected, "{name}");
        }
    }
}
