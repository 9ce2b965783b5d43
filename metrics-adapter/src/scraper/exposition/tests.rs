//! Lines as targets write them, and rubbish.

use proptest::prelude::*;

use super::*;

fn lines(body: &str, format: Format) -> Result<Vec<Line<'_>>, ExpositionError> {
    let mut lines = Vec::new();
    parse(body.as_bytes(), format, |line| lines.push(line)).map(|()| lines)
}

#[test]
fn samples_are_read() {
    let check = |body: &str, expected: &[(&str, &str, f64, Option<i64>)]| {
        let read = lines(body, Format::Prometheus).unwrap();
        let read: Vec<_> = read.iter().map(|line| (line.metric, line.labels, line.value, line.timestamp)).collect();
        assert_eq!(read, expected, "{body}");
    };
    check("a 1\n", &[("a", "", 1.0, None)]);
    check("a 1", &[("a", "", 1.0, None)]);
    check(
        "  a\t1  \r\n\n# HELP a text\n#\n# TYPE a counter\nb:c_1 2.5e3 1700\n",
        &[("a", "", 1.0, None), ("b:c_1", "", 2500.0, Some(1700))],
    );
    check("a{} 1", &[("a", "", 1.0, None)]);
    check("a { x = \"1\" , y=\"2\", } 3 -5", &[("a", " x = \"1\" , y=\"2\", ", 3.0, Some(-5))]);
    check("a{x=\"}, {\\\"\\\\\"} +Inf", &[("a", "x=\"}, {\\\"\\\\\"", f64::INFINITY, None)]);
    check("a{x=\"ä\\ä\"} -1.5", &[("a", "x=\"ä\\ä\"", -1.5, None)]);
    check("a 123456789012345678", &[("a", "", 123_456_789_012_345_680.0, None)]);
    assert!(lines("a NaN", Format::Prometheus).unwrap()[0].value.is_nan());
}

#[test]
fn the_series_text_is_the_line_up_to_the_value() {
    for (body, expected) in [("a 1", "a"), ("a{b=\"c\"} 1", "a{b=\"c\"}"), (" a {} 1", "a {}")] {
        assert_eq!(lines(body, Format::Prometheus).unwrap()[0].series, expected);
    }
}

#[test]
fn open_metrics_has_seconds_and_exemplars() {
    let body = "a_total 1 1700.5 # {trace=\"x\"} 0.5 1700\nb_bucket{le=\"1\"} 2 # {t=\"y\"} 1\nc 3\n# EOF\n";
    let read: Vec<_> = lines(body, Format::OpenMetrics).unwrap().iter().map(|line| (line.value, line.timestamp)).collect();
    assert_eq!(read, [(1.0, Some(1_700_500)), (2.0, None), (3.0, None)]);
    assert!(lines("a 1 # {} 1", Format::Prometheus).is_err());
}

#[test]
fn labels_are_decoded() {
    let check = |text: &str, expected: &[(&str, &str)]| {
        let read = labels(text);
        let read: Vec<_> = read.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        assert_eq!(read, expected, "{text}");
    };
    check("", &[]);
    check("a=\"1\",b=\"2\"", &[("a", "1"), ("b", "2")]);
    check(" a = \"x\\ny\" , b=\"\\\"\\\\\\t\",", &[("a", "x\ny"), ("b", "\"\\\\t")]);
}

#[test]
fn rubbish_names_its_line() {
    let check = |body: &str, expected: &str| {
        let error = lines(body, Format::Prometheus).unwrap_err().to_string();
        assert!(error.contains(expected), "{body:?}: {error}");
    };
    check("a 1\n<html>\n", "line 2: a metric's name");
    check("a-b 1", "line 1: a character");
    check("a", "line 1: a character");
    check("a ", "the value is not a number");
    check("a x", "the value is not a number");
    check("a{b=\"c\" 1", "closing brace");
    check("a{b=\"c} 1", "closing quote");
    check("a{b=\"c\\", "closing quote");
    check("a{b} 1", "equals sign");
    check("a{b=c} 1", "quoted");
    check("a{\"b\"=\"c\"} 1", "a label's name");
    check("a{,} 1", "a label's name");
    check("a{", "a label's name");
    check("a 1 x", "timestamp");
    check("a 1 2 3", "text after");
    assert_eq!(parse(b"a 1\n\xff", Format::Prometheus, |_| {}), Err(ExpositionError::NotText(4)));
}

proptest! {
    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _read = parse(&body, Format::OpenMetrics, |line| drop(labels(line.labels)));
    }

    #[test]
    fn nothing_like_an_exposition_panics(body in "([a-z_:]{1,3}|[{}=,\"\\\\ \n#]|[0-9.e+-]{1,3}|ä){0,40}") {
        let _read = parse(body.as_bytes(), Format::Prometheus, |line| drop(labels(line.labels)));
    }

    #[test]
    fn what_is_written_is_read(
        metric in "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}",
        pairs in proptest::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,6}", "\\PC{0,8}|[\"\\\\\n]{0,3}"), 0..4),
        value in any::<f64>(),
        timestamp in proptest::option::of(any::<i64>()),
    ) {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let written: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let time = timestamp.map(|time| format!(" {time}")).unwrap_or_default();
        let body = format!("{metric}{{{}}} {value}{time}\n", written.join(","));
        let read = lines(&body, Format::Prometheus).unwrap();
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!((read[0].metric, read[0].timestamp), (metric.as_str(), timestamp));
        prop_assert!(read[0].value == value || value.is_nan() && read[0].value.is_nan());
        let decoded = labels(read[0].labels);
        let decoded: Vec<(&str, &str)> = decoded.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        let expected: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assert_eq!(decoded, expected);
    }
}
