//! The program `log-agent`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    log_agent::main(std::env::args_os())
}
