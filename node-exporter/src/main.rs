//! The program `node-exporter`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    node_exporter::main(std::env::args_os())
}
