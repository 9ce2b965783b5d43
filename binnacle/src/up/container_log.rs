//! A container's log on disk, as Docker's json-file driver writes it: one JSON object a line, entries of at most 16 KiB,
//! rotation by rename at a size. It reads the container's output; it does not ship it.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Mutex, MutexGuard};

/// Docker cuts longer lines into several entries, of which only the last ends in a newline (moby daemon/logger/copier.go).
pub const ENTRY_BYTES: usize = 16 * 1024;

/// Rotated files of one container that may wait to be stored, half a gigabyte of 10 MB each: beyond them the container waits,
/// as on a full disk.
const MAX_ROTATED: usize = 50;

/// Where and how large the log is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of all containers, such as /var/lib/docker/containers.
    pub containers: PathBuf,
    /// A file is rotated before it grows beyond this (Docker's `max-size`).
    pub max_bytes: u64,
    /// Files a container keeps once their lines are stored, the current one included (Docker's `max-file`).
    pub max_files: usize,
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

/// One container: who it is, and its log for whoever writes or tidies it.
#[derive(Debug)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    log: Mutex<ContainerLog>,
}

impl Container {
    /// Makes the container's folder, its `config.v2.json` and its empty log. `total` counts the lines of all containers.
    ///
    /// # Errors
    /// The folder or a file cannot be made; the error names it.
    pub fn create(settings: Settings, identity: &Identity, total: Arc<AtomicU64>) -> io::Result<Arc<Self>> {
        let log = Mutex::new(ContainerLog::create(settings, identity, total)?);
        Ok(Arc::new(Self { id: identity.id.clone(), log }))
    }

    /// Its log, for one at a time.
    pub async fn log(&self) -> MutexGuard<'_, ContainerLog> {
        self.log.lock().await
    }
}

/// One container's open log file.
#[derive(Debug)]
pub struct ContainerLog {
    settings: Settings,
    path: PathBuf,
    file: File,
    bytes: u64,
    entry: Vec<u8>,
    lines: u64,
    total: Arc<AtomicU64>,
    // For each rotated file, newest first, the lines of the log up to its end.
    rotated: VecDeque<u64>,
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
    fn create(settings: Settings, identity: &Identity, total: Arc<AtomicU64>) -> io::Result<Self> {
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
        Ok(Self { settings, path, file, bytes: 0, entry: Vec::new(), lines: 0, total, rotated: VecDeque::new() })
    }

    /// Writes `text` (at most [`ENTRY_BYTES`], with its newline if it has one) as one entry, rotating first if it is time.
    /// A line may be several entries; `ends_line` says that this is its last. Bytes that are not UTF-8 become U+FFFD, as
    /// Docker has it.
    ///
    /// # Errors
    /// The entry is not in the file, not even a part of it: writing it again later is right.
    pub fn write(&mut self, stream: &str, text: &[u8], time: Timestamp, ends_line: bool) -> io::Result<()> {
        self.entry.clear();
        let entry = Entry { log: &String::from_utf8_lossy(text), stream, time: time.to_string() };
        append_json(&mut self.entry, &serde_json::to_string(&entry)?);
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
        self.lines += u64::from(ends_line);
        self.total.fetch_add(u64::from(ends_line), Ordering::Relaxed);
        Ok(())
    }

    /// Lines that were written whole.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// The lines that must be stored before the oldest file may go; none while there are no more files than wanted.
    pub fn surplus_lines(&self) -> Option<u64> {
        let files = self.rotated.len() + 1;
        if files > self.settings.max_files { self.rotated.back().copied() } else { None }
    }

    /// Deletes the oldest rotated file.
    ///
    /// # Errors
    /// The system refuses.
    pub fn drop_oldest(&mut self) -> io::Result<()> {
        fs::remove_file(self.numbered(self.rotated.len()))?;
        self.rotated.pop_back();
        Ok(())
    }

