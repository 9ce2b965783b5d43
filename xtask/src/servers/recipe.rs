//! How each kind of server is got: which commands of the ordinary package clients, and what is left to do after them. It
//! runs nothing.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::java;
use crate::test::packages;

/// The files that decide what a Go module builds.
const GO_SOURCES: [&str; 3] = ["go.mod", "go.sum", "main.go"];
/// From this one on, Go gets the version that a module asks for.
const OLDEST_GO: &str = "1.21";
/// Copies an artifact with all that it needs; pinned like the rest.
const MAVEN_COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// One way to get a server.
pub enum Recipe {
    /// Programs that a module of our own names, each version in it pinned.
    GoModule {
        /// Where it is in the repository.
        folder: &'static str,
        /// Their packages; `.` is the module's own program, which is named like the module.
        packages: &'static [&'static str],
        /// Build tags.
        tags: &'static str,
        /// Variables that the authors' own build sets; `VERSION`, `MAJOR` and `MINOR` stand for the server's.
        variables: &'static [(&'static str, &'static str)],
        /// More names for the module's own program.
        links: &'static [&'static str],
    },
    /// A program as its authors publish it.
    GoProgram {
        /// Its import path.
        package: &'static str,
    },
    /// An artifact with its dependencies.
    Maven {
        /// Group and name.
        artifact: &'static str,
        /// What follows the server's version in the artifact's.
        build: &'static str,
        /// The oldest and the newest Java that it starts on.
        java: (u32, u32),
    },
    /// Packages of this Debian, unpacked and not installed, so that none of their services starts.
    Debian {
        /// Their names.
        packages: &'static [&'static str],
    },
}

impl Recipe {
    /// From where, in words.
    pub fn origin(&self) -> String {
        match self {
            Self::GoModule { folder, .. } => format!("Go module in {folder}"),
            Self::GoProgram { package } => format!("Go module {package}"),
            Self::Maven { artifact, .. } => format!("Maven artifact {artifact}"),
            Self::Debian { packages } => format!("Debian packages {}", packages.join(" ")),
        }
    }

    /// What changes when the server would be another.
    pub fn fingerprint(&self, version: &str, root: &Path) -> anyhow::Result<String> {
        let mut hasher = DefaultHasher::new();
        (version, self.origin()).hash(&mut hasher);
        match self {
            Self::GoModule { folder, packages, tags, variables, links } => {
                (packages, tags, variables, links).hash(&mut hasher);
                for name in GO_SOURCES {
                    let path = root.join(folder).join(name);
                    match fs::read(&path) {
                        Ok(source) => source.hash(&mut hasher),
                        // A module that only names programs of others has no source.
                        Err(error) if name == "main.go" && error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
                    }
                }
            }
            Self::Maven { build, java, .. } => (build, java).hash(&mut hasher),
            Self::GoProgram { .. } | Self::Debian { .. } => {}
        }
        Ok(format!("{version} {:016x}", hasher.finish()))
    }

    /// How many lines its commands print at most, where that can be known beforehand: a Go build prints one for each
    /// package that it compiles.
    pub fn expected_lines(&self, root: &Path) -> anyhow::Result<Option<u64>> {
        if matches!(self, Self::GoModule { .. } | Self::GoProgram { .. }) {
            check_go()?;
        }
        let Self::GoModule { folder, packages, tags, .. } = self else { return Ok(None) };
        let mut list = go(&["list", "-deps", "-tags", tags]);
        let list = list.args(*packages).current_dir(root.join(folder)).stderr(Stdio::inherit());
        let output = list.output().context("cannot start go")?;
        anyhow::ensure!(output.status.success(), "`go list -deps` failed in {folder}: {}", output.status);
        Ok(Some(output.stdout.iter().filter(|byte| **byte == b'\n').count() as u64))
    }

