//! Command lines that are understood, and sentences for those that are not.

use std::io::Write as _;

use super::*;

const FILE: &str = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec:\n  \
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}\n  maxReplicas: 3\n";

fn config(more: &[&str]) -> Result<(Config, Listen), String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(FILE.as_bytes()).unwrap();
    let path = file.path().to_string_lossy().into_owned();
    let words = ["hpa", "run", "--hpa-file", &path, "--server", "http://127.0.0.1:1"];
    let cli = Cli::try_parse_from(words.iter().chain(more)).map_err(|error| error.to_string())?;
    let Command::Run(args) = cli.command else { panic!("not run") };
    args.config().map_err(|error| error.to_string())
}

#[test]
fn flags_are_those_of_kube_controller_manager() {
    let (config, listen) = config(&[
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--horizontal-pod-autoscaler-tolerance=0.2",
        "--horizontal-pod-autoscaler-downscale-stabilization=1m30s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=2m",
        "--horizontal-pod-autoscaler-initial-readiness-delay=10s",
        "--listener-from-stdin",
    ])
    .unwrap();
    assert_eq!((config.sync_period.as_secs(), config.settings.tolerance, listen), (5, 0.2, Listen::Stdin));
    assert_eq!(config.settings.downscale_stabilization.as_secs(), 90);
    assert_eq!(config.settings.cpu_initialization_period.as_secs(), 120);
    assert_eq!(config.settings.initial_readiness_delay.as_secs(), 10);
    assert_eq!(config.autoscaler.spec.min_replicas, Some(1));
}

#[test]
fn what_is_impossible_is_told_by_flag() {
    let check = |more: &[&str], expected: &str| {
        let error = config(more).map(|_| ()).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check(&["--horizontal-pod-autoscaler-sync-period=0"], "--horizontal-pod-autoscaler-sync-period: it must be above 0");
    check(&["--horizontal-pod-autoscaler-sync-period=soon"], "\"soon\" is not a duration");
    check(&["--horizontal-pod-autoscaler-tolerance=-1"], "--horizontal-pod-autoscaler-tolerance: -1 is no tolerance");
    check(&["--metrics-server=file:///x"], "--metrics-server: file:///x is not the URL of a server");
    check(&["--certificate-authority=absent.pem"], "--certificate-authority: cannot read absent.pem");
    check(&["--unknown"], "--unknown");
}
