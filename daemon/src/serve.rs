//! Listening and serving: bind with an error that says what to do, take a listener over from the parent process, serve a
//! router with or without TLS until shutdown, and drain within a bound.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::TcpListener;

use crate::shutdown::Shutdown;

mod accept;
mod connection;
mod patience;

/// An address that cannot be listened on, or a listener that cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process has the port.
    #[error("{flag}: address {address} is in use by another process: end it, or choose another port with {flag}")]
    InUse {
        /// The flag that chose the address.
        flag: &'static str,
        /// The address that was asked for.
        address: String,
    },
    /// Anything else: no such address, no permission.
    #[error("{flag}: cannot listen on {address}: {source}")]
    Refused {
        /// The flag that chose the address.
        flag: &'static str,
        /// The address that was asked for.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// Standard input is not a listening TCP socket.
    #[error("standard input is not a listening socket: {0}")]
    Inherited(io::Error),
}

/// Listens on `address`, given by `flag`: `host:port`, or `:port` for all addresses, as Go programs take it.
///
/// # Errors
/// The address is in use or refused; the message names the flag.
pub fn bind(flag: &'static str, address: &str) -> Result<std::net::TcpListener, BindError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { flag, address: address.to_owned() },
        _ => BindError::Refused { flag, address: address.to_owned(), source },
    };
    let spelt_out = if address.starts_with(':') { format!("[::]{address}") } else { address.to_owned() };
    let addresses: Vec<SocketAddr> = match spelt_out.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(source) => return Err(refused(source)),
    };
    let listener = std::net::TcpListener::bind(addresses.as_slice()).or_else(|error| {
        // Machines without IPv6 have no [::]; there `:port` means every IPv4 address.
        if address.starts_with(':') && error.kind() != io::ErrorKind::AddrInUse {
            std::net::TcpListener::bind(format!("0.0.0.0{address}"))
        } else {
            Err(error)
        }
    });
    let listener = listener.map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

/// The listening socket that the parent process passed as standard input (as inetd does). The parent keeps a copy, so
/// that the port stays ours and callers wait in its queue while the program restarts.
///
/// # Errors
/// Standard input is something else.
pub fn from_stdin() -> Result<std::net::TcpListener, BindError> {
    let inherited = || {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        if !rustix::net::sockopt::socket_acceptconn(&socket)? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not accept connections"));
        }
        let listener = std::net::TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    inherited().map_err(BindError::Inherited)
}

/// Serves `router` on plain HTTP until `shutdown`, then lets requests under way finish within 2.5 s.
///
/// # Errors
/// The listener failed for good.
pub async fn http(listener: TcpListener, router: Router, shutdown: Shutdown) -> io::Result<()> {
    accept::run(listener, None, router, shutdown, accept::bounds()).await
}

/// Serves `router` on HTTPS until `shutdown`, as [`http`] does.
///
/// # Errors
/// The listener failed for good.
pub async fn https(listener: TcpListener, config: Arc<ServerConfig>, router: Router, shutdown: Shutdown) -> io::Result<()> {
    accept::run(listener, Some(config.into()), router, shutdown, accept::bounds()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_names_the_flag_and_the_address() {
        let taken = bind("--web.listen-address", "127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let error = bind("--web.listen-address", &address).unwrap_err().to_string();
        assert!(error.contains("--web.listen-address") && error.contains(&address) && error.contains("in use"), "{error}");
    }

    #[test]
    fn an_address_that_is_none_is_refused_by_name() {
        let error = bind("--listen", "nowhere").unwrap_err().to_string();
        assert!(error.starts_with("--listen: cannot listen on nowhere"), "{error}");
    }

    #[test]
    fn a_port_alone_means_every_address() {
        assert!(bind("--listen", ":0").unwrap().local_addr().unwrap().ip().is_unspecified());
    }
}
