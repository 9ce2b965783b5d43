//! Expressions on small stores. Expected values are worked out by hand from Prometheus' documented semantics.

use proptest::prelude::*;

use super::*;
use crate::labels::{Labels, METRIC_NAME};
use crate::store::Point;

/// One scrape every ten seconds up to the time of the question, 120 s.
const STEP: i64 = 10_000;
const NOW: i64 = 120_000;

/// A store of series such as `m{pod="a"} 1 2 3 _ x`: the last sample is at [`NOW`], `_` is a missed scrape, `x` an end.
fn store(series: &[&str]) -> Store {
    let mut store = Store::new(1_000_000);
    for line in series {
        let (selector, values) = line.split_once("} ").unwrap();
        let matchers = selector_of(&format!("{selector}}}"));
        let pairs: Vec<(&str, &str)> = matchers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let series = store.series_ref(&Labels::new(pairs)).unwrap();
        let values: Vec<&str> = values.split_whitespace().collect();
        for (index, value) in values.iter().enumerate() {
            let time = NOW - STEP * i64::try_from(values.len() - 1 - index).unwrap();
            match *value {
                "_" => {}
                "x" => drop(store.append(series, Point::stale(time))),
                value => drop(store.append(series, Point { time, value: value.parse().unwrap() })),
            }
        }
    }
    store
}

fn selector_of(text: &str) -> Vec<(String, String)> {
    let matchers = selector(text).unwrap();
    let pair = |matcher: Matcher| match matcher.test {
        crate::matcher::Test::Equal(value) => (matcher.name, value),
        other => panic!("{other:?}"),
    };
    matchers.into_iter().map(pair).collect()
}

fn answer(store: &Store, query: &str) -> Result<Vec<String>, String> {
    let query = Query::parse(query).map_err(|error| error.to_string())?;
    let samples = query.evaluate(store, NOW).map_err(|error| error.to_string())?;
    let show = |sample: &Sample| {
        let labels: Vec<String> =
            sample.labels().filter(|label| label.0 != METRIC_NAME).map(|(name, value)| format!("{name}={value}")).collect();
        format!("{}{{{}}} {}", sample.label(METRIC_NAME), labels.join(","), (sample.value * 1e6).round() / 1e6)
    };
    Ok(samples.iter().map(show).collect())
}

fn check(series: &[&str], query: &str, expected: &[&str]) {
    assert_eq!(answer(&store(series), query).unwrap(), expected, "{query} on {series:?}");
}

#[test]
fn rates_are_extrapolated_to_the_borders_of_the_range() {
    // Seven samples from 60 s to 120 s; the range (60 s, 120 s] has six of them, 50 s of growth by 2 a second. The start is one
    // step before the first sample: near enough to go all the way.
    check(&["m{} 100 120 140 160 180 200 220"], "rate(m[1m])", &["{} 2"]);
    check(&["m{} 100 120 140 160 180 200 220"], "increase(m[1m])", &["{} 120"]);
    // Of a longer range only half a step more is assumed: 60 s are covered, plus 5 s, of 100 s.
    check(&["m{} 100 120 140 160 180 200 220"], "rate(m[100s])", &["{} 1.3"]);
    check(&["m{} 100 120 140 160 180 200 220"], "increase(m[100s])", &["{} 130"]);
    // No counter starts below zero: it reached 4 within 2 s, so the series began 2 s before.
    check(&["m{} 4 24 44 64"], "increase(m[100s])", &["{} 64"]);
    check(&["m{} 0 20 40 60"], "increase(m[100s])", &["{} 60"]);
    // A gauge has no such limit.
    check(&["m{} 4 24 44 64"], "delta(m[100s])", &["{} 70"]);
    check(&["m{} 64 44 24 4"], "delta(m[100s])", &["{} -70"]);
    // The end, too: nothing for 30 s, so half a step is assumed.
    check(&["m{} 100 120 140 160 _ _ _"], "increase(m[100s])", &["{} 80"]);
    check(&["m{} 5 5 5 5 5 5 5"], "rate(m[1m])", &["{} 0"]);
}

#[test]
fn a_counter_that_falls_has_started_again() {
    // 10 more, then from zero to 5, then 20 more: 35 in 30 s; half a step more before (not below zero).
    check(&["m{} 100 110 5 25"], "increase(m[100s])", &["{} 40.833333"]);
    check(&["m{} 100 110 5 25"], "resets(m[100s])", &["{} 1"]);
    check(&["m{} 100 110 5"], "irate(m[100s])", &["{} 0.5"]);
    check(&["m{} 100 110 130"], "irate(m[100s])", &["{} 2"]);
    check(&["m{} 100 110 5"], "idelta(m[100s])", &["{} -105"]);
}

