//! What the agent ships, and what it says of itself.

use clap::Parser as _;
use log_agent::args::Args;
use serde_json::{Value, json};

use crate::docker::{Container, fragment};
use crate::eventually;
use crate::program::{Agent, Place};

#[test]
fn a_document_has_what_is_known_of_its_line() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    container.write("stderr", "say \"hi\"\tü\n");
    container.line("second");
    let _agent = place.start();
    place.expect(&["say \"hi\"\tü".to_owned(), "second".to_owned()]);
    let stored = place.sink.stored();
    let mut documents: Vec<Value> = stored.documents.values().cloned().collect();
    documents.sort_by_key(|document| document["log"]["offset"].as_u64());
    let time = documents[0]["@timestamp"].take();
    assert!(time.as_str().unwrap().starts_with("2026-11-24T05:"), "{time}");
    let expected = json!({
        "@timestamp": null, "message": "say \"hi\"\tü", "stream": "stderr",
        "kubernetes": {"namespace": "default", "pod": "pod-c1", "container": "app"},
        "container": {"id": "c1"}, "log": {"file": {"path": container.path}, "offset": 0},
    });
    assert_eq!(documents[0], expected);
    assert!(documents[1]["log"]["offset"].as_u64() > Some(50));
}

#[test]
fn the_books_balance_and_the_state_is_told() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    let lines: Vec<String> = (0..500).map(|number| format!("line {number}")).collect();
    lines.iter().for_each(|line| container.line(line));
    container.append(b"\nnot JSON\n");
    let agent = place.start();
    place.expect(&[lines, vec!["not JSON".to_owned()]].concat());
    let state = || serde_json::from_str::<Value>(&agent.get("/state").1).unwrap();
    let state = eventually("state", state, |state| state["in_flight_lines"] == 0 && state["lag_bytes"] == 0);
    assert_eq!(
        (&state["read_lines"], &state["stored_lines"], &state["dropped_lines"]),
        (&json!(502), &json!(501), &json!(1)),
        "{state}"
    );
    assert_eq!((&state["lag_seconds"], &state["error"], &state["dead_lines"]), (&json!(0.0), &Value::Null, &json!(0)), "{state}");
    let size = std::fs::metadata(&container.path).unwrap().len();
    for mark in ["read", "sent", "acknowledged", "size"] {
        assert_eq!(state["files"][0][mark], size, "{mark} in {state}");
    }
    assert_eq!(state["output"], format!("{}/", place.sink.url()));
    assert_eq!(agent.get("/readyz"), (200, "ok".to_owned()));
    assert_eq!(agent.get("/healthz").0, 200);
    let metrics = agent.get("/metrics").1;
    assert!(metrics.contains("log_agent_malformed_lines_total 1\n"), "{metrics}");
    assert!(metrics.contains("log_agent_dropped_lines_total{reason=\"empty\"} 1\n"), "{metrics}");
}

#[test]
fn bodies_are_packed_and_signed_when_asked() {
    let place = Place::new();
    Container::create(&place.root(), "c1").line("secret line");
    let mut config = place.config(&["--gzip"]);
    let url = place.sink.url().replace("http://", "http://me:pass@");
    let (signed, _) = Args::try_parse_from(["log-agent", "--elasticsearch", &url]).unwrap().config().unwrap();
    config.target.authorization = signed.target.authorization;
    let agent = Agent::start(config);
    place.expect(&["secret line".to_owned()]);
    assert!(place.sink.stored().was_packed);
    assert_eq!(place.sink.stored().authorization.as_deref(), Some("Basic bWU6cGFzcw=="));
    assert!(!agent.get("/state").1.contains("pass"));
}

#[test]
fn new_containers_rotated_files_and_short_lives_are_found() {
    let place = Place::new();
    let agent = place.start();
    let mut expected = Vec::new();
    let mut write = |container: &mut Container, text: String| {
        container.line(&text);
        expected.push(text);
    };
    let mut first = Container::create(&place.root(), "first");
    for number in 0..20 {
        write(&mut first, format!("first {number}"));
        if number % 5 == 4 {
            first.rotate(9);
        }
    }
    for number in 0..5 {
        let mut short = Container::create(&place.root(), &format!("short{number}"));
        write(&mut short, format!("short {number}"));
        eventually("short line", || place.sink.messages().contains_key(&format!("short {number}")), |stored| *stored);
        short.remove();
    }
    place.expect(&expected);
    let followed =
        || agent.get("/metrics").1.lines().find_map(|line| line.strip_prefix("log_agent_files ")?.parse::<f64>().ok()).unwrap();
    eventually("files followed", followed, |files| *files <= 5.0);
}

