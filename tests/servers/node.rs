//! The one-node cluster: that pods run on it, reach the API server and are reached. These tests need root.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use integration_tests::servers::room::Room;
use integration_tests::servers::sandbox::remove_abandoned_groups;
use integration_tests::servers::{Cluster, Prometheus, image, installed};
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
    let cluster = Cluster::start_in(room, &image::pause().expect("an image")).expect("a cluster");
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

const EXPORTER: &str = "\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-exporter, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {app: node-exporter}}
  template:
    metadata: {labels: {app: node-exporter}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: node-exporter
          image: binnacle:0.1.0
          imagePullPolicy: Never
          args: [node-exporter, --path.procfs=/host/proc, --path.sysfs=/host/sys, --path.rootfs=/host/root]
          ports: [{name: metrics, containerPort: 9100}]
          volumeMounts:
            - {name: proc, mountPath: /host/proc, readOnly: true}
            - {name: sys, mountPath: /host/sys, readOnly: true}
            - {name: root, mountPath: /host/root, readOnly: true, mountPropagation: HostToContainer}
      volumes:
        - {name: proc, hostPath: {path: /proc}}
        - {name: sys, hostPath: {path: /sys}}
        - {name: root, hostPath: {path: /}}
";

const SCRAPES: &str = "\
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: pods
    kubernetes_sd_configs: [{role: pod, kubeconfig_file: KUBECONFIG, namespaces: {names: [NAMESPACE]}}]
    relabel_configs: [{source_labels: [__meta_kubernetes_pod_node_name], target_label: node}]
";

/// Not against a cluster of the user: only the node's own Prometheus reaches pods at their addresses.
#[test]
fn prometheus_scrapes_the_exporter_in_a_daemon_set() {
    let cluster = Cluster::shared();
    let Some(place) = cluster.place() else { return };
    let kubernetes = cluster.kubernetes();
    let namespace = kubernetes.namespace("exporter").expect("a namespace");
    cluster.load_image(&image::binnacle().expect("an image")).expect("the image on the node");
    kubernetes.apply(&EXPORTER.replace("NAMESPACE", &namespace)).expect("the DaemonSet");
    let kubeconfig = kubernetes.kubeconfig().display().to_string();
    let configuration = SCRAPES.replace("KUBECONFIG", &kubeconfig).replace("NAMESPACE", &namespace);
    let prometheus = Prometheus::start_at(place, &configuration).expect("Prometheus");
    eventually("the node's name as its kernel tells it", LIMIT, || {
        let result = prometheus.query("node_uname_info{node=\"node\"}")?;
        if result[0]["metric"]["sysname"] == "Linux" { Ok(()) } else { Err(result.to_string()) }
    });
    eventually("memory that is the machine's", LIMIT, || {
        let result = prometheus.query("node_memory_MemTotal_bytes")?;
        let bytes: f64 = result[0]["value"][1].as_str().and_then(|text| text.parse().ok()).ok_or(result.to_string())?;
        if bytes > 1e8 { Ok(()) } else { Err(bytes.to_string()) }
    });
}
