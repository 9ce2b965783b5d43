//! One connection, from the handshake to the last answer: its requests go to the router, and what moves on it is noted.
//! It keeps no list of its neighbours.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, Version};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::patience::{Activity, Bounds};
use crate::shutdown::Shutdown;

/// How often a connection is looked at: the bounds are kept to within this.
const LOOK: Duration = Duration::from_secs(1);
/// For the last words on an overdue connection, such as HTTP/2's GOAWAY.
const GOODBYE: Duration = Duration::from_secs(1);

/// What one connection is served with.
pub struct Visit<C> {
    /// The handshake before everything else, if there is one.
    pub tls: Option<TlsAcceptor>,
    /// What answers.
    pub router: Router,
    /// How long it may keep its place.
    pub bounds: Bounds,
    /// Whether others may be waiting for that place.
    pub crowded: C,
    /// After it, requests under way are answered and no more are taken.
    pub shutdown: Shutdown,
}

impl<C: Fn() -> bool> Visit<C> {
    /// Serves `stream` until its client goes, it is overdue, or the shutdown is done.
    ///
    /// # Errors
    /// Why it did not end well.
    pub async fn serve(self, stream: TcpStream) -> Result<(), String> {
        let activity = Arc::new(Activity::new(Instant::now()));
        let stream = Watched { stream, activity: activity.clone() };
        let Some(acceptor) = self.tls.clone() else {
            return self.talk(stream, activity).await;
        };
        let shaken = tokio::select! {
            shaken = acceptor.accept(stream) => shaken,
            why = self.overdue(&activity) => return Err(format!("TLS handshake: {why}")),
            () = self.shutdown.cancelled() => return Ok(()),
        };
        self.talk(shaken.map_err(|error| format!("TLS handshake: {error}"))?, activity).await
    }

    async fn talk<S>(&self, stream: S, activity: Arc<Activity>) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, noted) = (self.router.clone(), activity.clone());
        let service = service_fn(move |request| answer(request, router.clone(), noted.clone()));
        let builder = Builder::new(TokioExecutor::new());
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut overdue = pin!(self.overdue(&activity));
        let mut draining = false;
        let why = loop {
            tokio::select! {
                ended = connection.as_mut() => return ended.map_err(|error| error.to_string()),
                why = overdue.as_mut() => break why,
                () = self.shutdown.cancelled(), if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        connection.as_mut().graceful_shutdown();
        // Whatever it says now, it ends.
        let _ended = tokio::time::timeout(GOODBYE.min(self.bounds.hurried), connection).await;
        Err(why.to_owned())
    }

    /// Ends when the connection must, with the reason.
    async fn overdue(&self, activity: &Activity) -> &'static str {
        loop {
            tokio::time::sleep(LOOK.min(self.bounds.hurried)).await;
            if let Some(why) = activity.overdue(Instant::now(), (self.crowded)(), &self.bounds) {
                return why;
            }
        }
    }
}

async fn answer(request: Request<Incoming>, router: Router, activity: Arc<Activity>) -> Result<Response<Answer>, Infallible> {
    let under_way = UnderWay::new(activity, request.version() == Version::HTTP_2);
    let response = router.oneshot(request).await?;
    Ok(response.map(|body| Answer { body, _under_way: under_way }))
}

/// A request from its head to the end of its answer.
struct UnderWay(Arc<Activity>);

impl UnderWay {
    fn new(activity: Arc<Activity>, multiplexed: bool) -> Self {
        activity.began(multiplexed);
        Self(activity)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended(Instant::now());
    }
}

/// The body of an answer, which holds its request under way.
struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that notes when bytes move on it.
struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(count)) if count > 0) {
            self.activity.said(Instant::now());
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.heard(Instant::now());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
