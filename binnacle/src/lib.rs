//! `binnacle`: the whole observability stack on one machine with one command, and each of its programs as a subcommand
//! of the same binary. It starts the programs' own `main`s and copies nothing of them.

pub mod log_store;
pub mod sample_app;
pub mod up;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  binnacle                                    the whole stack, and a page that shows it at work
  binnacle up --duration 90s --headless       the same as a check: a summary table, and exit code 0 if the story held
  binnacle up --elasticsearch http://es:9200  log lines go to your own Elasticsearch or OpenSearch
  binnacle node-exporter --help               one program of the stack, with its own flags";

/// An observability stack for Kubernetes: the whole of it on this machine (`up`), or one of its programs.
#[derive(Parser, Debug)]
#[command(name = "binnacle", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: up::Args,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the whole stack on this machine (the default)
    Up(Box<up::Args>),
    /// Print the shell completions of `binnacle`
    Completions {
        /// The shell to complete in
        shell: Shell,
    },
    #[command(flatten)]
    Program(Program),
}

/// The programs of the stack; each takes its own flags.
#[derive(Subcommand, Debug)]
enum Program {
    /// Metrics of this machine, as `node_exporter` names them
    #[command(disable_help_flag = true)]
    NodeExporter(Rest),
    /// Custom metrics for the HorizontalPodAutoscaler
    #[command(disable_help_flag = true)]
    MetricsAdapter(Rest),
    /// The autoscaling loop, and tools that explain it
    #[command(disable_help_flag = true)]
    Hpa(Rest),
    /// Ships container logs to Elasticsearch
    #[command(disable_help_flag = true)]
    LogAgent(Rest),
    /// The embedded log store: a small part of Elasticsearch's API over an index on local disk
    #[command(disable_help_flag = true)]
    LogStore(Rest),
    /// The sample application that `up` scales
    #[command(disable_help_flag = true)]
    SampleApp(Rest),
}

#[derive(clap::Args, Debug)]
struct Rest {
    /// The program's own flags; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Program {
    /// Runs the program with its name as `argv[0]`, so that its help and errors speak of itself.
    fn main(self) -> ExitCode {
        let (name, main, rest): (_, fn(Vec<OsString>) -> ExitCode, _) = match self {
            Self::NodeExporter(rest) => ("node-exporter", node_exporter::main, rest),
            Self::MetricsAdapter(rest) => ("metrics-adapter", metrics_adapter::main, rest),
            Self::Hpa(rest) => ("hpa", hpa::main, rest),
            Self::LogAgent(rest) => ("log-agent", log_agent::main, rest),
            Self::LogStore(rest) => ("log-store", log_store::main, rest),
            Self::SampleApp(rest) => ("sample-app", sample_app::main, rest),
        };
        main([OsString::from(name)].into_iter().chain(rest.arguments).collect())
    }
}

/// Runs the command line `arguments`. Called under a program's name (by a link), the binary is that program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    if !up::part::follow_parent() {
        return ExitCode::FAILURE;
    }
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let called_as = arguments.first().and_then(|name| Path::new(name).file_name()).unwrap_or_default().to_owned();
    if Program::has_subcommand(&called_as.to_string_lossy()) {
        arguments.splice(..1, [OsString::from("binnacle"), called_as]);
    }
    let cli = match daemon::parse::<Cli>(arguments) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command {
        None => up::main(cli.up),
        Some(Command::Up(args)) => up::main(*args),
        Some(Command::Program(program)) => program.main(),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "binnacle", &mut script);
            // A reader that has gone, such as `head`, is no fault.
            let _printed = std::io::stdout().write_all(&script);
            ExitCode::SUCCESS
        }
    }
}