#[test]
fn one_sample_has_no_rate_and_an_end_is_no_sample() {
    check(&["m{} 100"], "rate(m[1m])", &[]);
    check(&["m{} 1 2 3 x"], "m", &[]);
    check(&["m{} 1 2 3 x"], "count_over_time(m[1m])", &["{} 3"]);
    check(&["m{} 1 x 3"], "m", &["m{} 3"]);
    check(&["m{} 1 2 _ _"], "m", &["m{} 2"]);
    let mut old = store(&["m{} 7"]);
    let series = old.series_ref(&Labels::new([(METRIC_NAME, "m")])).unwrap();
    old.append(series, Point { time: NOW + 1, value: 8.0 });
    assert_eq!(answer(&old, "m").unwrap(), ["m{} 7"], "the future is not seen");
    let query = Query::parse("m").unwrap();
    assert_eq!(query.evaluate(&old, NOW + LOOKBACK_MS).unwrap().len(), 1);
    assert_eq!(query.evaluate(&old, NOW + 1 + LOOKBACK_MS).unwrap().len(), 0, "five minutes are too old");
}

#[test]
fn selectors_have_matchers_and_offsets() {
    let series = ["m{pod=\"a\"} 1 2 3", "m{pod=\"b\"} 4 5 6", "n{pod=\"a\"} 9"];
    check(&series, "m", &["m{pod=a} 3", "m{pod=b} 6"]);
    check(&series, "m{pod=~\"a|c\"}", &["m{pod=a} 3"]);
    check(&series, "m{pod!=\"a\"} offset 10s", &["m{pod=b} 5"]);
    check(&series, "{__name__=~\"[mn]\",pod=\"a\"}", &["m{pod=a} 3", "n{pod=a} 9"]);
    check(&series, "sum_over_time(m[20s] offset 10s)", &["{pod=a} 3", "{pod=b} 9"]);
}

#[test]
fn what_happened_over_time() {
    let series = ["m{} 4 8 2 6"];
    for (query, expected) in [
        ("avg_over_time(m[1m])", "{} 5"),
        ("min_over_time(m[1m])", "{} 2"),
        ("max_over_time(m[1m])", "{} 8"),
        ("sum_over_time(m[1m])", "{} 20"),
        ("count_over_time(m[1m])", "{} 4"),
        ("last_over_time(m[1m])", "m{} 6"),
        ("present_over_time(m[1m])", "{} 1"),
        ("quantile_over_time(0.5, m[1m])", "{} 5"),
        ("stdvar_over_time(m[1m])", "{} 5"),
        ("stddev_over_time(m[1m])", "{} 2.236068"),
        ("changes(m[1m])", "{} 3"),
        // Open at its start: the sample ten seconds ago is not in it.
        ("count_over_time(m[10s])", "{} 1"),
    ] {
        check(&series, query, &[expected]);
    }
}

#[test]
fn aggregations_by_and_without() {
    let series = ["m{ns=\"x\",pod=\"a\"} 1", "m{ns=\"x\",pod=\"b\"} 3", "m{ns=\"y\",pod=\"c\"} 5"];
    check(&series, "sum(m)", &["{} 9"]);
    check(&series, "sum by (ns) (m)", &["{ns=x} 4", "{ns=y} 5"]);
    check(&series, "sum without (pod) (m)", &["{ns=x} 4", "{ns=y} 5"]);
    check(&series, "avg(m) by (ns)", &["{ns=x} 2", "{ns=y} 5"]);
    check(&series, "min(m)", &["{} 1"]);
    check(&series, "max(m)", &["{} 5"]);
    check(&series, "count by (none) (m)", &["{} 3"]);
    check(&series, "group(m)", &["{} 1"]);
    check(&series, "quantile(0.5, m)", &["{} 3"]);
    check(&series, "stdvar(m)", &["{} 2.666667"]);
    check(&series, "sum(none)", &[]);
    check(&series, "sum by (__name__) (m)", &["m{} 9"]);
    check(&series, "sum by (__name__) (-m)", &["{} -9"]);
}

#[test]
fn operators_match_one_to_one() {
    let series = ["m{pod=\"a\"} 6", "m{pod=\"b\"} 8", "n{pod=\"a\"} 2", "n{pod=\"c\"} 1", "o{pod=\"a\",le=\"1\"} 3"];
    check(&series, "m / n", &["{pod=a} 3"]);
    check(&series, "m / ignoring(le) o", &["{pod=a} 2"]);
    check(&series, "m * on(pod) o", &["{pod=a} 18"]);
    check(&series, "m > 7", &["m{pod=b} 8"]);
    check(&series, "7 < m", &["m{pod=b} 8"]);
    check(&series, "m > bool 7", &["{pod=a} 0", "{pod=b} 1"]);
    check(&series, "m > n", &["m{pod=a} 6"]);
    check(&series, "m == bool n", &["{pod=a} 0"]);
    check(&series, "m * 2 + 1", &["{pod=a} 13", "{pod=b} 17"]);
    check(&series, "1 - m", &["{pod=a} -5", "{pod=b} -7"]);
    check(&series, "2 ^ 3 % 5", &["{} 3"]);
    check(&series, "m and n", &["m{pod=a} 6"]);
    check(&series, "m unless n", &["m{pod=b} 8"]);
    check(&series, "m or n", &["m{pod=a} 6", "m{pod=b} 8", "n{pod=c} 1"]);
    check(&series, "sum(none) or vector(0)", &["{} 0"]);
    check(&series, "clamp_min(m, 7)", &["{pod=a} 7", "{pod=b} 8"]);
    check(&series, "round(m / 5)", &["{pod=a} 1", "{pod=b} 2"]);
    check(&series, "scalar(n{pod=\"a\"}) * 2", &["{} 4"]);
    check(&series, "time()", &["{} 120"]);
    check(&series, "-m", &["{pod=a} -6", "{pod=b} -8"]);
}

