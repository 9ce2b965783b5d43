//! The sample application: an HTTP server that counts its requests in `http_requests_total` and writes a JSON line a
//! request to stdout. It stands for the user's own application and knows nothing of the stack around it.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Parser;
use daemon::Shutdown;
use jiff::Timestamp;

/// Every so many orders one is declined, so that there is an error to find in the logs.
const DECLINED_EVERY: u64 = 50;

/// An HTTP server with a counter: the application that the stack observes and scales
#[derive(Parser, Debug)]
#[command(name = "sample-app", version)]
pub struct Args {
    /// The address to serve on
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    listen_address: String,
    /// Serve on the listening socket that the parent passed as standard input
    #[arg(long, hide = true)]
    listener_from_stdin: bool,
    #[command(flatten)]
    log: daemon::log::LogArgs,
}

/// Requests answered, by status.
#[derive(Debug, Default)]
struct Requests {
    ok: AtomicU64,
    declined: AtomicU64,
    orders: AtomicU64,
}

/// Parses `arguments` and serves until a signal.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match daemon::parse::<Args>(arguments) {
        Ok(args) => args,
        Err(code) => return code,
    };
    daemon::start(args.log, |shutdown| async move {
        let listener = if args.listener_from_stdin {
            daemon::serve::from_stdin()?
        } else {
            daemon::serve::bind("--listen-address", &args.listen_address)?
        };
        Ok(run(listener, shutdown).await?)
    })
}

/// Serves on `listener` until `shutdown`: `/metrics`, `/healthz`, and any other path as the application's own.
///
/// # Errors
/// The listener failed.
pub async fn run(listener: TcpListener, shutdown: Shutdown) -> std::io::Result<()> {
    let requests = Arc::new(Requests::default());
    let application = Router::new().fallback(answer);
    let router = Router::new().route("/metrics", get(metrics)).route("/healthz", get(|| async { "ok" })).merge(application);
    daemon::serve::http(tokio::net::TcpListener::from_std(listener)?, router.with_state(requests), shutdown).await
}

async fn answer(State(requests): State<Arc<Requests>>, request: Request) -> Result<Response, Infallible> {
    let started = Instant::now();
    let path = request.uri().path();
    let number = requests.ok.load(Ordering::Relaxed) + requests.declined.load(Ordering::Relaxed) + 1;
    let is_declined = path == "/orders" && (requests.orders.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(DECLINED_EVERY);
    let (status, count, level, message) = if is_declined {
        (StatusCode::PAYMENT_REQUIRED, &requests.declined, "error", "payment declined")
    } else {
        (StatusCode::OK, &requests.ok, "info", "request served")
    };
    count.fetch_add(1, Ordering::Relaxed);
    let line = serde_json::json!({
        "time": Timestamp::now().to_string(), "level": level, "msg": message, "method": request.method().as_str(),
        "path": path, "status": status.as_u16(), "duration_us": started.elapsed().as_micros(), "request": number,
    });
    // A full pipe blocks here, as it blocks every program that writes to a container's stdout; a closed one means the end.
    let _written = writeln!(std::io::stdout().lock(), "{line}");
    Ok((status, message).into_response())
}

async fn metrics(State(requests): State<Arc<Requests>>) -> impl IntoResponse {
    let (ok, declined) = (requests.ok.load(Ordering::Relaxed), requests.declined.load(Ordering::Relaxed));
    let text = format!(
        "# HELP http_requests_total Requests answered, by status code.\n# TYPE http_requests_total counter\n\
         http_requests_total{{code=\"200\"}} {ok}\nhttp_requests_total{{code=\"402\"}} {declined}\n"
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
