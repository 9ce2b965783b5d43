//! The project's own commands, as `cargo xtask COMMAND`. Nothing here is part of a program that users run.

mod cluster;
mod image;
mod servers;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
enum Command {
    Cluster(cluster::Args),
    Image(image::Args),
    Servers(servers::Args),
    Test(test::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    match Command::parse() {
        Command::Cluster(args) => cluster::run(&args),
        Command::Image(args) => image::run(&args),
        Command::Servers(args) => servers::run(&args),
        Command::Test(args) => test::run(&args),
    }
}