    /// Deletes the container's folder.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove(&self) -> io::Result<()> {
        self.path.parent().map_or(Ok(()), fs::remove_dir_all)
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    fn rotate(&mut self) -> io::Result<()> {
        if self.rotated.len() >= MAX_ROTATED {
            let message = format!("{MAX_ROTATED} rotated files wait for the log agent; no more are made until it has caught up");
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, message));
        }
        // A rotation whose last step failed has renamed everything already.
        if self.path.try_exists()? {
            for number in (1..=self.rotated.len()).rev() {
                fs::rename(self.numbered(number), self.numbered(number + 1))?;
            }
            fs::rename(&self.path, self.numbered(1))?;
            self.rotated.push_front(self.lines);
        }
        self.file = open(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

/// Appends a line of JSON as Docker writes it: `<`, `>`, `&` and U+FFFD as escapes (moby daemon/logger/jsonfilelog/jsonlog).
fn append_json(line: &mut Vec<u8>, json: &str) {
    for letter in json.chars() {
        match letter {
            '<' => line.extend_from_slice(b"\\u003c"),
            '>' => line.extend_from_slice(b"\\u003e"),
            '&' => line.extend_from_slice(b"\\u0026"),
            '\u{fffd}' => line.extend_from_slice(b"\\ufffd"),
            _ => line.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    line.push(b'\n');
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
        let log = ContainerLog::create(settings, &identity, Arc::default()).unwrap();
        let path = log.path.clone();
        (folder, log, path)
    }

    fn write(log: &mut ContainerLog, text: &str) {
        log.write("stdout", text.as_bytes(), Timestamp::UNIX_EPOCH, true).unwrap();
    }

    #[test]
    fn an_entry_is_what_docker_writes() {
        let (_folder, mut log, path) = log(1000);
        log.write("stdout", b"say \"hi\" <b>&\xff\n", "2026-11-24T05:00:00.5Z".parse().unwrap(), true).unwrap();
        let expected = r#"{"log":"say \"hi\" \u003cb\u003e\u0026\ufffd\n","stream":"stdout","time":"2026-11-24T05:00:00.5Z"}"#
            .to_owned()
            + "\n";
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn rotation_cuts_no_entry_and_deletes_only_what_is_stored() {
        let (_folder, mut log, path) = log(200);
        (0..10).for_each(|number| write(&mut log, &format!("line {number}\n")));
        let read = |number: usize| fs::read_to_string(format!("{}.{number}", path.display())).unwrap_or_default();
        assert_eq!(log.rotated, [8, 6, 4, 2]);
        assert!(read(4).contains("line 0") && read(1).contains("line 7"), "{}", read(1));
        assert_eq!(log.surplus_lines(), Some(2));
        log.drop_oldest().unwrap();
        assert_eq!((read(4).as_str(), log.surplus_lines()), ("", Some(4)));
        log.drop_oldest().unwrap();
        assert_eq!((log.surplus_lines(), log.lines()), (None, 10));
        log.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_log_that_nobody_ships_stops_growing_and_loses_nothing() {
        let (_folder, mut log, path) = log(100);
        (0..=MAX_ROTATED).for_each(|_| write(&mut log, "a line that fills a whole file of its own\n"));
        let error = log.write("stdout", b"more\n", Timestamp::UNIX_EPOCH, true).unwrap_err();
        assert!(error.to_string().contains("log agent"), "{error}");
        assert!(fs::exists(format!("{}.{MAX_ROTATED}", path.display())).unwrap());
        log.drop_oldest().unwrap();
        write(&mut log, "more\n");
    }

    #[test]
    fn a_rotation_that_could_not_open_its_new_file_goes_on_where_it_stopped() {
        let (_folder, mut log, path) = log(200);
        write(&mut log, "one\n");
        fs::rename(&path, log.numbered(1)).unwrap();
        log.rotate().unwrap();
        write(&mut log, "two\n");
        assert!(fs::read_to_string(log.numbered(1)).unwrap().contains("one"));
        assert!(!log.numbered(2).exists());
        assert!(fs::read_to_string(&path).unwrap().contains("two"));
    }
}
