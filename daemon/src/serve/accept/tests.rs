//! The accept loop over real sockets, with bounds small enough to be met.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::*;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// Fewer places than there are clients in any test here.
const FEW: Bounds =
    Bounds { places: 4, head: Duration::from_millis(300), hurried: Duration::from_millis(100), quiet: Duration::from_secs(60) };
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";

struct Server {
    address: SocketAddr,
    shutdown: Shutdown,
    running: JoinHandle<io::Result<()>>,
}

async fn serve(tls: Option<TlsAcceptor>, bounds: Bounds, router: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    Server { address, shutdown: shutdown.clone(), running: tokio::spawn(run(listener, tls, router, shutdown, bounds)) }
}

fn hello() -> Router {
    Router::new().route("/", axum::routing::get(|| async { "hello" }))
}

impl Server {
    async fn open(&self, first: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        stream
    }

    async fn ended(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

/// Everything that comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end too.
    let _end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads an answer up to its body's last word, and leaves the connection open.
async fn read_until(stream: &mut TcpStream, last: &str) {
    let mut text = Vec::new();
    while !text.ends_with(last.as_bytes()) {
        let count = tokio::time::timeout(PATIENCE, stream.read_buf(&mut text)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {}", String::from_utf8_lossy(&text));
    }
}

#[tokio::test]
async fn half_sent_requests_do_not_stop_the_server_for_ever() {
    let server = serve(None, FEW, hello()).await;
    let mut held = Vec::new();
    for first in ["GET / HTTP/1.1\r\nhost: h", "", "PRI * HT", "GET"].iter().cycle().take(5 * FEW.places) {
        held.push(server.open(first.as_bytes()).await);
    }
    let answer = rest(&mut server.open(REQUEST).await).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    drop(held);
    server.ended().await;
}

#[tokio::test]
async fn clients_that_never_shake_hands_do_not_stop_the_server_for_ever() {
    let config = crate::tls::self_signed(&["localhost"]).unwrap();
    let server = serve(Some(config.into()), FEW, hello()).await;
    let mut held = Vec::new();
    for _ in 0..5 * FEW.places {
        held.push(server.open(&[22, 3, 1]).await);
    }
    for stream in &mut held {
        assert_eq!(rest(stream).await, "", "closed without a word");
    }
    // Plain HTTP is answered at once with a TLS alert: the server is there.
    assert!(!rest(&mut server.open(REQUEST).await).await.is_empty());
    server.ended().await;
}

#[tokio::test]
async fn resting_connections_give_way_when_every_place_is_taken() {
    let server = serve(None, FEW, hello()).await;
    let mut resting = Vec::new();
    for _ in 0..FEW.places {
        let mut stream = server.open(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await;
        read_until(&mut stream, "hello").await;
        resting.push(stream);
    }
    assert!(rest(&mut server.open(REQUEST).await).await.ends_with("hello"));
    drop(resting);
    server.ended().await;
}

#[tokio::test]
async fn a_scraper_keeps_its_connection_longer_than_a_head_may_take() {
    let server = serve(None, FEW, hello()).await;
    let mut stream = server.open(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await;
    read_until(&mut stream, "hello").await;
    // Another client's time is up first, which was waited for as long as a head may take.
    assert_eq!(rest(&mut server.open(b"").await).await, "");
    stream.write_all(REQUEST).await.unwrap();
    assert!(rest(&mut stream).await.ends_with("hello"));
    server.ended().await;
}

#[tokio::test]
async fn a_request_under_way_is_answered_after_shutdown_and_idle_connections_are_not_waited_for() {
    let (began, mut beginning) = tokio::sync::mpsc::channel(1);
    let finish = Arc::new(Semaphore::new(0));
    let wait = finish.clone();
    let slow = Router::new().route(
        "/",
        axum::routing::get(move || async move {
            began.send(()).await.unwrap();
            drop(wait.acquire().await.unwrap());
            "done"
        }),
    );
    let server = serve(None, Bounds { head: PATIENCE, ..FEW }, slow).await;
    let mut idle = server.open(b"").await;
    let mut asking = server.open(REQUEST).await;
    beginning.recv().await.unwrap();
    server.shutdown.cancel();
    assert_eq!(rest(&mut idle).await, "", "an idle connection is closed first");
    finish.add_permits(1);
    assert!(rest(&mut asking).await.ends_with("done"));
    server.ended().await;
}

#[tokio::test]
async fn a_listener_that_is_gone_ends_the_server_with_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let other = listener.try_clone().unwrap();
    let running = tokio::spawn(run(TcpListener::from_std(listener).unwrap(), None, hello(), Shutdown::new(), FEW));
    rustix::net::shutdown(&other, rustix::net::Shutdown::Both).unwrap();
    assert!(tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().is_err());
}

#[test]
fn the_same_trouble_is_logged_once_a_minute() {
    let (mut seldom, start) = (Seldom::default(), Instant::now());
    let said: Vec<u64> = (0..150).filter(|second| seldom.due(start + Duration::from_secs(*second))).collect();
    assert_eq!(said, [0, 60, 120]);
}

#[test]
fn connections_leave_half_of_the_descriptors_to_the_program() {
    let places = bounds().places as u64;
    assert!(places <= 1024 && getrlimit(Resource::Nofile).current.is_none_or(|files| places <= (files / 2).max(1)));
}
