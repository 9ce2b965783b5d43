//! What the sink does wrong, and what becomes of lines meanwhile: none lost, none twice.

use serde_json::Value;

use crate::docker::Container;
use crate::eventually;
use crate::program::{Agent, Place};
use crate::sink::Fault;

/// Lines written before, during and after a fault are stored once, and readiness tells of the fault meanwhile.
fn check(fault: Fault, expected_reason: Option<&str>) {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    let lines: Vec<String> = (0..30).map(|number| format!("{fault:?} {number}")).collect();
    lines[..10].iter().for_each(|line| container.line(line));
    let agent = place.start();
    place.expect(&lines[..10]);
    place.sink.fail(fault);
    lines[10..20].iter().for_each(|line| container.line(line));
    if let Some(reason) = expected_reason {
        let (status, text) = eventually("trouble", || agent.get("/readyz"), |(status, _)| *status == 503);
        assert!(status == 503 && text.contains(reason) && text.contains(&place.sink.url()), "{text}");
    } else {
        eventually("requests", || place.sink.stored().requests, |requests| *requests > 2);
    }
    place.sink.fail(Fault::None);
    lines[20..].iter().for_each(|line| container.line(line));
    place.expect(&lines);
    eventually("readiness", || agent.get("/readyz").0, |status| *status == 200);
    let state = || serde_json::from_str::<Value>(&agent.get("/state").1).unwrap();
    let state = eventually("state", state, |state| state["in_flight_lines"] == 0);
    assert_eq!(state["stored_lines"], 30, "{state}");
}

#[test]
fn the_sink_is_down() {
    check(Fault::Down, Some("connection"));
}

#[test]
fn the_sink_is_busy() {
    check(Fault::Status(429), Some("429"));
    check(Fault::Status(503), Some("503"));
}

#[test]
fn the_sink_wants_a_password() {
    check(Fault::Status(401), Some("401"));
    check(Fault::Status(403), Some("403"));
}

#[test]
fn single_items_are_refused_for_now() {
    check(Fault::EveryThird(429), Some("refuses"));
    check(Fault::EveryThird(403), Some("until that is put right"));
}

#[test]
fn answers_break_off() {
    check(Fault::HalfAnswer, Some("the connection broke"));
    check(Fault::NoAnswer, Some("the connection broke"));
}

#[test]
fn another_server_answers() {
    check(Fault::Rubbish, Some("cannot be understood"));
    check(Fault::Status(302), Some("302"));
}

#[test]
fn bodies_are_too_large() {
    check(Fault::TooLarge(700), None);
}

#[test]
fn lines_that_the_sink_never_takes_are_kept_as_dead_letters() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    place.sink.fail(Fault::EveryThird(400));
    (0..9).for_each(|number| container.line(&format!("line {number}")));
    let agent = place.start();
    let letters = || std::fs::read_to_string(place.state_dir().join("dead-letters.ndjson")).unwrap_or_default();
    let letters = eventually("dead letters", letters, |letters| letters.lines().count() == 3);
    for (number, letter) in (2..).step_by(3).zip(letters.lines()) {
        let letter: Value = serde_json::from_str(letter).unwrap();
        assert_eq!(
            (&letter["status"], &letter["document"]["message"]),
            (&400.into(), &format!("line {number}").into()),
            "{letter}"
        );
        assert!(
            letter["document"]["log"]["file"]["path"].is_string() && letter["reason"].as_str().unwrap().contains("as \"told\"")
        );
    }
    let state = || serde_json::from_str::<Value>(&agent.get("/state").1).unwrap();
    let state = eventually("state", state, |state| state["in_flight_lines"] == 0);
    assert_eq!((&state["stored_lines"], &state["dead_lines"], &state["lag_bytes"]), (&6.into(), &3.into(), &0.into()), "{state}");
}

#[test]
fn a_line_larger_than_the_sink_takes_is_a_dead_letter_and_its_neighbours_are_stored() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    place.sink.fail(Fault::TooLarge(5000));
    container.line("before");
    container.line(&"x".repeat(6000));
    container.line("after");
    let _agent = place.start();
    place.expect(&["before".to_owned(), "after".to_owned()]);
    let letters = || std::fs::read_to_string(place.state_dir().join("dead-letters.ndjson")).unwrap_or_default();
    let letter = eventually("dead letter", letters, |letters| !letters.is_empty());
    assert!(letter.contains("\"status\":413"), "{letter}");
}

#[test]
fn files_rotated_away_and_deleted_during_an_outage_are_shipped_after_it() {
    let place = Place::new();
    place.sink.fail(Fault::Down);
    let mut container = Container::create(&place.root(), "c1");
    let agent = Agent::start(place.config(&["--bulk-bytes", "2048"]));
    let mut lines = Vec::new();
    for round in 0..6 {
        for number in 0..20 {
            let line = format!("round {round} line {number} {}", "x".repeat(200));
            container.line(&line);
            lines.push(line);
        }
        // Found before it is rotated away; two files are kept, so the first rounds are deleted unread.
        let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&container.path).unwrap());
        eventually("open", || is_open(inode), |open| *open);
        container.rotate(2);
    }
    place.sink.fail(Fault::None);
    place.expect(&lines);
    drop(agent);
}

/// Whether this process holds a file with this inode open.
fn is_open(inode: u64) -> bool {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    open.filter_map(|entry| std::fs::metadata(entry.path()).ok())
        .any(|metadata| std::os::unix::fs::MetadataExt::ino(&metadata) == inode)
}

#[test]
fn a_state_directory_that_cannot_be_written_any_more_stops_nothing() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    container.line("before");
    let agent = place.start();
    place.expect(&["before".to_owned()]);
    // A folder in the place of the new file: nobody can write it, not even root.
    let obstacle = place.state_dir().join("checkpoint.new");
    eventually("obstacle", || std::fs::create_dir(&obstacle).is_ok(), |made| *made);
    container.line("during");
    let (_, reason) = eventually("trouble", || agent.get("/readyz"), |(status, _)| *status == 503);
    assert!(reason.contains("checkpoint") && reason.contains(&place.state_dir().display().to_string()), "{reason}");
    place.expect(&["before".to_owned(), "during".to_owned()]);
    std::fs::remove_dir(&obstacle).unwrap();
    eventually("readiness", || agent.get("/readyz").0, |status| *status == 200);
}

#[test]
fn what_is_rotated_away_while_the_agent_is_down_is_counted_as_lost() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    container.line("before");
    let agent = place.start();
    place.expect(&["before".to_owned()]);
    place.sink.fail(Fault::Down);
    let before = std::fs::metadata(&container.path).unwrap().len();
    container.line("never shipped");
    let size = std::fs::metadata(&container.path).unwrap().len();
    let checkpoint = || std::fs::read_to_string(place.state_dir().join("checkpoint")).unwrap_or_default();
    eventually("size", checkpoint, |text| text.contains(&format!("\"size\":{size},")));
    agent.stop();
    container.rotate(1);
    std::fs::remove_file(container.rotated(1)).unwrap();
    container.line("after");
    place.sink.fail(Fault::None);
    let agent = place.start();
    place.expect(&["before", "after"].map(str::to_owned));
    let lost = format!("log_agent_lost_bytes_total {}\n", size - before);
    eventually("loss", || agent.get("/metrics").1, |metrics| metrics.contains(&lost));
}
