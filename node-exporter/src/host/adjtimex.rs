//! adjtimex(2): the one system call of this program for which no well-kept safe crate exists, and the only unsafe code of
//! this project. It asks and adjusts nothing.
#![expect(unsafe_code, reason = "rustix has no adjtimex; a house rule keeps unsafe code to this file")]

use std::io;

/// The kernel's own record of its clock, all zero.
#[must_use]
pub fn blank() -> libc::timex {
    // SAFETY: a C struct of nothing but integers, of which zero is a value.
    unsafe { std::mem::zeroed() }
}

/// The state of the clock (TIME_OK to TIME_ERROR) and its record.
///
/// # Errors
/// The system refuses, as some sandboxes do.
pub fn read() -> io::Result<(i32, libc::timex)> {
    // No mode is set, so nothing is adjusted.
    let mut clock = blank();
    // SAFETY: the kernel writes at most one timex, and `clock` is one that lives across the call.
    let state = unsafe { libc::adjtimex(&raw mut clock) };
    if state < 0 { Err(io::Error::last_os_error()) } else { Ok((state, clock)) }
}
