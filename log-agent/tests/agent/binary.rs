//! The real binary: killed and started again at any moment, given wrong flags.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use crate::docker::Container;
use crate::eventually;
use crate::program::Place;
use crate::sink::Fault;

/// A child that does not outlive its test.
struct Process(Child);

impl Process {
    fn start(place: &Place) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_log-agent"));
        command.args(place.arguments()).args([
            "--listen-address",
            "127.0.0.1:0",
            "--flush-interval",
            "20ms",
            "--bulk-bytes",
            "4096",
        ]);
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// SIGKILL: no drain, no last checkpoint.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_doubles_nothing() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    let mut lines = Vec::new();
    for round in 0..6 {
        let process = Process::start(&place);
        let requests = place.sink.stored().requests;
        for number in 0..200 {
            let line = format!("round {round} line {number} {}", "x".repeat(if number % 50 == 7 { 40_000 } else { 100 }));
            container.line(&line);
            lines.push(line);
            if number % 70 == 69 {
                container.rotate(20);
            }
        }
        place.sink.fail([Fault::None, Fault::NoAnswer, Fault::EveryThird(429)][round % 3]);
        // In the midst of it: some are stored, others not, and the checkpoint is anywhere.
        eventually("requests", || place.sink.stored().requests, |now| *now > requests + 4);
        process.kill();
        place.sink.fail(Fault::None);
    }
    let _process = Process::start(&place);
    place.expect(&lines);
}

#[test]
fn a_checkpoint_saves_sending_again() {
    let place = Place::new();
    let mut container = Container::create(&place.root(), "c1");
    let lines: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
    lines.iter().for_each(|line| container.line(line));
    let process = Process::start(&place);
    place.expect(&lines);
    let size = std::fs::metadata(&container.path).unwrap().len();
    let checkpoint = || std::fs::read_to_string(place.state_dir().join("checkpoint")).unwrap_or_default();
    eventually("checkpoint", checkpoint, |text| text.contains(&format!("\"acknowledged\":{size},")));
    process.kill();
    container.line("after");
    let process = Process::start(&place);
    place.expect(&[lines.clone(), vec!["after".to_owned()]].concat());
    assert_eq!(place.sink.stored().conflicts, 0);
    process.kill();
    // Without it, everything is sent again, and nothing is stored twice.
    std::fs::write(place.state_dir().join("checkpoint"), "rubbish").unwrap();
    let process = Process::start(&place);
    eventually("conflicts", || place.sink.stored().conflicts, |conflicts| *conflicts == 101);
    place.expect(&[lines, vec!["after".to_owned()]].concat());
    assert!(place.state_dir().join("checkpoint.set-aside").exists());
    process.kill();
}

fn check(arguments: &[&str], expected: &[&str]) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_log-agent"))
        .args(arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{arguments:?}: {text}");
    let sentence = text.lines().last().unwrap_or_default();
    assert!(
        expected.iter().all(|part| sentence.contains(part)) || expected.iter().all(|part| text.contains(part)),
        "{arguments:?}: {text}"
    );
}

#[test]
fn wrong_starts_end_with_one_sentence() {
    let place = Place::new();
    let (root, state) = (place.root().display().to_string(), place.state_dir().display().to_string());
    let listen = ["--listen-address", "127.0.0.1:0"];
    let with = |more: &[&str]| [&listen[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let check_with =
        |more: &[&str], expected: &[&str]| check(&with(more).iter().map(String::as_str).collect::<Vec<_>>(), expected);
    check_with(&["--docker-containers", "/nowhere", "--state-dir", &state], &["--docker-containers", "/nowhere", "No such file"]);
    let file = place.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("state").display().to_string();
    check_with(&["--docker-containers", &root, "--state-dir", &below], &["--state-dir", &below, "choose another"]);
    check_with(
        &["--docker-containers", &root, "--state-dir", &state, "--elasticsearch", "es:9200"],
        &["--elasticsearch", "http://HOST:9200"],
    );
    check_with(&["--docker-containers", &root, "--state-dir", &state, "--index", "A"], &["--index", "lower case"]);
    check_with(&["--nonsense"], &["--nonsense"]);
    check(
        &["--docker-containers", &root, "--state-dir", &state, "--listen-address", &place.sink.address.to_string()],
        &["--listen-address", "in use"],
    );
    let _first = Process::start(&place);
    eventually("lock", || place.state_dir().join("lock").exists(), |exists| *exists);
    let contested = || {
        let output = Command::new(env!("CARGO_BIN_EXE_log-agent")).args(place.arguments()).args(listen).output();
        String::from_utf8(output.unwrap().stderr).unwrap()
    };
    assert!(contested().contains("in use by another log-agent"));
}