#[test]
fn what_does_not_match_one_to_one_is_an_error() {
    let series = ["m{pod=\"a\",x=\"1\"} 6", "m{pod=\"a\",x=\"2\"} 8", "n{pod=\"a\"} 2"];
    for query in ["m / on(pod) n", "n / on(pod) m"] {
        let error = answer(&store(&series), query).unwrap_err();
        assert!(error.contains("several series on the") && error.contains("pod=\"a\""), "{error}");
    }
    let error = answer(&store(&["a{} 1 2", "b{} 1 2"]), "rate({__name__=~\"a|b\"}[1m])").unwrap_err();
    assert!(error.contains("same labels"), "{error}");
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (query, expected) in [
        ("holt_winters(m[1m], 0.5, 0.5)", "holt_winters"),
        ("topk(3, m)", "topk is not supported"),
        ("histogram_quantile(0.9, m)", "histogram_quantile is not supported"),
        ("max_over_time(rate(m[1m])[5m:1m])", "max_over_time of anything but a selector"),
        ("m @ 5", "@ modifier"),
        ("m * on(pod) group_left n", "group_left"),
        ("m[5m]", "outside a function"),
        ("m{", "not PromQL"),
        ("", "not PromQL"),
        ("label_replace(m, \"a\", \"b\", \"c\", \"d\")", "label_replace is not supported"),
        ("absent(m)", "absent is not supported"),
    ] {
        let error = Query::parse(query).unwrap_err().to_string();
        assert!(error.contains(expected), "{query}: {error}");
    }
    let deep = format!("{}m{}", "(".repeat(65), ")".repeat(65));
    assert!(matches!(Query::parse(&deep), Err(ParseError::TooLarge)));
    assert!(matches!(Query::parse(&"-".repeat(200).replace('-', "-(m)")), Err(ParseError::TooLarge)));
}

#[test]
fn results_say_which_samples_are_behind_them() {
    let store = store(&["m{pod=\"a\"} 1 2 3 4 _", "m{pod=\"b\"} 1 2", "n{} 5"]);
    let evidence = |query: &str| Query::parse(query).unwrap().evaluate(&store, NOW).unwrap()[0].evidence;
    let some = |oldest: i64, newest: i64, ranged: bool| Some(Evidence { oldest, newest, ranged });
    assert_eq!(evidence("sum(rate(m[2m]))"), some(80_000, 120_000, true));
    assert_eq!(evidence("rate(m{pod=\"a\"}[2m])"), some(80_000, 110_000, true));
    assert_eq!(evidence("irate(m{pod=\"a\"}[2m])"), some(100_000, 110_000, true));
    assert_eq!(evidence("n"), some(NOW, NOW, false));
    assert_eq!(evidence("vector(1)"), None);
    assert_eq!(evidence("rate(m{pod=\"a\"}[2m]) / 2").unwrap().window_seconds(), Some(30));
    assert_eq!(evidence("n").unwrap().window_seconds(), None);
}

#[test]
fn selectors_tell_how_far_back_they_reach() {
    let query = Query::parse("sum(rate(a[2m] offset 1m)) / b + max_over_time(c[10m])").unwrap();
    let reach: Vec<i64> = query.selectors().iter().map(|selected| selected.reach_ms / 1000).collect();
    assert_eq!(reach, [180, 300, 600]);
}

proptest! {
    #[test]
    fn no_expression_panics(text in "[a-z(){}\\[\\]0-9\"=~, +*/-]{0,40}|(sum|rate|m|\\(|\\)|\\[1m\\]|by|\\{|\\}|offset|1| ){0,12}") {
        if let Ok(query) = Query::parse(&text) {
            let _answer = query.evaluate(&store(&["m{pod=\"a\"} 1 2 3"]), NOW);
        }
    }

    #[test]
    fn an_increase_is_never_negative_and_a_rate_is_its_share(values in proptest::collection::vec(0.0_f64..1e9, 2..12), range in 20_i64..200) {
        let text: Vec<String> = values.iter().map(ToString::to_string).collect();
        let store = store(&[&format!("m{{}} {}", text.join(" "))]);
        let value = |query: String| Query::parse(&query).unwrap().evaluate(&store, NOW).unwrap().first().map(|sample| sample.value);
        if let (Some(increase), Some(rate)) = (value(format!("increase(m[{range}s])")), value(format!("rate(m[{range}s])"))) {
            prop_assert!(increase >= 0.0);
            prop_assert!((rate * range as f64 - increase).abs() <= increase.abs() * 1e-12);
        }
    }
}
