//! The few lines that every `main.rs` shares: parse, start a runtime, run until a signal, one sentence on failure.

use std::ffi::OsString;
use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use crate::log::{self, LogArgs};
use crate::shutdown::{self, Shutdown};

/// Parses the command line. `--help` and `--version` print to stdout and mean success; every fault means exit code 1,
/// as it does for `node_exporter` (clap alone would say 2).
///
/// # Errors
/// The exit code with which the program should end now.
pub fn parse<A: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<A, ExitCode> {
    A::try_parse_from(arguments).map_err(|error| {
        // Nothing is left to tell the user if the terminal is gone.
        let _printed = error.print();
        if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    })
}

/// Runs `program` on a runtime of one thread until it returns; SIGTERM, Ctrl-C and a closed terminal cancel the
/// [`Shutdown`] it is given, a second signal ends the process at once. An error is printed as one line, with its causes, and means exit code 1.
pub fn start<F>(log: LogArgs, program: impl FnOnce(Shutdown) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    log::init(log);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start the event loop")),
    };
    let outcome = runtime.block_on(async {
        let shutdown = Shutdown::new();
        shutdown::on_signals(&shutdown)?;
        program(shutdown).await
    });
    // A blocked read of a dead mount must not hold the process after its work is done.
    runtime.shutdown_background();
    outcome.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

/// Says `error` in one line on stderr, with its causes, and gives the exit code 1.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    // With stderr closed there is nobody to tell, and the exit code still says it.
    let _printed = writeln!(std::io::stderr(), "error: {}", sentence(error));
    ExitCode::FAILURE
}

/// The error with its causes, each said once: many errors repeat their cause in their own words.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said {
        said if said.is_empty() => cause,
        said if said.contains(&cause) => said,
        said => format!("{said}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let io = || std::io::Error::other("disk on fire");
        let check = |error: anyhow::Error, expected: &str| assert_eq!(sentence(&error), expected);
        check(anyhow::Error::new(io()).context("cannot write a.txt"), "cannot write a.txt: disk on fire");
        check(anyhow::Error::new(io()).context("disk on fire, call someone"), "disk on fire, call someone");
        check(io().into(), "disk on fire");
    }
}
