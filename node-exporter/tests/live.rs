//! This machine's own kernel: every collector that is on by default answers or says that it has no data, again and again,
//! over HTTP, and counters do not fall.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers included")]

use std::time::{Duration, Instant};

use clap::Parser as _;
use node_exporter::args::Args;
use node_exporter::collector::ALL;

async fn serve(flags: &[&str]) -> (String, daemon::Shutdown, tokio::task::JoinHandle<Result<(), node_exporter::Error>>) {
    let args = Args::try_parse_from(["node-exporter"].iter().chain(flags)).unwrap();
    let (config, _) = args.config().unwrap();
    let listener = daemon::serve::bind("--web.listen-address", "127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = daemon::Shutdown::new();
    let server = tokio::spawn(node_exporter::run(config, listener, shutdown.clone()));
    (address, shutdown, server)
}

async fn get(url: &str) -> String {
    daemon::tls::install_crypto();
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.status(), 200, "{url}");
    response.text().await.unwrap()
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
}

#[tokio::test]
async fn every_default_collector_answers_or_has_no_data() {
    let (address, shutdown, server) = serve(&[]).await;
    let mut before = 0.0;
    for _ in 0..5 {
        let text = get(&format!("{address}/metrics")).await;
        for entry in ALL.iter().filter(|entry| entry.on) {
            let series = |family: &str| value(&text, &format!("node_scrape_collector_{family}{{collector=\"{}\"}}", entry.name));
            assert!(series("success") + series("no_data") == 1.0, "{} neither answers nor has no data", entry.name);
            assert_eq!(series("timeout"), 0.0, "{}", entry.name);
        }
        assert_eq!(value(&text, "promhttp_metric_handler_errors_total{cause=\"gathering\"}"), 0.0);
        let switches = value(&text, "node_context_switches_total");
        assert!(switches >= before && value(&text, "node_memory_MemTotal_bytes") > 1e6);
        before = switches;
    }
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_fifo_in_the_textfile_directory_holds_up_nothing() {
    let directory = tempfile::tempdir().unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, directory.path().join("x.prom"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    std::fs::write(directory.path().join("y.prom"), "good 1\n").unwrap();
    let (address, shutdown, server) = serve(&[&format!("--collector.textfile.directory={}", directory.path().display())]).await;
    let start = Instant::now();
    let text = get(&format!("{address}/metrics?collect[]=textfile")).await;
    assert!(text.contains("good 1\n") && text.contains("node_textfile_scrape_error 1\n"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(5));
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_flag_that_cannot_be_used_stops_the_start() {
    for (flags, expected) in [
        (&["--collector.vmstat.fields=("][..], "--collector.vmstat.fields: \"(\" is no regular expression"),
        (
            &["--collector.netdev.device-include=a", "--collector.netdev.device-exclude=b"],
            "--collector.netdev.device-include: it cannot be given together",
        ),
        (&["--collector.filesystem.mount-timeout=soon"], "--collector.filesystem.mount-timeout: \"soon\" is no duration"),
    ] {
        let (_, _, server) = serve(flags).await;
        let error = server.await.unwrap().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
