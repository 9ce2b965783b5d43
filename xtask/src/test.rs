//! `cargo xtask test`: the one definition of green. It runs stage after stage, shows how each goes, and closes with the
//! totals. What a stage does stands in [`stage`]; what a test asserts stands in the tests.

pub mod packages;
mod process;
mod progress;
mod stage;
pub mod step;
mod tally;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;

use progress::Progress;
use stage::{Room, STAGES, Stage};
use tally::Tally;

/// Lines shown of a failed stage: the last failing test with its message, and the list of failed names.
const TAIL_LINES: usize = 60;

const EXAMPLES: &str = "\
Examples:
  cargo xtask test                       everything, as CI runs it
  cargo xtask test --quick               without the 90 s run and without a browser
  cargo xtask test --stage unit          one stage
  cargo xtask test --stage fmt --stage clippy

The whole output of each stage is kept in target/xtask/STAGE.log.";

/// Test everything: formatting, lints, unit tests, house rules, documentation, the whole stack, its page in a browser
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Leave out the slow stages: the 90 s run and the page in a browser
    #[arg(long, conflicts_with = "stage")]
    quick: bool,
    /// Run this stage only; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(STAGES.iter().map(|stage| stage.name)))]
    stage: Vec<String>,
    /// Show all that the stages print
    #[arg(long, short)]
    verbose: bool,
}

/// How one stage ended.
struct Outcome {
    name: &'static str,
    elapsed: Duration,
    tally: Tally,
    fault: Option<String>,
}

/// Runs the chosen stages; the exit code is a failure when one of them failed.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let root = workspace_root();
    let logs = root.join("target/xtask");
    fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
    let chosen: Vec<&Stage> = STAGES.iter().filter(|stage| is_chosen(args, stage)).collect();
    let mut outcomes = Vec::new();
    for (index, stage) in chosen.iter().enumerate() {
        let place = format!("[{}/{}]", index + 1, chosen.len());
        let progress = Progress::start(&place, stage.name, stage.what, args.verbose);
        let room = Room { root: root.clone(), scratch: logs.join(stage.name) };
        outcomes.push(run_stage(stage, &room, &logs.join(format!("{}.log", stage.name)), progress)?);
    }
    let left_out = chosen.iter().filter(|stage| !stage.only_root.is_empty() && !rustix::process::geteuid().is_root());
    let left_out: Vec<String> =
        left_out.map(|stage| format!("  not run: {}: {}: run it as root", stage.name, stage.only_root)).collect();
    summarize(&outcomes, &logs, &left_out);
    Ok(if outcomes.iter().all(|outcome| outcome.fault.is_none()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_chosen(args: &Args, stage: &Stage) -> bool {
    if args.stage.is_empty() { !(args.quick && stage.slow) } else { args.stage.iter().any(|name| name == stage.name) }
}

/// Where this clone lies: cargo says it at run time, so that a target directory shared by two clones does no harm.
pub fn workspace_root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().map_or_else(|| manifest.clone(), Path::to_path_buf)
}

fn run_stage(stage: &'static Stage, room: &Room, log: &Path, mut progress: Progress) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let mut file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut seen = Seen::default();
    let mut fault = None;
    match stage.steps(room) {
        Err(error) => fault = Some(format!("{error:#}")),
        Ok(steps) => {
            for mut command in steps {
                writeln!(file, "$ {}", step::spelt_out(&command))?;
                let deadline = begun + stage.limit;
                let end = step::run(&mut command, deadline, |event| seen.take(event, &mut file, &mut progress))?;
                if let Err(reason) = end {
                    writeln!(file, "{reason}")?;
                    fault = Some(reason);
                    break;
                }
            }
        }
    }
    let tally = seen.tally.closed(fault.is_some());
    let outcome = Outcome { name: stage.name, elapsed: begun.elapsed(), tally, fault };
    progress.finish(&line(&outcome, log));
    if let Some(fault) = &outcome.fault {
        seen.tail.iter().for_each(|line| println!("    {line}"));
        println!("    {}: {fault}", stage.name);
    } else if stage.shows_output {
        seen.stdout.iter().for_each(|line| println!("    {line}"));
    }
    Ok(outcome)
}

/// What is kept of a stage's output.
#[derive(Default)]
struct Seen {
    tally: Tally,
    tail: VecDeque<String>,
    stdout: VecDeque<String>,
}

impl Seen {
    fn take(&mut self, event: step::Event, log: &mut File, progress: &mut Progress) {
        let step::Event::Line { text, is_stdout } = event else {
            return progress.tick(&self.tally);
        };
        // A full disk shows in the stage itself; the log is a convenience.
        let _written = writeln!(log, "{text}");
        self.tally.line(&text);
        progress.line(&text, &self.tally);
        if is_stdout {
            push(&mut self.stdout, text.clone());
        }
        push(&mut self.tail, text);
    }
}

fn push(lines: &mut VecDeque<String>, line: String) {
    if lines.len() == TAIL_LINES {
        lines.pop_front();
    }
    lines.push_back(line);
}

fn line(outcome: &Outcome, log: &Path) -> String {
    let Outcome { name, elapsed, tally, fault } = outcome;
    let seconds = elapsed.as_secs_f64();
    match fault {
        None => format!("  ok      {name:<9} {seconds:>7.1} s   {tally}"),
        Some(_) => format!("  FAILED  {name:<9} {seconds:>7.1} s   {tally}   {}", log.display()),
    }
}

fn summarize(outcomes: &[Outcome], logs: &Path, left_out: &[String]) {
    let mut total = Tally::default();
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.elapsed.as_secs_f64()).sum();
    println!("\nsummary, {seconds:.0} s in all");
    for outcome in outcomes {
        println!("{}", line(outcome, &logs.join(format!("{}.log", outcome.name))));
        total.add(&outcome.tally);
    }
    left_out.iter().for_each(|line| println!("{line}"));
    println!("\n{total}");
}
