//! A container's log on disk, as Docker's json-file driver writes it, with everything that can happen to it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

/// Docker cuts longer lines into several entries.
const ENTRY_BYTES: usize = 16 * 1024;
/// Every entry has a time of its own, as on a real machine.
static CLOCK: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub struct Container {
    pub folder: PathBuf,
    pub path: PathBuf,
    /// The rest of an entry that is half written.
    half: Vec<u8>,
}

impl Container {
    /// Makes the container's folder, its configuration and its empty log.
    pub fn create(root: &Path, id: &str) -> Self {
        let folder = root.join(id);
        fs::create_dir_all(&folder).unwrap();
        let labels = json!({"io.kubernetes.pod.name": format!("pod-{id}"), "io.kubernetes.pod.namespace": "default", "io.kubernetes.container.name": "app"});
        fs::write(folder.join("config.v2.json"), json!({"ID": id, "Config": {"Labels": labels}}).to_string()).unwrap();
        let path = folder.join(format!("{id}-json.log"));
        File::create(&path).unwrap();
        Self { folder, path, half: Vec::new() }
    }

    /// Writes a line to stdout, as one entry or several.
    pub fn line(&mut self, text: &str) {
        self.write("stdout", &format!("{text}\n"));
    }

    /// Writes text to a stream.
    pub fn write(&mut self, stream: &str, text: &str) {
        let entries = entries(stream, text);
        self.append(&entries);
    }

    /// Writes a line of which the last entry is cut in the middle; [`Self::finish`] writes the rest.
    pub fn half_line(&mut self, text: &str) {
        let mut entries = entries("stdout", &format!("{text}\n"));
        let rest = entries.split_off(entries.len() - 20);
        self.append(&entries);
        self.half = rest;
    }

    /// Writes what is missing of a half line.
    pub fn finish(&mut self) {
        let half = std::mem::take(&mut self.half);
        OpenOptions::new().append(true).open(&self.path).unwrap().write_all(&half).unwrap();
    }

    pub fn append(&mut self, bytes: &[u8]) {
        self.finish();
        // Open and close, so that the name may mean another file each time.
        OpenOptions::new().append(true).create(true).open(&self.path).unwrap().write_all(bytes).unwrap();
    }

    /// The name of a rotated file.
    pub fn rotated(&self, number: u32) -> PathBuf {
        PathBuf::from(format!("{}.{number}", self.path.display()))
    }

    /// Renames the log away, keeping so many rotated files.
    pub fn rotate(&mut self, keep: u32) {
        self.finish();
        for number in (1..keep).rev() {
            if self.rotated(number).exists() {
                fs::rename(self.rotated(number), self.rotated(number + 1)).unwrap();
            }
        }
        fs::rename(&self.path, self.rotated(1)).unwrap();
        File::create(&self.path).unwrap();
    }

    /// Copies the log away and empties it.
    pub fn copy_truncate(&mut self, keep: u32) {
        self.copy(keep);
        self.truncate();
    }

    /// Copies the log away.
    pub fn copy(&mut self, keep: u32) {
        self.finish();
        for number in (1..keep).rev() {
            if self.rotated(number).exists() {
                fs::rename(self.rotated(number), self.rotated(number + 1)).unwrap();
            }
        }
        fs::copy(&self.path, self.rotated(1)).unwrap();
    }

    /// Empties the log.
    pub fn truncate(&mut self) {
        self.half.clear();
        OpenOptions::new().write(true).open(&self.path).unwrap().set_len(0).unwrap();
    }

    pub fn remove(self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// Text that fills an entry, so that the line goes on in the next one.
pub fn fragment(text: &str) -> String {
    format!("{text:~<ENTRY_BYTES$}")
}

fn entries(stream: &str, text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in text.as_bytes().chunks(ENTRY_BYTES) {
        let tick = CLOCK.fetch_add(1, Ordering::Relaxed);
        let time = format!("2026-11-24T05:{:02}:{:02}.{:09}Z", tick / 60_000 % 60, tick / 1000 % 60, tick % 1000 * 1_000_000);
        let entry = json!({"log": std::str::from_utf8(part).unwrap(), "stream": stream, "time": time});
        bytes.extend_from_slice(entry.to_string().as_bytes());
        bytes.push(b'\n');
    }
    bytes
}
