//! The program `hpa`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    hpa::main(std::env::args_os())
}
