//! Command lines that upstream takes, and those that it refuses.

use super::*;
use crate::collector::ALL;

fn config(arguments: &[&str]) -> Result<(Config, Listen), String> {
    let arguments = std::iter::once("node-exporter").chain(arguments.iter().copied());
    Args::try_parse_from(arguments).map_err(|error| error.to_string())?.config().map_err(|error| error.to_string())
}

#[test]
fn defaults_are_those_of_node_exporter() {
    let (config, listen) = config(&[]).unwrap();
    assert_eq!(listen, Listen::Address(":9100".to_owned()));
    assert_eq!((config.telemetry_path.as_str(), config.max_requests, config.exporter_metrics), ("/metrics", 40, true));
    let on: Vec<_> = ALL.iter().filter(|entry| entry.on).map(|entry| entry.name).collect();
    assert_eq!(config.collectors, on);
}

#[test]
fn collectors_are_switched_by_name_and_the_last_word_counts() {
    let on = |arguments: &[&str]| config(arguments).unwrap().0.collectors;
    assert!(!on(&["--no-collector.cpu"]).contains(&"cpu"));
    assert_eq!(on(&["--collector.disable-defaults", "--collector.cpu"]), ["cpu"]);
    assert_eq!(on(&["--collector.disable-defaults", "--no-collector.cpu", "--collector.cpu"]), ["cpu"]);
    assert!(
        on(&["--collector.cpu", "--no-collector.cpu"]).is_empty()
            || !on(&["--collector.cpu", "--no-collector.cpu"]).contains(&"cpu")
    );
    let defaults = ALL.iter().filter(|entry| entry.on).count();
    assert_eq!(on(&["--collector.disable-defaults", "--no-collector.disable-defaults"]).len(), defaults);
    assert_eq!(on(&["--collector.swap"]).len(), defaults + 1);
}

#[test]
fn flags_of_the_table_reach_the_collectors() {
    let arguments = [
        "--collector.textfile.directory=a",
        "--collector.textfile.directory",
        "b",
        "--no-collector.cpu.guest",
        "--collector.vmstat.fields=",
    ];
    let (config, _) = config(&arguments).unwrap();
    let flag = |name: &str| ALL.iter().flat_map(|entry| entry.flags).find(|flag| flag.name == name).unwrap();
    assert_eq!(config.flags.list(flag("collector.textfile.directory")), ["a", "b"]);
    assert!(!config.flags.on(flag("collector.cpu.guest")) && config.flags.text(flag("collector.vmstat.fields")).is_empty());
}

#[test]
fn both_forms_of_a_value_are_taken() {
    for arguments in [&["--web.listen-address", "127.0.0.1:1"][..], &["--web.listen-address=127.0.0.1:1"]] {
        assert_eq!(config(arguments).unwrap().1, Listen::Address("127.0.0.1:1".to_owned()));
    }
    assert!(config(&["--runtime.gomaxprocs=2", "--collector.netclass_rtnl.with-stats"]).is_ok());
    assert_eq!(config(&["--listener-from-stdin"]).unwrap().1, Listen::Stdin);
    assert!(config(&["--web.disable-exporter-metrics", "--no-web.disable-exporter-metrics"]).unwrap().0.exporter_metrics);
    assert!(!config(&["--no-web.disable-exporter-metrics", "--web.disable-exporter-metrics"]).unwrap().0.exporter_metrics);
}

#[test]
fn what_is_impossible_names_the_flag() {
    for (arguments, expected) in [
        (&["--web.listen-address=:1", "--web.listen-address=:2"][..], "--web.listen-address is given 2 times"),
        (&["--web.telemetry-path=metrics"], "--web.telemetry-path: \"metrics\" does not start with a slash"),
        (&["--path.procfs=/no/such"], "--path.procfs: /no/such is not a directory"),
        (&["--web.max-requests=x"], "--web.max-requests"),
        (&["--collector.nonsense"], "--collector.nonsense"),
        (&["stray"], "stray"),
    ] {
        let error = config(arguments).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn no_two_collectors_share_a_flag() {
    use clap::CommandFactory as _;
    Args::command().debug_assert();
}
