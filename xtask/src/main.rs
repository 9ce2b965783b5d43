//! The project's own commands, as `cargo xtask COMMAND`. Nothing here is part of a program that users run.

mod test;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
enum Command {
    Test(test::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    match Command::parse() {
        Command::Test(args) => test::run(&args),
    }
}
