//! The one-node cluster: that pods run on it, reach the API server and are reached. These tests need root.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use integration_tests::servers::room::Room;
use integration_tests::servers::sandbox::remove_abandoned_groups;
use integration_tests::servers::{Cluster, image, installed};
use integration_tests::{eventually, process};
use rustix::process::Signal;

/// From a manifest to a running pod; seconds on a machine that does nothing else.
const LIMIT: Duration = Duration::from_secs(90);

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: idle}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: idle, image: 'docker.io/library/binnacle-pause:1', imagePullPolicy: Never}]
";

#[test]
fn a_pod_runs_and_the_api_server_reaches_its_kubelet() {
    let cluster = Cluster::shared();
    println!("the cluster was ready after {:.1} s", cluster.ready_after.as_secs_f64());
    let kubernetes = cluster.kubernetes();
    let namespace = kubernetes.namespace("pod").expect("a namespace");
    let begun = Instant::now();
    kubernetes.apply(&POD.replace("{name: idle}\n", &format!("{{name: idle, namespace: {namespace}}}\n"))).expect("the pod");
    eventually("the pod runs", LIMIT, || {
        let pod = kubernetes.get_json(&["pod", "idle", "--namespace", &namespace])?;
        if pod["status"]["phase"] == "Running" { Ok(()) } else { Err(pod["status"].to_string()) }
    });
    println!("its pod ran after {:.1} s", begun.elapsed().as_secs_f64());
    kubernetes.kubectl(&["logs", "idle", "--namespace", &namespace]).expect("the empty log of an idle pod");
    let refusal = kubernetes.kubectl(&["exec", "idle", "--namespace", &namespace, "--", "/none"]).expect_err("no such program");
    assert!(refusal.contains("/none"), "{refusal}");
}

/// What the machine has of a cluster: mounts, interfaces, packet filters, control groups.
fn traces() -> Vec<(&'static str, String)> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let run = |program: &str, arguments: &[&str]| {
        let path = installed::on_machine(program).expect(program);
        String::from_utf8_lossy(&Command::new(path).args(arguments).output().expect(program).stdout).into_owned()
    };
    let filters = run("iptables-save", &[]);
    // Counters and times of day are no traces.
    let filters: Vec<&str> = filters.lines().filter(|line| !line.starts_with(['#', ':'])).collect();
    let groups = run("find", &["/sys/fs/cgroup", "-type", "d", "-name", "binnacle*"]);
    vec![
        ("mounts", read("/proc/self/mounts")),
        ("interfaces", run("ip", &["-oneline", "-brief", "link"])),
        ("filters", filters.join("\n")),
        ("control groups", groups),
    ]
}

#[test]
fn a_killed_cluster_leaves_nothing_behind() {
    let before = traces();
    let room = Room::new("killed").expect("a room");
    let (keeper, path) = (room.keeper(), room.path().to_owned());
    let cluster = Cluster::start_in(room, &image::file("pause").expect("an image")).expect("a cluster");
    cluster.kubernetes().apply(POD).expect("the pod");
    eventually("the pod runs", LIMIT, || {
        let pod = cluster.kubernetes().get_json(&["pod", "idle"])?;
        if pod["status"]["phase"] == "Running" { Ok(()) } else { Err(pod["status"].to_string()) }
    });
    assert_ne!(traces(), before);
    process::signal(keeper, Signal::KILL);
    let folder_name = path.display().to_string();
    eventually("its processes are gone", LIMIT, || {
        let all = Command::new("ps").args(["-eo", "pid,args"]).output().map_err(|error| error.to_string())?;
        let all = String::from_utf8_lossy(&all.stdout).into_owned();
        let left: Vec<&str> = all.lines().filter(|line| line.contains(&folder_name)).collect();
        if left.is_empty() { Ok(()) } else { Err(left.join("\n")) }
    });
    fs::remove_dir_all(&path).expect("its folder, which nobody uses any more");
    remove_abandoned_groups();
    eventually("the machine is as before", LIMIT, || {
        let after = traces();
        let differing = before.iter().zip(&after).find(|(before, after)| before != after);
        differing.map_or(Ok(()), |(before, after)| Err(format!("{before:?} became {after:?}")))
    });
}
