//! The accept loop of every server, plain or TLS: as many connections as there are places, each in a task of its own,
//! all of them ended when it ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::connection::Visit;
use super::patience::Bounds;
use crate::shutdown::Shutdown;

/// How long requests under way may take after shutdown: half of the 5 s within which the whole stack ends.
const DRAIN: Duration = Duration::from_millis(2500);
/// Connections at once: far more than scrapers and probes open, and with TLS some 40 MiB if each holds its buffers.
const PLACES: usize = 1024;
/// As much as an honest client on a bad line needs for a handshake or the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// With every place taken, whoever waits comes before whoever dallies.
const HURRIED: Duration = Duration::from_secs(2);
/// Twice the longest usual scrape interval, so that scrapers keep their connections; longer than any answer takes.
const QUIET: Duration = Duration::from_secs(120);
/// Wait after a failed accept, such as one for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The same trouble is logged no more often.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// The bounds of this process's servers: at most half of its file descriptors are for connections.
pub fn bounds() -> Bounds {
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    Bounds { places: PLACES.min(files / 2).max(1), head: HEAD, hurried: HURRIED, quiet: QUIET }
}

/// Serves `router` on what `listener` accepts, behind TLS if there is an acceptor, until `shutdown`; then lets requests
/// under way finish within [`DRAIN`].
///
/// # Errors
/// The listener failed for good.
pub async fn run(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    shutdown: Shutdown,
    bounds: Bounds,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(bounds.places));
    let (mut full, mut failing) = (Seldom::default(), Seldom::default());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places, &mut full) => accepted,
            Some(_) = connections.join_next() => continue,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                // The loop holds one place for the next caller, so that none is left when all the others are taken.
                let crowded = {
                    let places = places.clone();
                    move || places.available_permits() == 0
                };
                let visit = Visit { tls: tls.clone(), router: router.clone(), bounds, crowded, shutdown: shutdown.clone() };
                connections.spawn(async move {
                    if let Err(reason) = visit.serve(stream).await {
                        tracing::debug!(%peer, reason, "connection closed");
                    }
                    drop(place);
                });
            }
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK) => return Err(error),
                // The caller went away while it waited: nothing is wrong with us.
                Some(Errno::CONNABORTED | Errno::CONNRESET) => {}
                _ => {
                    if failing.due(Instant::now()) {
                        tracing::warn!(%error, "cannot accept connections: callers wait");
                    }
                    tokio::select! {
                        () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                        () = shutdown.cancelled() => break,
                    }
                }
            },
        }
    }
    // Callers in the queue are refused instead of kept waiting, unless another process holds the socket too.
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests under way were cut off at the end");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    full: &mut Seldom,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    if places.available_permits() == 0 && full.due(Instant::now()) {
        tracing::warn!("every place for a connection is taken: callers wait");
    }
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// Says whether a trouble is to be logged again.
#[derive(Debug, Default)]
struct Seldom(Option<Instant>);

impl Seldom {
    fn due(&mut self, now: Instant) -> bool {
        let due = self.0.is_none_or(|said| now.saturating_duration_since(said) >= LOG_PAUSE);
        if due {
            self.0 = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests;
