//! `binnacle up` as a whole under bad input, signals, kills and full disks: what is wrong is said in one sentence, all ends
//! in time, nothing is left behind, and no log line is lost or doubled.
#![expect(clippy::expect_used, reason = "these are tests")]

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use integration_tests::process;
use integration_tests::{Launch, Up, eventually, http};
use rustix::process::Signal;
use serde_json::{Value, json};

/// All must have ended so soon after Ctrl-C.
const END_LIMIT: Duration = Duration::from_secs(5);
/// Refusing to start needs no server to come up first.
const REFUSAL_LIMIT: Duration = Duration::from_secs(10);
/// A part that died is back, or a line that was written is stored, on a busy machine of two cores.
const RECOVERY: Duration = Duration::from_secs(40);

/// A load from the first second on, for as long as a test may take.
const BUSY: &str = "hold:600s@150";

const PARTS: [&str; 5] = ["node-exporter", "log-store", "metrics-adapter", "hpa", "log-agent"];

/// Starts what must be refused: exit code 1, the sentence on standard error holds all of `parts`, and nothing is left.
fn refused(launch: Launch, parts: &[&str]) {
    let mut up = launch.spawn();
    let status = up.wait(REFUSAL_LIMIT);
    let said = up.stderr();
    assert_eq!(status.code(), Some(1), "it said {said:?}");
    for part in parts {
        assert!(said.contains(part), "no {part:?} in {said:?}");
    }
    // A wrong flag comes with a tip, the usage and where to read more.
    let lines = said.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(!said.contains("panicked") && lines <= 4, "more than a sentence: {said:?}");
    assert_nothing_left(&up);
}

fn assert_nothing_left(up: &Up) {
    assert_eq!(up.processes(), Vec::new(), "processes were left behind");
}

#[test]
fn a_busy_port_is_named_with_its_flag() {
    let flags =
        ["--page-address", "--exporter-address", "--adapter-address", "--hpa-address", "--agent-address", "--store-address"];
    for flag in flags {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = taken.local_addr().expect("its address").to_string();
        refused(Launch::new().with(flag, &address), &[flag, &address, "in use"]);
    }
}

#[test]
fn an_unknown_flag_is_named() {
    refused(Launch::new().switch("--page-adress"), &["--page-adress"]);
}

#[test]
fn a_value_that_is_none_is_named_with_its_flag() {
    for (flag, value, part) in [
        ("--script", "quiet:10s@many", "many"),
        ("--script", "quiet", "quiet"),
        ("--duration", "soon", "soon"),
        ("--scrape-interval", "0s", "0s"),
        ("--sync-period", "-1s", "-1s"),
        ("--elasticsearch", "not a url", "not a url"),
        ("--page-address", "nowhere", "nowhere"),
    ] {
        refused(Launch::new().with(flag, value), &[flag, part]);
    }
}

const HPA: &str = "\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: sample-metrics-app
  namespace: default
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: sample-metrics-app
  minReplicas: 2
  maxReplicas: 10
  metrics:
    - type: Object
      object:
        describedObject:
          apiVersion: v1
          kind: Service
          name: sample-metrics-app
        metric:
          name: http_requests
        target:
          type: Value
          value: 100
";

#[test]
fn a_wrong_hpa_file_is_named_with_its_line() {
    let check = |change: (&str, &str), parts: &[&str]| {
        let launch = Launch::new();
        let file = launch.folder().join("mine.yaml");
        assert!(HPA.contains(change.0), "{change:?} changes nothing");
        fs::write(&file, HPA.replacen(change.0, change.1, 1)).expect("a file in a folder of our own");
        let path = file.display().to_string();
        let mut all = vec![path.as_str()];
        all.extend(parts);
        refused(launch.with("--hpa-file", &file), &all);
    };
    check(("minReplicas: 2", "minReplicas: [2"), &["mine.yaml:1"]);
    check(("  minReplicas: 2", "  minReplicas: two"), &["mine.yaml:11:", "minReplicas"]);
    check(("  maxReplicas: 10\n", ""), &["maxReplicas"]);
    check(("maxReplicas: 10", "maxReplicas: 1"), &["maxReplicas"]);
    check(("kind: HorizontalPodAutoscaler", "kind: Deployment"), &["HorizontalPodAutoscaler"]);
    check(("apiVersion: autoscaling/v2", "apiVersion: autoscaling/v7"), &["autoscaling/v2"]);
    check(("    name: sample-metrics-app\n  minReplicas", "    name: web\n  minReplicas"), &["scaleTargetRef", "default/web"]);
    check(("  namespace: default", "  namespace: prod"), &["prod/sample-metrics-app"]);
    check(("maxReplicas: 10", "maxReplicas: 100000"), &["mine.yaml:12:", "maxReplicas", "at most 100"]);
}

