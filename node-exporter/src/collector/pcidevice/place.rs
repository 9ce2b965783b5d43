//! Where a PCI device sits: `0000:01:00.0` is segment, bus, device and function, in hexadecimal.

use std::path::Path;

use super::super::Malformed;

/// A place, as upstream writes its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub segment: String,
    pub bus: String,
    pub device: String,
    pub function: String,
}

impl Place {
    /// The labels of all its values.
    pub fn labels(&self) -> [(&str, &str); 4] {
        [("bus", &self.bus), ("device", &self.device), ("function", &self.function), ("segment", &self.segment)]
    }
}

/// The place that a link such as `../../../devices/pci0000:00/0000:00:02.1/0000:01:00.0` leads to, and that of the bridge above.
pub fn parse_link(link: &Path) -> Result<(Place, Option<Place>), Malformed> {
    let part = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let above = link.parent().map(part).unwrap_or_default();
    // At the top stands the host's bridge, which is no device.
    let parent = if above.starts_with("pci") { None } else { Some(parse(&above)?) };
    Ok((parse(&part(link))?, parent))
}

fn parse(text: &str) -> Result<Place, Malformed> {
    let bad = || Malformed::new(1, format!("{text:?} is no place such as 0000:01:00.0"));
    let mut parts = text.split([':', '.']);
    let mut next = |digits: usize| {
        let part = parts.next().ok_or_else(bad)?;
        let number = u32::from_str_radix(part, 16).map_err(|_| bad())?;
        Ok(format!("{number:0digits$x}"))
    };
    let place = Place { segment: next(4)?, bus: next(2)?, device: next(2)?, function: next(1)? };
    if parts.next().is_some() { Err(bad()) } else { Ok(place) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_end_with_bridge_and_device() {
        let (place, parent) = parse_link(Path::new("../../../devices/pci0000:00/0000:00:02.1/0000:01:00.0")).unwrap();
        assert_eq!((place.bus.as_str(), parent.unwrap().device.as_str()), ("01", "02"));
        let (place, parent) = parse_link(Path::new("../../../devices/pci0000:00/10000:0a:1f.7")).unwrap();
        assert_eq!((place.labels()[3].1, place.function.as_str(), parent), ("10000", "7", None));
        for bad in ["x", "pci0/0000:00:02", "pci0/0000:00:02.1.2", "pci0/0000:00:zz.1", "a/0000:00:02.1"] {
            assert!(parse_link(Path::new(bad)).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_link_is_taken_without_panic(text in "(pci/)?([0-9a-f]{0,9}[:./]){0,6}.*") {
            let _any = parse_link(Path::new(&text));
        }
    }
}
