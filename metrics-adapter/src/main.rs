//! The program `metrics-adapter`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    metrics_adapter::main(std::env::args_os())
}
