//! Asking mounts how full they are, when any of them may never answer. One thread asks them in turn. When it says nothing
//! for a moment, another goes on with the rest, and the first stays with its mount, which is not asked again until that
//! answer comes. So a dead server costs one thread for each of its mounts, never one for each try.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;

/// A healthy mount answers in microseconds, a slow one in milliseconds: after this the rest is given to another thread.
const PATIENCE: Duration = Duration::from_millis(100);
/// Threads at most, those of stuck mounts included. With more stuck mounts, others are told to be stuck as well.
const MAX_WORKERS: usize = 64;
/// A worker calls statfs and sends a message.
const STACK: usize = 64 << 10;
/// The label of a mount that does not answer, as upstream has it.
const TIMEOUT: &str = "mountpoint timeout";

/// How full a file system is, in bytes and file nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Space {
    pub size: f64,
    pub free: f64,
    pub available: f64,
    pub files: f64,
    pub files_free: f64,
}

/// The space, or why it is not known: the text of the label `device_error`.
pub type Verdict = Result<Space, &'static str>;

type Ask = fn(&Path) -> Verdict;

/// The threads that ask, and what they have not answered yet.
pub struct Probe {
    timeout: Duration,
    ask: Ask,
    jobs: Sender<PathBuf>,
    queue: Arc<Mutex<Receiver<PathBuf>>>,
    answered: Sender<(PathBuf, Verdict)>,
    answers: Receiver<(PathBuf, Verdict)>,
    stuck: HashSet<PathBuf>,
    workers: usize,
}

impl Probe {
    /// Mounts that say nothing for `timeout` are stuck.
    pub fn new(timeout: Duration) -> Self {
        Self::asking(timeout, statfs)
    }

    fn asking(timeout: Duration, ask: Ask) -> Self {
        let (jobs, queue) = channel();
        let (answered, answers) = channel();
        Self { timeout, ask, jobs, queue: Arc::new(Mutex::new(queue)), answered, answers, stuck: HashSet::new(), workers: 0 }
    }

