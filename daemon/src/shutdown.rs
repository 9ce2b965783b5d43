//! Signals and drain: one token, cancelled by SIGTERM or Ctrl-C, that every task of a program watches.

use std::process::exit;

use tokio::signal::unix::{SignalKind, signal};

/// Cancelled when the program is to end: stop taking new work, finish what was taken within a bound, return.
pub type Shutdown = tokio_util::sync::CancellationToken;

/// The exit code after a second signal: 128 + SIGINT, as a shell reports it.
const ABORTED: i32 = 130;

/// Cancels `shutdown` at the first SIGTERM or SIGINT; the second ends the process without draining.
///
/// # Errors
/// The system refused to install a signal handler.
pub fn on_signals(shutdown: &Shutdown) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                tracing::warn!("second signal: ending without draining");
                exit(ABORTED);
            }
            shutdown.cancel();
            tracing::info!("signal received: draining");
        }
    });
    Ok(())
}
