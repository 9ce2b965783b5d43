//! A real Prometheus: that the harness starts it and that it scrapes.

use std::time::Duration;

use integration_tests::eventually;
use integration_tests::servers::Prometheus;
use integration_tests::servers::prometheus::check_metrics;

/// Several scrapes at one a second.
const LIMIT: Duration = Duration::from_secs(30);

const CONFIGURATION: &str = "\
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: nobody
    static_configs: [{targets: ['127.0.0.1:1']}]
";

#[test]
fn a_target_that_is_not_there_is_down() {
    let prometheus = Prometheus::start(CONFIGURATION).expect("Prometheus");
    eventually("a first scrape", LIMIT, || {
        let result = prometheus.query("up{job=\"nobody\"}")?;
        if result[0]["value"][1] == "0" { Ok(()) } else { Err(result.to_string()) }
    });
}

#[test]
fn promtool_tells_good_from_bad() {
    check_metrics("# HELP a_total A count.\n# TYPE a_total counter\na_total 1\n").expect("a good exposition");
    check_metrics("a{b=} 1\n").expect_err("a bad one");
}
