//! Signals and drain: one token, cancelled by SIGTERM, Ctrl-C or a closed terminal, that every task of a program watches.

use std::process::exit;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Cancelled when the program is to end: stop taking new work, finish what was taken within a bound, return.
pub type Shutdown = tokio_util::sync::CancellationToken;

/// The exit code after a second signal: 128 + SIGINT, as a shell reports it.
const ABORTED: i32 = 130;
/// Where the kernel says which signals this process ignores.
const STATUS: &str = "/proc/self/status";

/// Cancels `shutdown` at the first SIGTERM, SIGINT or SIGHUP; a second SIGTERM or SIGINT ends the process without
/// draining. A process that was started to ignore SIGHUP, as by nohup, goes on ignoring it.
///
/// # Errors
/// The system refused to install a signal handler.
pub fn on_signals(shutdown: &Shutdown) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Without a status nobody can tell, and the usual case is that it is not ignored.
    let outlives_terminal = std::fs::read_to_string(STATUS).is_ok_and(|status| ignores_hangup(&status));
    let mut hangup = if outlives_terminal { None } else { Some(signal(SignalKind::hangup())?) };
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        loop {
            let asked = tokio::select! {
                _ = terminate.recv() => true,
                _ = interrupt.recv() => true,
                () = closed(&mut hangup) => false,
            };
            match (shutdown.is_cancelled(), asked) {
                (false, _) => {
                    shutdown.cancel();
                    tracing::info!("signal received: draining");
                }
                (true, true) => {
                    tracing::warn!("second signal: ending without draining");
                    exit(ABORTED);
                }
                // A closing terminal says so more than once: the shell does, and the kernel.
                (true, false) => {}
            }
        }
    });
    Ok(())
}

async fn closed(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// `SigIgn: 0000000000001001`: a set of signals in hexadecimal, of which SIGHUP is the lowest bit.
fn ignores_hangup(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_read_from_the_status() {
        let check = |status: &str, expected: bool| assert_eq!(ignores_hangup(status), expected, "{status}");
        check("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n", false);
        check("SigIgn:\t0000000000001001\n", true);
        check("SigIgn:\tnone\n", false);
        check("", false);
    }
}
