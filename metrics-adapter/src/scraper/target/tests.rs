//! Scrapes of one target, one after the other, and what the store holds then.

use std::path::Path;

use super::*;

const RULES: &str = "rules: [{seriesQuery: '{__name__=~\"[mn]_total|up\"}', resources: {template: <<.Resource>>}, metricsQuery: 'rate(<<.Series>>[2m])'}]";

struct Scrapes {
    store: Store,
    keep: Keep,
    target: TargetSeries,
    time: i64,
}

impl Scrapes {
    fn new() -> Self {
        let keep = Keep::new(&crate::config::parse(RULES, Path::new("rules.yaml")).unwrap()).unwrap();
        let labels = Labels::new([("instance", "i"), ("pod", "p")]);
        Self { store: Store::new(1_000_000), keep, target: TargetSeries::new(labels), time: 0 }
    }

    fn take(&mut self, body: &str) -> Result<usize, String> {
        self.time += 1000;
        let taken = self.target.take(&mut self.store, &self.keep, body.as_bytes(), Format::Prometheus, self.time);
        taken.map_err(|error| error.to_string())
    }

    /// Every series with its samples; `x` is an end.
    fn show(&self) -> Vec<String> {
        let point = |point: &Point| if point.is_stale() { "x".to_owned() } else { point.value.to_string() };
        let series = self.store.select(&[]).map(|series| {
            let points: Vec<String> = series.points.iter().map(point).collect();
            format!("{} {}", series.labels, points.join(" "))
        });
        let mut series: Vec<String> = series.collect();
        series.sort();
        series
    }
}

#[test]
fn only_what_rules_need_is_kept_with_the_labels_of_the_target() {
    let mut scrapes = Scrapes::new();
    assert_eq!(scrapes.take("m_total{a=\"1\"} 1\nother 5\nn_total 2\n"), Ok(3));
    assert_eq!(scrapes.take("m_total{a=\"1\"} 3\nother 5\nn_total 2\n"), Ok(3));
    assert_eq!(scrapes.show(), [r#"m_total{a="1",instance="i",pod="p"} 1 3"#, r#"n_total{instance="i",pod="p"} 2 2"#]);
}

#[test]
fn labels_of_the_target_win_and_the_others_are_kept_aside() {
    let mut scrapes = Scrapes::new();
    scrapes.take("m_total{pod=\"mine\",exported_pod=\"too\",empty=\"\",__name__=\"x\"} 1\n").unwrap();
    let expected = r#"m_total{exported_exported_pod="mine",exported_pod="too",instance="i",pod="p"} 1"#;
    assert_eq!(scrapes.show(), [expected]);
}

#[test]
fn a_series_that_is_gone_has_ended_and_may_come_back() {
    let mut scrapes = Scrapes::new();
    scrapes.take("m_total 1\nn_total 1\n").unwrap();
    scrapes.take("m_total 2\n").unwrap();
    scrapes.take("m_total 3\nn_total 1\n").unwrap();
    assert_eq!(scrapes.show(), [r#"m_total{instance="i",pod="p"} 1 2 3"#, r#"n_total{instance="i",pod="p"} 1 x 1"#]);
}

#[test]
fn a_scrape_is_taken_whole_or_not_at_all() {
    let mut scrapes = Scrapes::new();
    scrapes.take("m_total 1\n").unwrap();
    let error = scrapes.take("m_total 2\nn_total 2\n<html>\n").unwrap_err();
    assert!(error.starts_with("line 3:"), "{error}");
    assert_eq!(scrapes.show(), [r#"m_total{instance="i",pod="p"} 1 x"#]);
    let error = scrapes.take("m_total 2\nn_total{a=\"1\",a=\"2\"} 2\n").unwrap_err();
    assert!(error.contains("n_total has the label a twice"), "{error}");
    assert_eq!(scrapes.show(), [r#"m_total{instance="i",pod="p"} 1 x"#]);
    scrapes.take("m_total 3\n").unwrap();
    assert_eq!(scrapes.show(), [r#"m_total{instance="i",pod="p"} 1 x 3"#]);
}

#[test]
fn a_target_that_fails_ends_its_series_once() {
    let mut scrapes = Scrapes::new();
    scrapes.take("m_total 1\n").unwrap();
    scrapes.target.end(&mut scrapes.store, 5000);
    scrapes.target.end(&mut scrapes.store, 6000);
    assert_eq!(scrapes.show(), [r#"m_total{instance="i",pod="p"} 1 x"#]);
}

#[test]
fn samples_with_a_time_of_their_own_keep_it() {
    let mut scrapes = Scrapes::new();
    scrapes.take("m_total 1 900\n").unwrap();
    scrapes.take("m_total 1 900\n").unwrap();
    scrapes.take("m_total 2 1900\nn_total 1 99999999\n").unwrap();
    scrapes.take("").unwrap();
    assert_eq!(scrapes.show(), [r#"m_total{instance="i",pod="p"} 1 2"#]);
    let times: Vec<i64> = scrapes.store.select(&[]).flat_map(|series| series.points.iter().map(|point| point.time)).collect();
    assert_eq!(times, [900, 1900]);
}

#[test]
fn bounds_are_kept() {
    let mut scrapes = Scrapes::new();
    let long = format!("m_total{{a=\"{}\"}} 1\n", "x".repeat(MAX_SERIES_BYTES));
    assert!(scrapes.take(&long).unwrap_err().contains("bytes of labels"));
    let many: String = (0..=MAX_TARGET_SERIES).map(|index| format!("m_total{{a=\"{index}\"}} 1\n")).collect();
    assert!(scrapes.take(&many).unwrap_err().contains("more than 50000 series"));
    assert!(scrapes.show().is_empty());
}

#[test]
fn the_report_of_a_scrape_is_kept_if_a_rule_needs_it() {
    let mut scrapes = Scrapes::new();
    scrapes.target.report(&mut scrapes.store, &scrapes.keep, 1000, Some([1.0, 0.1, 2.0]));
    scrapes.target.report(&mut scrapes.store, &scrapes.keep, 2000, Some([0.0, 0.1, 0.0]));
    scrapes.target.report(&mut scrapes.store, &scrapes.keep, 3000, None);
    assert_eq!(scrapes.show(), [r#"up{instance="i",pod="p"} 1 0 x"#]);
}