#[test]
fn an_hpa_file_that_cannot_be_read_is_named() {
    let launch = Launch::new();
    let missing = launch.folder().join("missing.yaml");
    refused(launch.with("--hpa-file", &missing), &[&missing.display().to_string()]);
    let launch = Launch::new();
    let folder = launch.folder().to_owned();
    refused(launch.with("--hpa-file", &folder), &[&folder.display().to_string()]);
    let launch = Launch::new();
    let binary = launch.folder().join("binary.yaml");
    fs::write(&binary, b"\xff\xfe\0\0").expect("a file in a folder of our own");
    refused(launch.with("--hpa-file", &binary), &[&binary.display().to_string()]);
}

#[test]
fn a_data_directory_that_takes_nothing_is_named() {
    let launch = Launch::new();
    let file = launch.folder().join("file");
    fs::write(&file, "x").expect("a file in a folder of our own");
    for path in [file.clone(), file.join("below")] {
        refused(Launch::new().with("--data-dir", &path), &[&path.display().to_string()]);
    }
    for (options, part) in [("ro", "ead-only"), ("size=4k", "o space left")] {
        let launch = Launch::new().on_a_disk(options);
        let folder = launch.folder().join("data").display().to_string();
        refused(launch, &[&folder, part]);
    }
}

#[test]
fn a_signal_ends_everything_in_time() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut up = Launch::new().with("--script", BUSY).start();
        eventually("the parts and two replicas run", RECOVERY, || {
            let processes = up.processes();
            if processes.len() >= 1 + PARTS.len() + 2 { Ok(()) } else { Err(format!("{processes:?}")) }
        });
        let begun = Instant::now();
        up.signal(signal);
        up.wait(END_LIMIT);
        assert!(begun.elapsed() <= END_LIMIT, "it took {:?}", begun.elapsed());
        assert_nothing_left(&up);
    }
}

#[test]
fn a_signal_during_the_start_ends_everything_too() {
    for delay in [0, 50, 200, 800] {
        let mut up = Launch::new().spawn();
        std::thread::sleep(Duration::from_millis(delay));
        up.signal(Signal::INT);
        up.wait(END_LIMIT);
        assert_nothing_left(&up);
    }
}

