//! What a replica writes to stdout and stderr, line by line into its container's log. A log that cannot be written holds
//! the replica up, as Docker's blocking mode does, and loses nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStderr, ChildStdout};

use super::container_log::{Container, ENTRY_BYTES};
use super::replicas::Trouble;

/// A log that could not be written is tried again after this.
const RETRY: Duration = Duration::from_millis(500);

/// Copies both streams into the container's log until both have ended.
pub async fn capture(stdout: Option<ChildStdout>, stderr: Option<ChildStderr>, container: Arc<Container>, trouble: Arc<Trouble>) {
    tokio::join!(
        async {
            if let Some(stdout) = stdout {
                copy(stdout, "stdout", &container, &trouble).await;
            }
        },
        async {
            if let Some(stderr) = stderr {
                copy(stderr, "stderr", &container, &trouble).await;
            }
        }
    );
}

async fn copy(mut from: impl AsyncRead + Unpin, stream: &str, container: &Container, trouble: &Trouble) {
    let mut buffer = vec![0; ENTRY_BYTES];
    let mut filled = 0;
    loop {
        // An error is the pipe's other end gone, which is the end.
        let length = from.read(&mut buffer[filled..]).await.unwrap_or(0);
        filled += length;
        let ended = length == 0;
        let mut begin = 0;
        while let Some(text) = entry(&buffer[begin..filled], ended) {
            begin += text.len();
            let ends_line = text.ends_with(b"\n") || (ended && begin == filled);
            write(container, stream, text, ends_line, trouble).await;
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

async fn write(container: &Container, stream: &str, text: &[u8], ends_line: bool, trouble: &Trouble) {
    let time = Timestamp::now();
    let mut failed = false;
    loop {
        // Bound first: the lock must not be held across the wait.
        let written = container.log().await.write(stream, text, time, ends_line);
        match written {
            Ok(()) if failed => return trouble.clear(),
            Ok(()) => return,
            Err(error) => trouble.set(format!("cannot write a container's log ({error}): replicas wait until it works again")),
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
