//! The tools on the command line, as processes: `decide` over the recorded scenarios, `simulate` over a small trace, and what
//! they say of rubbish.
#![expect(clippy::unwrap_used, reason = "a step that fails ends its test")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn hpa(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hpa"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    // Written beside, since both pipes are smaller than what goes through them.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // A program that refuses its input stops reading it.
    let _written = writer.join().unwrap();
    output
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn recorded() -> Vec<Value> {
    let path = format!("{}/tests/vectors/controller.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn decide_gives_a_line_for_each_scenario() {
    let cases = recorded();
    let input: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let outcomes = lines(&hpa(&["decide"], &input));
    assert_eq!(outcomes.len(), cases.len());
    for (case, outcome) in cases.iter().zip(&outcomes) {
        assert_eq!(case["name"], outcome["name"]);
        assert_eq!(case["expected"]["conditions"], outcome["conditions"], "{}", case["name"]);
        assert_eq!(case["expected"]["scaleUpdatedTo"], outcome["scaleUpdatedTo"], "{}", case["name"]);
        assert!(outcome["why"]["course"].is_string());
    }
    assert!(lines(&hpa(&["decide"], "\n\n")).is_empty());
}

#[test]
fn decide_names_the_line_that_is_no_scenario() {
    let good = recorded()[0].to_string();
    let output = hpa(&["decide"], &format!("{good}\n{{\"name\":1}}\n{good}\n"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.starts_with("error: standard input:2: not a scenario: ") && error.lines().count() == 1, "{error}");
}

fn trace() -> Value {
    let cpu =
        json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]);
    let load: Vec<i64> = (0..60).map(|tick| if (5..20).contains(&tick) { 3000 } else { 400 }).collect();
    json!({"name": "step", "tickSeconds": 16, "initialReplicas": 2, "minReplicas": 2, "maxReplicas": 10, "metrics": cpu, "behavior": null,
        "readyAfterSeconds": 20, "metricAfterSeconds": 30, "startupUsageMilli": 100, "cpuRequestMilli": 500, "loadMilli": load,
        "metricErrorTicks": [3]})
}

#[test]
fn simulate_walks_a_step_of_load_up_and_down_again() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(json!({"traces": [trace()]}).to_string().as_bytes()).unwrap();
    let path = file.path().to_string_lossy().into_owned();
    let ticks = lines(&hpa(&["simulate", &path], ""));
    assert_eq!(ticks.len(), 60);
    assert_eq!(
        ticks[0],
        json!({"trace": "step", "tick": 0, "replicas": 2, "desired": 2, "able": "ReadyForNewScale", "limited": "DesiredWithinRange",
            "active": "ValidMetricFound"})
    );
    assert_eq!((&ticks[3]["active"], &ticks[3]["desired"]), (&json!("FailedGetResourceMetric"), &json!(2)));
    let replicas = |tick: usize| ticks[tick]["replicas"].as_i64().unwrap();
    assert_eq!(ticks.iter().map(|tick| tick["replicas"].as_i64().unwrap()).max(), Some(10));
    // High recommendations hold replicas up for 300 s after the load went.
    assert_eq!((replicas(20), replicas(37), replicas(59)), (10, 10, 2));
    assert!(ticks.windows(2).all(|pair| pair[0]["desired"] == pair[1]["replicas"]));
    let traced = lines(&hpa(&["simulate", &path, "--trace"], ""));
    assert_eq!(traced[5]["why"]["winner"], 0);
}

#[test]
fn simulate_says_what_is_wrong_with_a_file() {
    let output = hpa(&["simulate", "absent.json"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: cannot read absent.json: "));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{\"traces\": [{\"name\": 1}]}").unwrap();
    let output = hpa(&["simulate", &file.path().to_string_lossy()], "");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("not a file of traces: ") && error.contains("line 1"), "{error}");
    let mut greedy = trace();
    greedy["maxReplicas"] = json!(i32::MAX);
    std::fs::write(file.path(), json!({"traces": [greedy]}).to_string()).unwrap();
    let output = hpa(&["simulate", &file.path().to_string_lossy()], "");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.ends_with("step: 2147483647 replicas are too many or too few: write 0 to 100000\n"), "{error}");
}
