//! The operating system's name: `/etc/os-release` or `/usr/lib/os-release` of the host, lines such as `ID=debian` and
//! `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"`, quoted as in a shell.

use std::path::Path;

use super::{Collector, Error, Made, Malformed};
use crate::flag::Flags;
use crate::host::{Host, Source, below};
use crate::metric::{Kind, Page};

const FILES: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];
const HELP: &str = "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, pretty_name, variant, variant_id, version, version_codename, version_id.";
/// Label and key of `node_os_info`.
const LABELS: [(&str, &str); 12] = [
    ("build_id", "BUILD_ID"),
    ("id", "ID"),
    ("id_like", "ID_LIKE"),
    ("image_id", "IMAGE_ID"),
    ("image_version", "IMAGE_VERSION"),
    ("name", "NAME"),
    ("pretty_name", "PRETTY_NAME"),
    ("variant", "VARIANT"),
    ("variant_id", "VARIANT_ID"),
    ("version", "VERSION"),
    ("version_codename", "VERSION_CODENAME"),
    ("version_id", "VERSION_ID"),
];

struct OsRelease {
    files: [Source; 2],
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(OsRelease { files: FILES.map(|name| host.file(below(&host.roots().rootfs, Path::new(name)))) }))
}

impl Collector for OsRelease {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        for file in &mut self.files {
            if let Some((text, path)) = file.text_if_present()? {
                return write(&parse(text), page).map_err(|malformed| malformed.of(path));
            }
        }
        Err(Error::NoData("the host has no os-release file"))
    }
}

fn write(fields: &[(usize, &str, String)], page: &mut Page) -> Result<(), Malformed> {
    // As in a shell, the last assignment counts.
    let find = |key: &str| fields.iter().rev().find(|field| field.1 == key);
    let value = |key: &str| find(key).map_or("", |field| field.2.as_str());
    let labels = LABELS.map(|(label, key)| (label, value(key)));
    let info = page.family("node_os_info", HELP, Kind::Gauge);
    page.sample(info, &labels, 1.0);
    if let Some(version) = major_minor(value("VERSION_ID")).filter(|version| *version > 0.0) {
        let family = page.family("node_os_version", "Metric containing the major.minor part of the OS version.", Kind::Gauge);
        page.sample(family, &[("id", value("ID")), ("id_like", value("ID_LIKE")), ("name", value("NAME"))], version);
    }
    if let Some((line, _, date)) = find("SUPPORT_END").filter(|field| !field.2.is_empty()) {
        let end: jiff::civil::Date =
            date.parse().map_err(|_| Malformed::new(*line, format!("SUPPORT_END: {date:?} is no date such as 2030-06-30")))?;
        let end = jiff::tz::TimeZone::UTC
            .to_timestamp(end.at(0, 0, 0, 0))
            .map_err(|_| Malformed::new(*line, format!("SUPPORT_END: {date:?} is out of range")))?;
        let help = "Metric containing the end-of-life date timestamp of the OS.";
        page.single("node_os_support_end_timestamp_seconds", help, Kind::Gauge, end.as_second() as f64);
    }
    Ok(())
}

fn major_minor(version: &str) -> Option<f64> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let major = digits(version);
    if major == 0 {
        return None;
    }
    let minor = version[major..].strip_prefix('.').map_or(0, |rest| 1 + digits(rest));
    version[..major + minor].trim_end_matches('.').parse().ok()
}

// Line, key and value of each assignment; anything else is passed over, as the readers of this file do.
fn parse(text: &str) -> Vec<(usize, &str, String)> {
    let mut fields = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            fields.push((index + 1, key.trim(), unquote(value.trim())));
        }
    }
    fields
}

fn unquote(value: &str) -> String {
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    match (quote, inner) {
        (Some('\''), Some(inner)) => inner.to_owned(),
        (_, inner) => {
            let mut plain = String::with_capacity(value.len());
            let mut escaped = false;
            for character in inner.unwrap_or(value).chars() {
                if !escaped && character == '\\' {
                    escaped = true;
                } else {
                    plain.push(character);
                    escaped = false;
                }
            }
            plain
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn assignments_are_read_as_a_shell_reads_them() {
        let text = "# comment=1\nID=debian\nNAME=\"A \\\"B\\\" C\"\nVERSION='x \\ y'\nbroken\nEMPTY=\nID=again\n";
        let owned = |line, key, value: &str| (line, key, value.to_owned());
        let expected = vec![
            owned(2, "ID", "debian"),
            owned(3, "NAME", "A \"B\" C"),
            owned(4, "VERSION", "x \\ y"),
            owned(6, "EMPTY", ""),
            owned(7, "ID", "again"),
        ];
        assert_eq!(parse(text), expected);
        for (quoted, plain) in [("\"", "\""), ("'", "'"), ("\"a", "\"a"), ("", ""), ("\"\"", ""), ("a\\b", "ab")] {
            assert_eq!(unquote(quoted), plain, "{quoted}");
        }
    }

    #[test]
    fn versions_are_cut_after_the_minor_number() {
        for (version, expected) in [
            ("20.04.2", Some(20.04)),
            ("13", Some(13.0)),
            ("9.", Some(9.0)),
            ("", None),
            ("rolling", None),
            (".5", None),
            ("3.x", Some(3.0)),
        ] {
            assert_eq!(major_minor(version), expected, "{version}");
        }
    }

    #[test]
    fn an_end_of_support_that_is_no_date_names_its_line() {
        let mut page = Page::default();
        write(&parse("SUPPORT_END=2030-06-30\n"), &mut page).unwrap();
        assert_eq!(page.view(1).value, 1_909_008_000.0);
        assert_eq!(write(&parse("\nSUPPORT_END=soon\n"), &mut Page::default()).unwrap_err().line, 2);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)([A-Z_]*=[\"'\\\\a-z0-9. ]*\n){0,4}.*") {
            let _any = write(&parse(&text), &mut Page::default());
        }
    }
}
