//! Rules on documents: the map is short and true, links lead somewhere, and nothing tells where it was written.

use std::path::Path;

use crate::workspace::{Faults, Source, at, files};

/// A map that is longer is not read.
const MAX_MAP_LINES: usize = 150;

/// Text that belongs to one machine or one workplace. Written in two parts, so that this file may hold it.
const PLACES: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("hand", "book"),
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("deb.debian", ".org"),
    ("registry.npmjs", ".org"),
    ("proxy.golang", ".org"),
    ("files.pythonhosted", ".org"),
    ("repo.maven", ".apache.org"),
];

#[test]
fn the_map_is_short_and_names_what_is_there() {
    let mut faults = Faults::default();
    let [map] = &files("ARCHITECTURE.md")[..] else { panic!("one ARCHITECTURE.md") };
    let length = map.text.lines().count();
    if length > MAX_MAP_LINES {
        faults.add(&map.path, MAX_MAP_LINES, format!("{length} lines: a map is at most {MAX_MAP_LINES}"));
    }
    let mut named = 0;
    for (number, line) in map.lines() {
        for path in line.split('`').skip(1).step_by(2).filter(|word| is_path(word)) {
            named += 1;
            if !at(path).exists() {
                faults.add(&map.path, number, format!("`{path}` is not there"));
            }
        }
    }
    assert!(named > 0, "the map names no folder in backticks, so nothing was checked");
    faults.report();
}

/// Whether a word in backticks is a path of this repository: with a slash, without blanks, patterns or a leading slash.
fn is_path(word: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    word.contains('/') && !word.starts_with('/') && word.chars().all(plain) && (word.ends_with('/') || word.ends_with(".rs"))
}

#[test]
fn links_lead_somewhere() {
    let mut faults = Faults::default();
    for file in files(".md") {
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new("")).to_path_buf();
        for (number, line) in file.lines() {
            for target in links(line) {
                let (path, heading) = target.split_once('#').unwrap_or((target, ""));
                let full = at(&folder.join(path).to_string_lossy());
                if !path.is_empty() && !full.exists() {
                    faults.add(&file.path, number, format!("the link to {path} leads nowhere"));
                }
                if path.is_empty() && !has_heading(&file, heading) {
                    faults.add(&file.path, number, format!("no heading is #{heading}"));
                }
            }
        }
    }
    faults.report();
}

/// The targets of links and pictures in a line of Markdown, those on the internet left out.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .filter(|target| !target.contains("://"))
}

/// Whether a heading of the file gets this anchor: lower case, blanks as hyphens, other signs dropped.
fn has_heading(file: &Source, anchor: &str) -> bool {
    let slug = |heading: &str| -> String {
        let kept = heading.trim().to_lowercase();
        kept.chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    };
    file.lines().filter(|(_, line)| line.starts_with('#')).any(|(_, line)| slug(line.trim_start_matches('#')) == anchor)
}

#[test]
fn links_and_headings_are_understood() {
    assert_eq!(
        links("see [a](docs/a.md#x) and ![b](b.png), not [c](https://c.example/)").collect::<Vec<_>>(),
        ["docs/a.md#x", "b.png"]
    );
    let file = Source { path: "x.md".to_owned(), text: "# What it is, and isn't\n".to_owned() };
    assert!(has_heading(&file, "what-it-is-and-isnt") && !has_heading(&file, "what"));
}

#[test]
fn nothing_tells_where_it_was_written() {
    let mut faults = Faults::default();
    for file in files("") {
        for (number, line) in file.lines() {
            for (one, two) in PLACES {
                let text = format!("{one}{two}");
                if line.contains(&text) {
                    faults.add(
                        &file.path,
                        number,
                        format!("`{text}` means nothing to a reader elsewhere: say it in general words"),
                    );
                }
            }
        }
    }
    faults.report();
}
