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

/// The Go toolchain; an older one fetches the version that a module asks for by itself.
pub const GO: &[Package] = &[Package { needed_for: "compiling servers written in Go", any_of: &["go"], debian: &["golang-go"] }];

/// The package client of the servers written in Java.
pub const MAVEN: &[Package] = &[Package { needed_for: "servers written in Java", any_of: &["mvn"], debian: &["maven"] }];

/// Debian's own clients: they are there or this is another system.
pub const DEBIAN: &[Package] = &[
    Package { needed_for: "servers from Debian's packages", any_of: &["apt-get"], debian: &["apt"] },
    Package { needed_for: "servers from Debian's packages", any_of: &["dpkg-deb"], debian: &["dpkg"] },
];

/// What a node's programs call, and what keeps them apart from the machine's own.
pub const NODE_TOOLS: &[Package] = &[
    Package { needed_for: "Services of the node", any_of: &["iptables", "/usr/sbin/iptables"], debian: &["iptables"] },
    Package { needed_for: "the node's network", any_of: &["ip", "/usr/sbin/ip"], debian: &["iproute2"] },
    Package { needed_for: "namespaces for the node", any_of: &["nsenter"], debian: &["util-linux"] },
    Package { needed_for: "mounts of the node", any_of: &["mount"], debian: &["mount"] },
    Package {
        needed_for: "runc",
        any_of: &["/usr/lib/x86_64-linux-gnu/libseccomp.so.2", "/usr/lib/aarch64-linux-gnu/libseccomp.so.2"],
        debian: &["libseccomp2"],
    },
];

/// What makes an image beside Rust: a C compiler against the static library, for the little C there is.
pub const IMAGE_TOOLS: &[Package] =
    &[Package { needed_for: "static binaries", any_of: &["musl-gcc", "x86_64-linux-musl-gcc"], debian: &["gcc", "musl-tools"] }];

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
    if !can_install() {
        return Err(anyhow::anyhow!(advice(&missing, &names)));
    }
    Ok(apt_install(&names))
}

/// The commands that install Debian packages, for root.
pub fn apt_install(names: &[&str]) -> Vec<Command> {
    let mut update = Command::new("apt-get");
    update.args(["update", "--quiet"]);
    let mut install = Command::new("apt-get");
    install.args(["install", "--quiet", "--yes", "--no-install-recommends"]).args(names);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    vec![update, install]
}

/// Whether packages can be installed from here.
pub fn can_install() -> bool {
    rustix::process::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists()
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
