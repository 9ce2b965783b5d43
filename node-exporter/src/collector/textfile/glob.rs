//! Directories by pattern: `*`, `?` and `[a-z]` within one part of a path, as in Go's `filepath.Glob`. A pattern that fits
//! nothing stands for itself, so that the error names it.

use std::path::{Path, PathBuf};

/// Directories that one pattern may stand for.
const MAX_MATCHES: usize = 4096;

/// The paths that `pattern` stands for, sorted.
pub fn expand(pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains(['*', '?', '[']) {
        return vec![PathBuf::from(pattern)];
    }
    let start = if pattern.starts_with('/') { "/" } else { "" };
    let mut paths = vec![PathBuf::from(start)];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        paths = paths.iter().flat_map(|path| matches(path, part)).take(MAX_MATCHES).collect();
    }
    paths.sort();
    if paths.is_empty() { vec![PathBuf::from(pattern)] } else { paths }
}

fn matches(directory: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        let path = directory.join(part);
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let listed = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let entries = std::fs::read_dir(listed).into_iter().flatten().filter_map(Result::ok);
    let pattern: Vec<char> = part.chars().collect();
    let fitting = entries.filter(|entry| fits(&pattern, &entry.file_name().to_string_lossy().chars().collect::<Vec<_>>()));
    fitting.map(|entry| directory.join(entry.file_name())).collect()
}

// Walks both at once; a star remembers where to come back to, so that the time is at most the product of the lengths.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut pos) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while pos < name.len() {
        let step = match pattern.get(at) {
            Some('*') => {
                star = Some((at + 1, pos));
                at += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => class(&pattern[at..], name[pos]),
            Some('\\') => (pattern.get(at + 1) == Some(&name[pos])).then_some(2),
            Some(character) => (*character == name[pos]).then_some(1),
            None => None,
        };
        match (step, star) {
            (Some(step), _) => {
                at += step;
                pos += 1;
            }
            (None, Some((after, from))) => {
                (at, pos) = (after, from + 1);
                star = Some((after, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[at..].iter().all(|character| *character == '*')
}

// The length of the class at the start of `pattern` if `character` is in it.
fn class(pattern: &[char], character: char) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some('^' | '!'));
    let first = if negated { 2 } else { 1 };
    // A bracket that closes at once is meant literally.
    let end = pattern.iter().skip(first + 1).position(|end| *end == ']')? + first + 1;
    let mut rest = &pattern[first..end];
    let mut found = false;
    while let Some((&low, after)) = rest.split_first() {
        let range = after.first() == Some(&'-') && after.len() > 1;
        let high = if range { after[1] } else { low };
        found |= (low..=high).contains(&character);
        rest = if range { &after[2..] } else { after };
    }
    (found != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pattern: &str, name: &str) -> bool {
        fits(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
    }

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*_extra", "one_extra", true),
            ("?", "a", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[^a-c]x", "dx", true),
            ("[!a]", "a", false),
            ("[]]", "]", true),
            ("[a", "a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a", "ab", false),
            ("ab", "a", false),
            ("**b**", "abc", true),
            ("[a-]", "-", true),
        ] {
            assert_eq!(check(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn directories_are_found_and_sorted() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b1", "a1", "c"] {
            std::fs::create_dir_all(root.path().join(name).join("inner")).unwrap();
        }
        let found = |pattern: &str| expand(&root.path().join(pattern).to_string_lossy());
        assert_eq!(found("?1/in*"), [root.path().join("a1/inner"), root.path().join("b1/inner")]);
        assert_eq!(found("none*"), [root.path().join("none*")]);
        assert_eq!(found("none"), [root.path().join("none")]);
    }

    proptest! {
        #[test]
        fn any_pattern_is_taken_without_panic(pattern in "[a-c*?\\[\\]^!\\\\-]{0,12}", name in "[a-c\\]-]{0,12}") {
            let _any = check(&pattern, &name);
        }

        #[test]
        fn a_name_fits_itself(name in "[a-z0-9._]{0,20}") {
            prop_assert!(check(&name, &name));
        }
    }
}
