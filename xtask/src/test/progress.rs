//! How a stage goes, for the one who waits: a spinner on a terminal, plain lines in a pipe.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::tally::Tally;

/// In a pipe, how often a line says that a stage is still at work: often enough to show that it does not hang.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Characters of the command's last line that are shown beside the spinner.
const WIDTH: usize = 80;

/// The display of one running stage.
pub struct Progress {
    name: &'static str,
    begun: Instant,
    last_beat: Instant,
    last_line: String,
    spinner: Option<ProgressBar>,
    verbose: bool,
}

impl Progress {
    /// Announces a stage.
    pub fn start(place: &str, name: &'static str, what: &str, verbose: bool) -> Self {
        println!("{place} {name}: {what}");
        let spinner = (std::io::stdout().is_terminal() && !verbose).then(|| {
            let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
            // A template that does not parse would leave the default style, which does as well.
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed_precise} {wide_msg}") {
                spinner.set_style(style);
            }
            spinner
        });
        let now = Instant::now();
        Self { name, begun: now, last_beat: now, last_line: String::new(), spinner, verbose }
    }

    /// The command printed `line`.
    pub fn line(&mut self, line: &str, tally: &Tally) {
        if self.verbose {
            println!("    {line}");
        }
        if !line.trim().is_empty() {
            self.last_line = line.trim().chars().take(WIDTH).collect();
        }
        self.tick(tally);
    }

    /// Some time has passed, or something has changed.
    pub fn tick(&mut self, tally: &Tally) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(format!("{tally} · {}", self.last_line));
            spinner.tick();
        } else if !self.verbose && self.last_beat.elapsed() >= HEARTBEAT {
            self.last_beat = Instant::now();
            println!("  {} for {} s: {tally} · {}", self.name, self.begun.elapsed().as_secs(), self.last_line);
        }
    }

    /// The stage has ended as `line` says.
    pub fn finish(self, line: &str) {
        if let Some(spinner) = self.spinner {
            spinner.finish_and_clear();
        }
        println!("{line}");
    }
}