#[test]
fn a_line_cut_by_a_rotation_and_a_restart_is_one_document() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    container.line("before");
    container.write("stdout", &fragment("begun "));
    let agent = place.start();
    place.expect(&["before".to_owned()]);
    container.rotate(5);
    // The mark of the first file must stay before the open line, whatever its neighbours do.
    container.write("stderr", "beside\n");
    container.write("stdout", &fragment("and "));
    place.expect(&["before", "beside"].map(str::to_owned));
    // The mark of the second file is behind a part of that line.
    expect_acknowledged(&agent, &container);
    agent.stop();
    let agent = place.start();
    container.line("ended");
    place.expect(&["before".to_owned(), "beside".to_owned(), fragment("begun ") + &fragment("and ") + "ended"]);
    let state = || serde_json::from_str::<Value>(&agent.get("/state").1).unwrap();
    eventually("state", state, |state| state["lag_bytes"] == 0);
}

/// Waits until the mark of the container's newest file is at its end.
fn expect_acknowledged(agent: &Agent, container: &Container) {
    let size = std::fs::metadata(&container.path).unwrap().len();
    let state = || serde_json::from_str::<Value>(&agent.get("/state").1).unwrap();
    let is_there = |state: &Value| state["files"].as_array().unwrap().iter().any(|file| file["acknowledged"] == size);
    eventually("mark", state, is_there);
}

#[test]
fn a_line_that_ended_behind_a_rotation_does_not_swallow_the_next_one_after_a_restart() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    // This one stays open and holds back the mark of the first file; the other ends in the second.
    container.write("stderr", &fragment("open "));
    container.write("stdout", &fragment("begun "));
    let agent = place.start();
    container.rotate(5);
    container.line("ended");
    let ended = fragment("begun ") + "ended";
    place.expect(std::slice::from_ref(&ended));
    expect_acknowledged(&agent, &container);
    agent.stop();
    container.line("next");
    let _agent = place.start();
    place.expect(&[ended, "next".to_owned()]);
}

#[test]
fn a_file_that_was_rewritten_while_the_agent_was_down_loses_nothing_and_doubles_nothing() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    ["one", "two"].iter().for_each(|line| container.line(line));
    let agent = place.start();
    place.expect(&["one".to_owned(), "two".to_owned()]);
    agent.stop();
    // The same first line, another second one, at the same offset: only the guard can tell.
    let text = std::fs::read_to_string(&container.path).unwrap();
    std::fs::write(&container.path, text.replace("two", "2.0")).unwrap();
    container.line("three");
    let _agent = place.start();
    place.expect(&["one", "two", "2.0", "three"].map(str::to_owned));
}

#[test]
fn what_is_no_line_of_a_log_stops_nobody() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    container.line("before");
    container.append(&[vec![b'x'; 3 << 20], b"\n".to_vec()].concat());
    container.append(b"\0\0\0\n{\"log\":\"cut\n\xff\xfe\n");
    container.line("after");
    std::fs::create_dir_all(place.root().join("c2/c2-json.log")).unwrap();
    std::fs::create_dir_all(place.root().join("c3")).unwrap();
    std::os::unix::fs::symlink("c3-json.log", place.root().join("c3/c3-json.log")).unwrap();
    std::os::unix::fs::symlink(place.root(), place.root().join("again")).unwrap();
    std::fs::write(place.root().join("file"), "").unwrap();
    let mut last = Container::create(&place.root(), "c4");
    last.line("neighbour");
    let agent = place.start();
    place.expect(&["before", "{\"log\":\"cut", "\u{fffd}\u{fffd}", "after", "neighbour"].map(str::to_owned));
    let metrics = agent.get("/metrics").1;
    assert!(metrics.contains("log_agent_dropped_lines_total{reason=\"too_long\"} 1\n"), "{metrics}");
    // The last line of a container that is removed counts, whole or not.
    last.half_line("its end never came");
    std::fs::remove_dir_all(&last.folder).unwrap();
    let stored = || place.sink.messages().keys().any(|message| message.contains("its end never came"));
    eventually("the cut line", stored, |stored| *stored);
}