    /// Asks all mount points and returns their answers in order, within the timeout and a moment.
    pub fn ask(&mut self, paths: Vec<PathBuf>) -> Vec<Verdict> {
        self.take_late_answers();
        let mut waiting: HashSet<&PathBuf> = paths.iter().filter(|path| !self.stuck.contains(*path)).collect();
        for path in &waiting {
            // Fails only without a receiver, and `queue` is one.
            let _sent = self.jobs.send((*path).clone());
        }
        if !waiting.is_empty() && self.workers <= self.stuck.len() {
            self.add_worker();
        }
        let mut verdicts = HashMap::new();
        let deadline = Instant::now() + self.timeout;
        while !waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left.min(PATIENCE)) {
                Ok((path, verdict)) => {
                    self.stuck.remove(&path);
                    waiting.remove(&path);
                    verdicts.insert(path, verdict);
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => break,
                Err(RecvTimeoutError::Timeout) => self.add_worker(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.give_up(waiting.into_iter().cloned().collect());
        paths.iter().map(|path| verdicts.get(path).copied().unwrap_or(Err(TIMEOUT))).collect()
    }

    fn take_late_answers(&mut self) {
        while let Ok((path, _)) = self.answers.try_recv() {
            if self.stuck.remove(&path) {
                tracing::info!(mountpoint = %path.display(), "a stuck mount answers again");
            }
        }
    }

    fn give_up(&mut self, mut waiting: HashSet<PathBuf>) {
        if waiting.is_empty() {
            return;
        }
        // What no thread has taken up yet is no thread's burden: it is asked again next time. A free thread waits with the
        // queue in its hands, but then the queue is empty.
        if let Ok(queue) = self.queue.try_lock() {
            while let Ok(path) = queue.try_recv() {
                waiting.remove(&path);
            }
        }
        for path in waiting {
            tracing::warn!(mountpoint = %path.display(), "a mount does not answer and is left out until it does");
            self.stuck.insert(path);
        }
    }

    fn add_worker(&mut self) {
        if self.workers >= MAX_WORKERS {
            return;
        }
        let (queue, answered, ask) = (Arc::clone(&self.queue), self.answered.clone(), self.ask);
        let worker = move || {
            loop {
                let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(path) = job else { return };
                let verdict = ask(&path);
                if answered.send((path, verdict)).is_err() {
                    return;
                }
            }
        };
        match thread::Builder::new().name("statfs".to_owned()).stack_size(STACK).spawn(worker) {
            Ok(_detached) => self.workers += 1,
            Err(error) => tracing::warn!(%error, "no thread to ask mounts with"),
        }
    }
}

fn statfs(path: &Path) -> Verdict {
    let space = rustix::fs::statfs(path).map_err(describe)?;
    let block = space.f_bsize as f64;
    Ok(Space {
        size: space.f_blocks as f64 * block,
        free: space.f_bfree as f64 * block,
        available: space.f_bavail as f64 * block,
        files: space.f_files as f64,
        files_free: space.f_ffree as f64,
    })
}

// Go's words, since they are label values that rules may match; a closed set, so that series do not multiply.
const fn describe(error: Errno) -> &'static str {
    match error {
        Errno::ACCESS => "permission denied",
        Errno::PERM => "operation not permitted",
        Errno::NOENT => "no such file or directory",
        Errno::NOTDIR => "not a directory",
        Errno::IO => "input/output error",
        Errno::STALE => "stale NFS file handle",
        Errno::NOTCONN => "transport endpoint is not connected",
        Errno::CONNABORTED => "software caused connection abort",
        Errno::TIMEDOUT => "connection timed out",
        Errno::HOSTDOWN => "host is down",
        Errno::HOSTUNREACH => "no route to host",
        Errno::NODEV => "no such device",
        Errno::NXIO => "no such device or address",
        Errno::LOOP => "too many levels of symbolic links",
        Errno::NAMETOOLONG => "file name too long",
        Errno::NOSYS => "function not implemented",
        _ => "unknown error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: Space = Space { size: 1.0, free: 1.0, available: 1.0, files: 1.0, files_free: 1.0 };

    // A mount is a directory; it hangs as long as the file `hung` is in it.
    fn directory(path: &Path) -> Verdict {
        while path.join("hung").exists() {
            thread::sleep(Duration::from_millis(2));
        }
        Ok(SPACE)
    }

    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter(|task| {
                let name = std::fs::read_to_string(task.as_ref().unwrap().path().join("comm"));
                name.is_ok_and(|name| name.trim() == "statfs")
            })
            .count()
    }

    #[test]
    fn a_stuck_mount_costs_one_thread_and_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["a", "b", "c"].iter().map(|name| root.path().join(name)).collect();
        paths.iter().for_each(|path| std::fs::create_dir(path).unwrap());
        let mut probe = Probe::asking(Duration::from_millis(300), directory);
        assert_eq!(probe.ask(paths.clone()), [Ok(SPACE); 3]);
        assert_eq!(probe.workers, 1);
        std::fs::write(paths[1].join("hung"), "").unwrap();
        assert_eq!(probe.ask(paths.clone()), [Ok(SPACE), Err(TIMEOUT), Ok(SPACE)]);
        let workers = probe.workers;
        for _ in 0..20 {
            let start = Instant::now();
            assert_eq!(probe.ask(paths.clone()), [Ok(SPACE), Err(TIMEOUT), Ok(SPACE)]);
            assert!(start.elapsed() < Duration::from_millis(250), "a known stuck mount is waited for");
        }
        assert_eq!(probe.workers, workers, "retries cost threads");
        std::fs::remove_file(paths[1].join("hung")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while probe.ask(paths.clone())[1].is_err() {
            assert!(Instant::now() < deadline, "the mount did not come back");
        }
        assert_eq!(probe.workers, workers);
        drop(probe);
        while threads() > 0 {
            assert!(Instant::now() < deadline, "threads are left behind");
        }
    }

    #[test]
    fn real_directories_answer_and_absent_ones_say_why() {
        let verdicts = Probe::new(Duration::from_secs(5)).ask(vec!["/".into(), "/no/such/place".into()]);
        assert!(verdicts[0].is_ok_and(|space| space.size > 0.0 && space.size >= space.free));
        assert_eq!(verdicts[1], Err("no such file or directory"));
    }
}
