//! A server that all tests of a run share: started by the first that asks, ended with the run. A test that fails while it
//! holds the server sees the ends of its logs.

use std::ops::Deref;
use std::sync::OnceLock;
use std::thread;

/// A server that can be shared.
pub trait Server: Send + Sync + Sized + 'static {
    /// Starts it, or takes the one that the environment names.
    ///
    /// # Errors
    /// It cannot be had; the message says why and what to do.
    fn begin() -> Result<Self, String>;

    /// The ends of its logs.
    fn tails(&self) -> String;
}

/// The use of a shared server by one test.
#[derive(Debug)]
pub struct Lease<T: Server>(&'static T);

impl<T: Server> Lease<T> {
    /// The server kept in `cell`, started if it is not yet.
    ///
    /// # Panics
    /// It does not start; the next test does not try again.
    pub fn of(cell: &'static OnceLock<Result<T, String>>) -> Self {
        match cell.get_or_init(T::begin) {
            Ok(server) => Self(server),
            Err(reason) => panic!("{reason}"),
        }
    }
}

impl<T: Server> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl<T: Server> Drop for Lease<T> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprint!("{}", self.0.tails());
        }
    }
}
