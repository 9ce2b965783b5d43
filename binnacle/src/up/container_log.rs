//! A container's log on disk, as Docker's json-file driver writes it: one JSON object a line, entries of at most 16 KiB,
//! rotation by rename at a size. It reads the container's output; it does not ship it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use serde::Serialize;

/// Docker cuts longer lines into several entries, of which only the last ends in a newline (moby daemon/logger/copier.go).
pub const ENTRY_BYTES: usize = 16 * 1024;

/// Where and how large the log is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of all containers, such as /var/lib/docker/containers.
    pub containers: PathBuf,
    /// A file is rotated before it grows beyond this (Docker's `max-size`).
    pub max_bytes: u64,
    /// Files a container keeps, the current one included (Docker's `max-file`).
    pub max_files: u32,
}

/// Who the container is, as its `config.v2.json` tells log agents.
#[derive(Clone, Debug)]
pub struct Identity {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The pod it belongs to.
    pub pod: String,
    /// The pod's uid.
    pub pod_uid: String,
}

/// A container's log in numbers.
#[derive(Debug)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Lines that are in its file.
    pub lines: AtomicU64,
}

/// One container's open log file.
#[derive(Debug)]
pub struct ContainerLog {
    settings: Settings,
    path: PathBuf,
    file: File,
    bytes: u64,
    entry: Vec<u8>,
}

#[derive(Serialize)]
struct Entry<'a> {
    log: &'a str,
    stream: &'a str,
    time: String,
}

impl ContainerLog {
    /// Makes the container's folder, its `config.v2.json` and its empty log.
    ///
    /// # Errors
    /// The folder or a file cannot be made; the error names it.
    pub fn create(settings: Settings, identity: &Identity) -> io::Result<Self> {
        let Identity { id, pod, pod_uid } = identity;
        let folder = settings.containers.join(id);
        let named = |path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        };
        fs::create_dir_all(&folder).map_err(named(&folder))?;
        let config = serde_json::json!({
            "ID": id, "Name": format!("/k8s_sample-metrics-app_{pod}_default_{pod_uid}_0"),
            "Config": {"Image": "sample-metrics-app", "Labels": {
                "io.kubernetes.container.name": "sample-metrics-app", "io.kubernetes.pod.name": pod,
                "io.kubernetes.pod.namespace": "default", "io.kubernetes.pod.uid": pod_uid,
            }},
        });
        let config_path = folder.join("config.v2.json");
        fs::write(&config_path, config.to_string()).map_err(named(&config_path))?;
        let path = folder.join(format!("{id}-json.log"));
        let file = open(&path).map_err(named(&path))?;
        Ok(Self { settings, path, file, bytes: 0, entry: Vec::new() })
    }

    /// Writes `text` (at most [`ENTRY_BYTES`], with its newline if it has one) as one entry, rotating first if it is time.
    /// Bytes that are not UTF-8 become U+FFFD, as Docker has it.
    ///
    /// # Errors
    /// The entry is not in the file, not even a part of it: writing it again later is right.
    pub fn write(&mut self, stream: &str, text: &[u8], time: Timestamp) -> io::Result<()> {
        self.entry.clear();
        let entry = Entry { log: &String::from_utf8_lossy(text), stream, time: format!("{time:.9}") };
        serde_json::to_writer(&mut self.entry, &entry)?;
        self.entry.push(b'\n');
        let length = self.entry.len() as u64;
        if self.bytes > 0 && self.bytes + length > self.settings.max_bytes {
            self.rotate()?;
        }
        if let Err(error) = self.file.write_all(&self.entry) {
            // A full disk may have taken half of it; the next try starts from a clean line again.
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes += length;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let numbered = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        // A rotation whose last step failed has renamed everything already: again it would push out a file too early.
        if self.path.try_exists()? {
            for number in (1..self.settings.max_files.saturating_sub(1)).rev() {
                match fs::rename(numbered(number), numbered(number + 1)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            fs::rename(&self.path, numbered(1))?;
        }
        self.file = open(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(max_bytes: u64) -> (tempfile::TempDir, ContainerLog, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { containers: folder.path().to_owned(), max_bytes, max_files: 3 };
        let identity = Identity { id: "ab".repeat(32), pod: "p".into(), pod_uid: "u".into() };
        let log = ContainerLog::create(settings, &identity).unwrap();
        let path = log.path.clone();
        (folder, log, path)
    }

    #[test]
    fn an_entry_is_what_docker_writes() {
        let (_folder, mut log, path) = log(1000);
        log.write("stdout", b"say \"hi\" <b>\xff\n", "2026-11-24T05:00:00.5Z".parse().unwrap()).unwrap();
        let expected =
            "{\"log\":\"say \\\"hi\\\" <b>\u{fffd}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T05:00:00.500000000Z\"}\n";
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn a_rotation_that_could_not_open_its_new_file_goes_on_where_it_stopped() {
        let (_folder, mut log, path) = log(200);
        log.write("stdout", b"one\n", Timestamp::UNIX_EPOCH).unwrap();
        fs::rename(&path, format!("{}.1", path.display())).unwrap();
        log.rotate().unwrap();
        log.write("stdout", b"two\n", Timestamp::UNIX_EPOCH).unwrap();
        assert!(fs::read_to_string(format!("{}.1", path.display())).unwrap().contains("one"));
        assert!(!fs::exists(format!("{}.2", path.display())).unwrap());
        assert!(fs::read_to_string(&path).unwrap().contains("two"));
    }

    #[test]
    fn rotation_keeps_the_newest_files_and_cuts_no_entry() {
        let (_folder, mut log, path) = log(200);
        for number in 0..10 {
            log.write("stdout", format!("line {number}\n").as_bytes(), Timestamp::UNIX_EPOCH).unwrap();
        }
        let read = |suffix: &str| fs::read_to_string(format!("{}{suffix}", path.display())).unwrap_or_default();
        let all = read(".2") + &read(".1") + &read("");
        assert_eq!(read(".3"), "", "only three files are kept");
        assert!(all.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{all}");
        assert!(read("").contains("line 9") && read("").len() <= 200, "{}", read(""));
    }
}
