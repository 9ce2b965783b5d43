//! Log lines to stderr, as logfmt-like text or JSON. Levels: INFO is lifecycle, WARN is recovered with nothing lost,
//! ERROR is data lost or a human needed.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::LevelFilter;

/// The log flags of every program, spelt as `node_exporter` spells them.
#[derive(Args, Clone, Copy, Debug)]
pub struct LogArgs {
    /// Only log messages with the given severity or above
    #[arg(long = "log.level", value_enum, default_value_t = Level::Info, value_name = "LEVEL")]
    pub level: Level,
    /// Output format of log messages
    #[arg(long = "log.format", value_enum, default_value_t = Format::Logfmt, value_name = "FORMAT")]
    pub format: Format,
}

/// The least severity that is logged.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// How a log line is written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Format {
    Logfmt,
    Json,
}

/// Starts logging for this process. A second call changes nothing, so tests may call it freely.
pub fn init(args: LogArgs) {
    let level = match args.level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    // A complaint about a closed stderr would go to stderr, and its failure there would panic.
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).log_internal_errors(false);
    // An error means that a logger is installed already, which is all that was asked for.
    let _installed = match args.format {
        Format::Logfmt => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
}
