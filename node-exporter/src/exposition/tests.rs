//! The text format: order, escaping, joining and dropping.

use super::*;
use crate::metric::Kind;

fn render(pages: &[&Page]) -> (String, Dropped) {
    let mut out = Vec::new();
    let dropped = Renderer::default().render(pages, &mut out);
    (String::from_utf8(out).unwrap(), dropped)
}

#[test]
fn families_come_by_name_and_series_by_label_values() {
    let mut page = Page::default();
    let late = page.family("b_total", "two\nlines \\ \"quoted\"", Kind::Counter);
    page.single("a", "first", Kind::Gauge, 1.5);
    for value in ["10", "9", "1", "1 x", "1\"", ""] {
        page.sample(late, &[("l", value)], 1.0);
    }
    let (text, dropped) = render(&[&page]);
    let expected = r#"# HELP a first
# TYPE a gauge
a 1.5
# HELP b_total two\nlines \\ "quoted"
# TYPE b_total counter
b_total{l=""} 1
b_total{l="1"} 1
b_total{l="1 x"} 1
b_total{l="10"} 1
b_total{l="1\""} 1
b_total{l="9"} 1
"#;
    assert_eq!((text.as_str(), dropped), (expected, Dropped::default()));
}

#[test]
fn a_series_given_twice_is_written_once_and_counted() {
    let mut page = Page::default();
    let family = page.family("f", "h", Kind::Gauge);
    page.sample(family, &[("a", "x")], 1.0);
    page.sample(family, &[("a", "y")], 2.0);
    page.sample(family, &[("a", "x")], 3.0);
    let (text, dropped) = render(&[&page]);
    assert!(text.ends_with("f{a=\"x\"} 1\nf{a=\"y\"} 2\n"), "{text}");
    assert_eq!(dropped, Dropped { series: 1, example: Some("f".to_owned()) });
}

#[test]
fn a_later_page_cannot_change_what_an_earlier_one_says() {
    let (mut kernel, mut file, mut agreeing) = (Page::default(), Page::default(), Page::default());
    kernel.family("node_load1", "of an empty family nothing is known", Kind::Counter);
    kernel.single("node_load1", "1m load average.", Kind::Gauge, 0.5);
    file.single("node_load1", "mine", Kind::Gauge, 99.0);
    let family = agreeing.family("node_load1", "1m load average.", Kind::Gauge);
    agreeing.sample(family, &[("more", "yes")], 7.0);
    let (text, dropped) = render(&[&kernel, &file, &agreeing]);
    assert_eq!(text, "# HELP node_load1 1m load average.\n# TYPE node_load1 gauge\nnode_load1 0.5\nnode_load1{more=\"yes\"} 7\n");
    assert_eq!(dropped.series, 1);
}

#[test]
fn histograms_and_summaries_keep_the_order_of_their_lines() {
    let mut page = Page::default();
    let histogram = page.family("h", "", Kind::Histogram);
    for label in ["b", "a"] {
        page.part(histogram, &[("x", label)], Part::Bucket(0.5), 1.0);
        page.part(histogram, &[("x", label)], Part::Bucket(f64::INFINITY), 2.0);
        page.part(histogram, &[("x", label)], Part::Sum, 3.5);
        page.part(histogram, &[("x", label)], Part::Count, 2.0);
    }
    let summary = page.family("s", "", Kind::Summary);
    page.part(summary, &[], Part::Quantile(0.9), 4.0);
    page.part(summary, &[], Part::Sum, 5.0);
    let (text, dropped) = render(&[&page]);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let one = |x: &str| {
        [
            format!("h_bucket{{x=\"{x}\",le=\"0.5\"}} 1"),
            format!("h_bucket{{x=\"{x}\",le=\"+Inf\"}} 2"),
            format!("h_sum{{x=\"{x}\"}} 3.5"),
            format!("h_count{{x=\"{x}\"}} 2"),
        ]
    };
    let expected: Vec<String> =
        [one("a"), one("b")].concat().into_iter().chain(["s{quantile=\"0.9\"} 4".to_owned(), "s_sum 5".to_owned()]).collect();
    assert_eq!((lines, dropped.series), (expected.iter().map(String::as_str).collect(), 0));
}