    /// The commands that put it into `into`.
    pub fn commands(&self, version: &str, root: &Path, into: &Path) -> anyhow::Result<Vec<Command>> {
        match self {
            Self::GoModule { folder, packages, tags, variables, .. } => {
                let mut build =
                    go(&["build", "-v", "-trimpath", "-tags", tags, "-ldflags", &link_flags(variables, version)?, "-o"]);
                // With the slash at the end it is a folder also when there is one program.
                build.arg(into.join("")).args(*packages).current_dir(root.join(folder));
                Ok(vec![build])
            }
            Self::GoProgram { package } => {
                let mut install = go(&["install", "-v", "-trimpath"]);
                install.arg(format!("{package}@{version}")).env("GOBIN", into).current_dir(into);
                Ok(vec![install])
            }
            Self::Maven { artifact, build, java: (oldest, newest) } => {
                let mut commands = java_installation(*oldest, *newest)?;
                fs::write(into.join("pom.xml"), project(artifact, &format!("{version}{build}")))?;
                let mut copy = Command::new("mvn");
                copy.args(["--batch-mode", MAVEN_COPY, "-DoutputDirectory=lib"]).current_dir(into);
                commands.push(copy);
                Ok(commands)
            }
            Self::Debian { packages } => Ok(debian(packages, into)),
        }
    }

    /// What is left to do when the commands have ended, and what came.
    pub fn finish(&self, version: &str, into: &Path) -> anyhow::Result<String> {
        match self {
            Self::GoModule { folder, links, .. } => {
                let program = Path::new(folder).file_name().unwrap_or_default();
                for link in *links {
                    symlink(program, into.join(link)).with_context(|| format!("cannot link {link}"))?;
                }
            }
            Self::Maven { java: (oldest, newest), .. } => {
                // The tests start it by this name, and need not look for a Java again.
                let home = java::home(*oldest, *newest).with_context(|| no_java(*oldest))?;
                symlink(home, into.join("java"))?;
            }
            Self::Debian { .. } => return unpacked(into),
            Self::GoProgram { .. } => {}
        }
        Ok(version.to_owned())
    }
}

/// Debian's older releases have a Go that knows nothing of toolchains.
fn check_go() -> anyhow::Result<()> {
    let output = go(&["env", "GOVERSION"]).output().context("cannot start go")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let advice =
        || format!("{version} is too old: install Go {OLDEST_GO} or newer, which fetches the one it needs: https://go.dev/dl");
    let minor = version.strip_prefix("go1.").and_then(|rest| rest.split(['.', 'r', 'b', ' ', '-']).next()?.parse::<u32>().ok());
    anyhow::ensure!(minor.is_some_and(|minor| minor >= 21), advice());
    Ok(())
}

fn go(arguments: &[&str]) -> Command {
    let mut command = Command::new("go");
    // Without cgo the program needs no library of this machine; and a repository around the folder is none of its business.
    command.args(arguments).env("CGO_ENABLED", "0").env("GOWORK", "off");
    // An older Go then fetches the one that the module asks for.
    command.env("GOTOOLCHAIN", "auto");
    command
}

/// Without symbols, and with what the authors' own build writes into the programs: Kubernetes' would call themselves v0.0.0
/// otherwise, and kubelet and API server compare versions.
fn link_flags(variables: &[(&str, &str)], version: &str) -> anyhow::Result<String> {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = numbers.next().zip(numbers.next()).with_context(|| format!("{version} is no version"))?;
    let value = |value: &str| value.replace("VERSION", version).replace("MAJOR", major).replace("MINOR", minor);
    let set = variables.iter().map(|(name, text)| format!(" -X {name}={}", value(text)));
    Ok(format!("-s -w{}", set.collect::<String>()))
}

/// The commands that bring a fitting Java; none when there is one.
fn java_installation(oldest: u32, newest: u32) -> anyhow::Result<Vec<Command>> {
    if java::home(oldest, newest).is_some() {
        return Ok(Vec::new());
    }
    anyhow::ensure!(packages::can_install(), no_java(oldest));
    let wanted = if newest == u32::MAX { oldest } else { newest };
    Ok(packages::apt_install(&[&format!("openjdk-{wanted}-jre-headless")]))
}