#[test]
fn a_killed_up_leaves_no_process_behind() {
    let mut up = Launch::new().with("--script", BUSY).start();
    up.pid_of("log-agent");
    up.signal(Signal::KILL);
    up.wait(END_LIMIT);
    eventually("its children have followed", END_LIMIT, || {
        let left = up.processes();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
}

#[test]
fn a_killed_part_comes_back_and_its_neighbours_go_on() {
    let up = Launch::new().with("--script", BUSY).start();
    let pids = PARTS.map(|part| up.pid_of(part));
    for part in PARTS {
        let before = up.pid_of(part);
        process::signal(before, Signal::KILL);
        eventually(&format!("{part} is up again"), RECOVERY, || {
            let now = up.part(part)?;
            let again = now["pid"].as_u64().is_some_and(|pid| pid != u64::from(before));
            if again && now["state"] == "up" && now["restarts"] == 1 { Ok(()) } else { Err(now.to_string()) }
        });
    }
    for (part, pid) in PARTS.iter().zip(pids) {
        let now = up.part(part).expect("the part");
        assert!(now["restarts"] == 1 && now["pid"] != pid, "{part} did not restart once: {now}");
    }
}

/// Stops the load and waits until every line written is stored; then none more may appear.
fn assert_the_books_balance(up: &Up) {
    let paused = http::post(&up.url("/api/load"), &json!({"mode": "paused"})).expect("the page's control");
    assert_eq!(paused.status / 100, 2, "{}", paused.body);
    let lines = eventually("every line written is stored", RECOVERY, || {
        let logs = up.state()?["logs"].clone();
        let (written, stored) = (logs["written"].as_u64(), logs["stored"].as_u64());
        if written > Some(0) && written == stored { Ok(written) } else { Err(logs.to_string()) }
    });
    let counted = stored_lines(up);
    assert_eq!(counted, lines, "the store itself counts otherwise");
}

/// What the log store answers when it is asked directly.
fn stored_lines(up: &Up) -> Option<u64> {
    let url = format!("http://{}/logs/_count", up.launch().value("--store-address"));
    let answer = http::get(&url).and_then(|answer| answer.json()).unwrap_or(Value::Null);
    answer["count"].as_u64()
}

#[test]
fn killing_the_log_agent_loses_and_doubles_no_line() {
    let up = Launch::new().with("--script", BUSY).start();
    for round in 1..=3 {
        let stored = up.state().expect("a state")["logs"]["stored"].as_u64().unwrap_or_default();
        eventually("lines are being stored", RECOVERY, || {
            let logs = up.state()?["logs"].clone();
            if logs["stored"].as_u64() > Some(stored + 100) { Ok(()) } else { Err(logs.to_string()) }
        });
        process::signal(up.pid_of("log-agent"), Signal::KILL);
        eventually("the agent is started again", RECOVERY, || {
            let part = up.part("log-agent")?;
            if part["restarts"] == round && part["pid"].is_u64() { Ok(()) } else { Err(part.to_string()) }
        });
    }
    assert_the_books_balance(&up);
}

#[test]
fn killing_the_log_store_loses_and_doubles_no_line() {
    let up = Launch::new().with("--script", BUSY).start();
    for round in 1..=2 {
        let stored = up.state().expect("a state")["logs"]["stored"].as_u64().unwrap_or_default();
        eventually("lines are being stored", RECOVERY, || {
            let logs = up.state()?["logs"].clone();
            if logs["stored"].as_u64() > Some(stored + 100) { Ok(()) } else { Err(logs.to_string()) }
        });
        process::signal(up.pid_of("log-store"), Signal::KILL);
        eventually("the store is started again", RECOVERY, || {
            let part = up.part("log-store")?;
            if part["restarts"] == round && part["state"] == "up" { Ok(()) } else { Err(part.to_string()) }
        });
    }
    assert_the_books_balance(&up);
}

#[test]
fn a_disk_that_is_full_for_a_while_loses_no_line() {
    let up = Launch::new().with("--script", BUSY).on_a_disk("size=64m").start();
    let data = up.inside(&up.launch().folder().join("data"));
    eventually("lines are being stored", RECOVERY, || {
        let logs = up.state()?["logs"].clone();
        if logs["stored"].as_u64() > Some(100) { Ok(()) } else { Err(logs.to_string()) }
    });
    let filler = data.join("filler");
    let full = fs::write(&filler, vec![b'x'; 64 << 20]).expect_err("a disk of 64 MB takes no 64 MB more");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    eventually("a part says that it is degraded", RECOVERY, || {
        let parts = up.state()?["parts"].clone();
        let troubled = parts.as_array().into_iter().flatten().any(|part| part["state"] != "up");
        if troubled { Ok(()) } else { Err(parts.to_string()) }
    });
    fs::remove_file(&filler).expect("the filler goes");
    assert_the_books_balance(&up);
}

#[test]
fn a_full_disk_does_not_hold_up_the_end() {
    let mut up = Launch::new().with("--script", BUSY).on_a_disk("size=64m").start();
    let data = up.inside(&up.launch().folder().join("data"));
    fs::write(data.join("filler"), vec![b'x'; 64 << 20]).expect_err("a disk of 64 MB takes no 64 MB more");
    eventually("the application waits for its log", RECOVERY, || {
        let part = up.part("sample-app")?;
        if part["state"] == "degraded" { Ok(()) } else { Err(part.to_string()) }
    });
    up.signal(Signal::INT);
    up.wait(END_LIMIT);
    assert_nothing_left(&up);
}

/// The processes of the replicas that are there now.
fn replica_pids(up: &Up) -> Vec<u32> {
    let state = up.state().unwrap_or_default();
    let pods = state["replicas"]["pods"].as_array().cloned().unwrap_or_default();
    pods.iter().filter_map(|pod| pod["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())).collect()
}

#[test]
fn a_hung_replica_takes_no_requests_and_shows_until_it_goes_on() {
    let up = Launch::new().with("--script", BUSY).start();
    let ready = |up: &Up, wanted: u64| {
        eventually(&format!("{wanted} replicas are ready"), RECOVERY, || {
            let replicas = up.state()?["replicas"].clone();
            if replicas["ready"] == wanted { Ok(()) } else { Err(replicas.to_string()) }
        });
    };
    ready(&up, 2);
    let pid = replica_pids(&up)[0];
    process::signal(pid, Signal::STOP);
    ready(&up, 1);
    eventually("the application is degraded", RECOVERY, || {
        let part = up.part("sample-app")?;
        if part["state"] == "degraded" { Ok(()) } else { Err(part.to_string()) }
    });
    process::signal(pid, Signal::CONT);
    ready(&up, 2);
    process::signal(pid, Signal::KILL);
    eventually("its restart is counted", RECOVERY, || {
        let part = up.part("sample-app")?;
        if part["restarts"] == 1 && part["state"] == "up" { Ok(()) } else { Err(part.to_string()) }
    });
    assert_the_books_balance(&up);
}

#[test]
fn an_elasticsearch_that_is_down_degrades_the_agent_alone() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address");
    let url = format!("http://{closed}");
    let mut up = Launch::new().with("--script", BUSY).with("--elasticsearch", &url).start();
    eventually("the agent is degraded and says whom it cannot reach", RECOVERY, || {
        let part = up.part("log-agent")?;
        let says = part["state"] == "degraded" && part["detail"].as_str().is_some_and(|detail| detail.contains(&url));
        if says { Ok(()) } else { Err(part.to_string()) }
    });
    for part in ["node-exporter", "metrics-adapter", "hpa"] {
        eventually(&format!("{part} is up"), RECOVERY, || {
            let part = up.part(part)?;
            if part["state"] == "up" { Ok(()) } else { Err(part.to_string()) }
        });
    }
    up.signal(Signal::INT);
    up.wait(END_LIMIT);
    assert_nothing_left(&up);
}

/// The question that a person asks with curl, under the present group's name and under the alias of the old one.
#[test]
fn the_adapter_answers_the_rate_as_a_quantity() {
    let up = Launch::new().with("--script", BUSY).start();
    for group in ["custom.metrics.k8s.io/v1beta1", "custom.metrics.k8s.io/v1beta2", "custom-metrics.metrics.k8s.io/v1beta1"] {
        let adapter = up.launch().value("--adapter-address");
        let url = format!("https://{adapter}/apis/{group}/namespaces/default/services/sample-metrics-app/http_requests");
        let list = eventually(&format!("an answer from {url}"), RECOVERY, || {
            let answer = http::get(&url)?;
            if answer.status == 200 { answer.json() } else { Err(format!("{answer:?}")) }
        });
        let item = &list["items"][0];
        assert_eq!(list["kind"], "MetricValueList", "{list}");
        assert_eq!(item["describedObject"]["name"], "sample-metrics-app", "{list}");
        let value = item["value"].as_str().unwrap_or_else(|| panic!("no quantity in {list}"));
        assert!(value.trim_end_matches('m').parse::<u64>().is_ok_and(|number| number > 0), "{list}");
        assert!(item["timestamp"].is_string(), "{list}");
    }
}
