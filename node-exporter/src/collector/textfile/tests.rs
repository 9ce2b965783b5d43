//! Whole directories, as upstream's rules have them.

use std::time::{Duration, Instant};

use super::*;
use crate::exposition::Renderer;

// The page of a directory with these files, without the lines of mtimes.
fn collect(files: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    collect_from(directory.path())
}

fn collect_from(directory: &Path) -> String {
    let mut collector = TextFiles { directories: vec![directory.to_string_lossy().into_owned()], told: BTreeMap::new() };
    let mut page = Page::default();
    let roots = crate::host::Roots::machine();
    collector.collect(&Host::new(roots), &mut page).unwrap();
    let mut out = Vec::new();
    Renderer::default().render(&[&page], &mut out);
    let text = String::from_utf8(out).unwrap().replace(&*directory.to_string_lossy(), "DIR");
    text.lines()
        .filter(|line| {
            !line.contains("mtime") && !line.contains("# TYPE node_textfile") && !line.contains("# HELP node_textfile")
        })
        .fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn families_of_several_files_are_joined() {
    let text = collect(&[
        ("a.prom", "# HELP m help\n# TYPE m gauge\nm{x=\"1\"} 1\n"),
        ("b.prom", "m{y=\"2\"} 2\nplain 3\n"),
        ("c.prom", "plain{z=\"1\"} 4\n"),
        ("ignored.txt", "rubbish"),
    ]);
    // Labels are filled up within a file's family; what another file says of the same name without a type is untyped.
    let expected = "# HELP m help\n# TYPE m gauge\nm{x=\"1\"} 1\n# HELP plain Metric read from DIR/b.prom, DIR/c.prom\n# TYPE plain untyped\nplain 3\nplain{z=\"1\"} 4\nnode_textfile_scrape_error 0\n";
    let sorted = |text: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    assert_eq!(sorted(&text), sorted(expected));
}

#[test]
fn one_bad_line_rejects_its_file_alone() {
    for bad in [
        "m 1\nm{ 2\n",
        "m 1",
        "m 1 1395066363000\n",
        "m.n 1\n",
        "m 1\r\n",
        "# TYPE m gauge\n# TYPE m gauge\nm 1\n",
        "m 1\n# TYPE m gauge\n",
        "m{a=\"1\",a=\"2\"} 1\n",
    ] {
        let text = collect(&[("bad.prom", bad), ("good.prom", "good 1\n")]);
        assert_eq!(
            text, "# HELP good Metric read from DIR/good.prom\n# TYPE good untyped\ngood 1\nnode_textfile_scrape_error 1\n",
            "{bad:?}"
        );
    }
}

#[test]
fn help_that_differs_drops_the_later_family_and_is_an_error() {
    let text = collect(&[("a.prom", "# HELP m one\nm 1\n"), ("b.prom", "# HELP m two\nm{x=\"1\"} 2\n")]);
    assert_eq!(text, "# HELP m one\n# TYPE m untyped\nm 1\nnode_textfile_scrape_error 1\n");
}

#[test]
fn histograms_and_summaries_are_kept() {
    let text = collect(&[(
        "a.prom",
        "# TYPE h histogram\nh_bucket{le=\"1\",m=\"x\"} 1\nh_bucket{le=\"0.5\",m=\"x\"} 0\nh_sum{m=\"x\"} 3\nh_count{m=\"x\"} 2\nh_other 9\n# TYPE s summary\ns{quantile=\"0.5\"} 7\ns_sum 8\ns_count 1\n",
    )]);
    let expected = "# HELP h Metric read from DIR/a.prom\n# TYPE h histogram\nh_bucket{m=\"x\",le=\"0.5\"} 0\nh_bucket{m=\"x\",le=\"1\"} 1\nh_bucket{m=\"x\",le=\"+Inf\"} 2\nh_sum{m=\"x\"} 3\nh_count{m=\"x\"} 2\n# HELP h_other Metric read from DIR/a.prom\n# TYPE h_other untyped\nh_other 9\nnode_textfile_scrape_error 0\n# HELP s Metric read from DIR/a.prom\n# TYPE s summary\ns{quantile=\"0.5\"} 7\ns_sum 8\ns_count 1\n";
    assert_eq!(text, expected);
}

#[test]
fn a_fifo_is_refused_without_waiting_for_its_writer() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("x.prom");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    fs::create_dir(directory.path().join("y.prom")).unwrap();
    fs::write(directory.path().join("z.prom"), "good 1\n").unwrap();
    let start = Instant::now();
    let text = collect_from(directory.path());
    assert!(text.contains("good 1\n") && text.ends_with("node_textfile_scrape_error 1\n"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_absent_directory_is_an_error_and_no_failure() {
    assert_eq!(collect_from(Path::new("/no/such/place")), "node_textfile_scrape_error 1\n");
}
