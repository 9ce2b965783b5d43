//! System packages that the tests need. As root on Debian the missing ones are installed with apt-get; anywhere else the
//! error says what to install. Rust's own tools are cargo's business.

use std::path::Path;
use std::process::Command;

/// A thing that tests need from the system.
pub struct Package {
    /// What it is for, for the error.
    needed_for: &'static str,
    /// Paths or programs, any of which will do.
    any_of: &'static [&'static str],
    /// The packages in Debian that bring it.
    debian: &'static [&'static str],
}

/// A browser, and letters for it to draw.
pub const BROWSER: &[Package] = &[
    Package {
        needed_for: "the page in a real browser",
        any_of: &["chromium", "chromium-browser", "google-chrome"],
        debian: &["chromium"],
    },
    Package { needed_for: "letters in screenshots", any_of: &["/usr/share/fonts"], debian: &["fonts-dejavu-core"] },
];

/// Lets a child die with its parent.
pub const PROCESS_TOOLS: &[Package] =
    &[Package { needed_for: "tests that leave no process behind", any_of: &["setpriv"], debian: &["util-linux"] }];

/// The commands that bring what is missing of `needed`; none if all is there.
///
/// # Errors
/// Something is missing and this is not root on Debian: the message says what to install.
pub fn installation(needed: &[&'static [Package]]) -> anyhow::Result<Vec<Command>> {
    let missing: Vec<&Package> = needed.iter().copied().flatten().filter(|package| !is_there(package)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = missing.iter().flat_map(|package| package.debian).copied().collect();
    if !(rustix::process::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists()) {
        return Err(anyhow::anyhow!(advice(&missing, &names)));
    }
    let mut update = Command::new("apt-get");
    update.args(["update", "--quiet"]);
    let mut install = Command::new("apt-get");
    install.args(["install", "--quiet", "--yes", "--no-install-recommends"]).args(&names);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(vec![update, install])
}

fn advice(missing: &[&Package], names: &[&str]) -> String {
    let needs: Vec<String> =
        missing.iter().map(|package| format!("{} (for {})", package.any_of.join(" or "), package.needed_for)).collect();
    format!(
        "not on this machine: {}. On Debian or Ubuntu: `sudo apt-get update && sudo apt-get install {}`; elsewhere install the same under your system's names",
        needs.join(", "),
        names.join(" ")
    )
}

fn is_there(package: &Package) -> bool {
    package.any_of.iter().any(|name| {
        if name.starts_with('/') {
            Path::new(name).exists()
        } else {
            std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_needs_no_installation() {
        const THERE: &[Package] = &[
            Package { needed_for: "x", any_of: &["no-such-program", "sh"], debian: &["x"] },
            Package { needed_for: "y", any_of: &["/proc"], debian: &["y"] },
        ];
        assert!(installation(&[THERE]).unwrap().is_empty());
    }

    #[test]
    fn the_advice_names_program_purpose_and_package() {
        let package = Package { needed_for: "the page", any_of: &["browser-a", "browser-b"], debian: &["debian-browser"] };
        assert!(!is_there(&package));
        let advice = advice(&[&package], package.debian);
        for part in ["browser-a or browser-b", "the page", "apt-get install debian-browser"] {
            assert!(advice.contains(part), "{advice}");
        }
    }
}
