//! What every Binnacle program needs to be a daemon: a main function, logs, signals and drain, serving with and without
//! TLS, admin endpoints, durations, backoff. It knows no component and holds no idea of metrics, rates, replicas or log lines.

pub mod admin;
pub mod backoff;
pub mod duration;
pub mod log;
pub mod program;
pub mod serve;
pub mod shutdown;
pub mod tls;

pub use program::{failed, parse, start};
pub use shutdown::Shutdown;
