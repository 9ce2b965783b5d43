//! The entry point of `binnacle`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    binnacle::main(std::env::args_os())
}
