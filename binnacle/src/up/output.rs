//! What a replica writes to stdout and stderr, line by line into its container's log. A log that cannot be written holds
//! the replica up, as Docker's blocking mode does, and loses nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::Mutex;

use super::container_log::{Container, ContainerLog, ENTRY_BYTES};
use super::part::{Part, State};

/// A log that could not be written is tried again after this.
const RETRY: Duration = Duration::from_millis(500);

/// Copies both streams into `log` until both have ended.
pub async fn capture(
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    log: ContainerLog,
    container: Arc<Container>,
    part: Arc<Part>,
) {
    let log = Mutex::new(log);
    tokio::join!(
        async {
            if let Some(stdout) = stdout {
                copy(stdout, "stdout", &log, &container, &part).await;
            }
        },
        async {
            if let Some(stderr) = stderr {
                copy(stderr, "stderr", &log, &container, &part).await;
            }
        }
    );
}

async fn copy(mut from: impl AsyncRead + Unpin, stream: &str, log: &Mutex<ContainerLog>, container: &Container, part: &Part) {
    let mut buffer = vec![0; ENTRY_BYTES];
    let mut filled = 0;
    loop {
        // An error is the pipe's other end gone, which is the end.
        let length = from.read(&mut buffer[filled..]).await.unwrap_or(0);
        filled += length;
        let ended = length == 0;
        let mut begin = 0;
        while let Some(text) = entry(&buffer[begin..filled], ended) {
            write(log, stream, text, part).await;
            begin += text.len();
            // A line may be several entries; it is counted when it ends.
            container.lines.fetch_add(u64::from(text.ends_with(b"\n") || (ended && begin == filled)), Ordering::Relaxed);
        }
        if ended {
            return;
        }
        buffer.copy_within(begin..filled, 0);
        filled -= begin;
    }
}

/// The next entry at the start of `bytes`: a line, a full buffer without a line's end, or what is left at the end.
fn entry(bytes: &[u8], ended: bool) -> Option<&[u8]> {
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) => Some(&bytes[..=end]),
        None if bytes.len() == ENTRY_BYTES || (ended && !bytes.is_empty()) => Some(bytes),
        None => None,
    }
}

async fn write(log: &Mutex<ContainerLog>, stream: &str, text: &[u8], part: &Part) {
    let time = Timestamp::now();
    let mut failed = false;
    loop {
        // Bound first: the lock must not be held across the wait.
        let written = log.lock().await.write(stream, text, time);
        match written {
            Ok(()) if failed => return part.set(State::Up, ""),
            Ok(()) => return,
            Err(error) => {
                part.set(State::Degraded, format!("cannot write a container's log ({error}): replicas wait until it works again"))
            }
        }
        failed = true;
        tokio::time::sleep(RETRY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_lines_full_buffers_or_the_rest() {
        let long = vec![b'x'; ENTRY_BYTES];
        let check =
            |bytes: &[u8], ended: bool, expected: Option<usize>| assert_eq!(entry(bytes, ended).map(<[u8]>::len), expected);
        check(b"one\ntwo", false, Some(4));
        check(b"two", false, None);
        check(b"two", true, Some(3));
        check(b"", true, None);
        check(&long, false, Some(ENTRY_BYTES));
    }
}