fn no_java(oldest: u32) -> String {
    format!(
        "no fitting Java on this machine. Where Debian has it: `sudo apt-get install openjdk-{oldest}-jre-headless`; elsewhere install a JDK and set JAVA_HOME"
    )
}

fn project(artifact: &str, version: &str) -> String {
    let (group, name) = artifact.split_once(':').unwrap_or((artifact, ""));
    format!(
        "<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>binnacle</groupId>
  <artifactId>server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>
  </dependencies>
</project>
"
    )
}

fn debian(packages: &[&str], into: &Path) -> Vec<Command> {
    let mut commands = Vec::new();
    if rustix::process::geteuid().is_root() {
        // A machine that has just been made knows no packages at all.
        let mut update = Command::new("apt-get");
        update.args(["update", "--quiet"]);
        commands.push(update);
    }
    let mut download = Command::new("apt-get");
    // apt would fetch as a user who may not write here.
    download.args(["download", "--quiet", "-o", "APT::Sandbox::User=root"]).args(packages).current_dir(into);
    commands.push(download);
    let mut unpack = Command::new("sh");
    unpack.args(["-c", "for package in *.deb; do dpkg-deb --extract \"$package\" . || exit; done"]).current_dir(into);
    commands.push(unpack);
    commands
}

/// The packages and their versions from names such as `runc_1.1.5+ds1-1_amd64.deb`; the packages themselves go.
fn unpacked(into: &Path) -> anyhow::Result<String> {
    let mut came = Vec::new();
    for entry in fs::read_dir(into)? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        if let Some(package) = file.strip_suffix(".deb") {
            let mut parts = package.split('_');
            let (name, version) = parts.next().zip(parts.next()).unwrap_or((package, ""));
            came.push(format!("{name} {}", upstream(&version.replace("%3a", ":"))));
            fs::remove_file(into.join(&file))?;
        }
    }
    came.sort();
    Ok(came.join(", "))
}

/// The authors' part of a Debian version: `1.6.20~ds1-1+deb12u3` is 1.6.20.
fn upstream(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.split(['~', '+', '-']).next().unwrap_or(version).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_understood() {
        assert_eq!(upstream("1.6.20~ds1-1+deb12u3"), "1.6.20");
        assert_eq!(upstream("2:1.1.5+ds1-1"), "1.1.5");
        assert_eq!(upstream("42"), "42");
        let flags = link_flags(&[("a.b/c.version", "VERSION"), ("x.minor", "MINOR")], "v1.37.2").unwrap();
        assert_eq!(flags, "-s -w -X a.b/c.version=v1.37.2 -X x.minor=37");
        assert!(link_flags(&[], "v1").is_err());
    }

    #[test]
    fn a_changed_source_changes_the_fingerprint() {
        let root = tempfile::tempdir().unwrap();
        let recipe = Recipe::GoModule { folder: "module", packages: &["."], tags: "", variables: &[], links: &["a"] };
        assert!(recipe.fingerprint("v1.2.3", root.path()).is_err(), "sources that are not there");
        fs::create_dir(root.path().join("module")).unwrap();
        GO_SOURCES.iter().for_each(|name| fs::write(root.path().join("module").join(name), "x").unwrap());
        let before = recipe.fingerprint("v1.2.3", root.path()).unwrap();
        assert_ne!(before, recipe.fingerprint("v1.2.4", root.path()).unwrap());
        fs::write(root.path().join("module/main.go"), "y").unwrap();
        assert_ne!(before, recipe.fingerprint("v1.2.3", root.path()).unwrap());
    }

    #[test]
    fn a_project_names_its_artifact() {
        let project = project("org.example:server", "1.2");
        assert!(project.contains("<groupId>org.example</groupId><artifactId>server</artifactId><version>1.2</version>"));
    }
}
