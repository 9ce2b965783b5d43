//! Mount tables, as kernels and containers write them.

use proptest::prelude::*;

use super::*;

fn mounts(text: &str) -> Vec<Mount> {
    parse(text.as_bytes()).collect::<Result<_, _>>().unwrap()
}

#[test]
fn optional_fields_and_escapes_are_read() {
    let text = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n\
        40 27 0:44 / /mnt/a\\040b\\011c\\134 ro shared:1 master:2 - nfs4 server:/x\\040y rw\n\
        41 27 0:45 / /data rw - ext4 /dev/vdb rw,emergency_ro\n";
    let read = mounts(text);
    let shown: Vec<_> = read
        .iter()
        .map(|mount| (mount.point_text().into_owned(), mount.device.as_str(), mount.kind.as_str(), mount.read_only))
        .collect();
    let expected = [
        ("/".to_owned(), "/dev/vda", "ext4", false),
        ("/mnt/a b\tc\\".to_owned(), "server:/x y", "nfs4", true),
        ("/data".to_owned(), "/dev/vdb", "ext4", true),
    ];
    assert_eq!(shown, expected);
    assert_eq!((read[0].major.as_str(), read[0].minor.as_str()), ("254", "0"));
}

#[test]
fn a_bad_line_is_named() {
    for (bad, line) in [
        ("27 1 254:0 / /", 1),
        ("27 1 2540 / / rw - ext4 a rw", 1),
        ("\n27 1 a:b / / rw - ext4 a rw", 2),
        ("27 1 254:0 / / rw ext4 a rw", 1),
        ("x", 1),
    ] {
        assert_eq!(parse(bad.as_bytes()).find_map(Result::err).unwrap().line, line, "{bad}");
    }
}

#[test]
fn octal_that_is_none_stays() {
    for (escaped, plain) in [("a\\040b", "a b"), ("\\", "\\"), ("\\04", "\\04"), ("\\089", "\\089"), ("\\777", "\\777"), ("", "")]
    {
        assert_eq!(unescape(escaped.as_bytes()), plain.as_bytes(), "{escaped}");
    }
}

#[test]
fn the_prefix_of_the_host_root_is_taken_off() {
    let point = |point: &str, rootfs: &str| {
        let mount = mounts(&format!("27 1 254:0 / {point} rw - ext4 /dev/vda rw\n")).remove(0);
        mount.inside(Path::new(rootfs)).point_text().into_owned()
    };
    for (mounted, rootfs, expected) in [
        ("/host", "/host", "/"),
        ("/host/boot", "/host", "/boot"),
        ("/hostel", "/host", "/hostel"),
        ("/a", "/", "/a"),
        ("/boot", "/host", "/boot"),
    ] {
        assert_eq!(point(mounted, rootfs), expected, "{mounted} in {rootfs}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_taken_without_panic(bytes: Vec<u8>) {
        parse(&bytes).for_each(drop);
    }

    #[test]
    fn any_text_is_taken_without_panic(text in "(?s)([0-9]* [0-9]* [0-9]*:[0-9]* / .* - .*\n){0,4}.*") {
        parse(text.as_bytes()).for_each(drop);
    }
}
