//! How getting a server goes, for the one who waits: a bar or a spinner on a terminal, plain lines in a pipe.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::table::megabytes;

/// In a pipe, how often a line says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Characters of the command's last line that are shown.
const WIDTH: usize = 80;
const BAR: &str = "  {spinner} {elapsed_precise} {bar:30} {pos}/{len} {wide_msg}";
const SPINNER: &str = "  {spinner} {elapsed_precise} {wide_msg}";

/// The display of one server that is being got.
pub struct Progress {
    name: &'static str,
    begun: Instant,
    last_beat: Instant,
    last_line: String,
    bar: ProgressBar,
}

impl Progress {
    /// Announces it.
    pub fn start(place: &str, name: &'static str, what: &str) -> Self {
        println!("{place} {name}: {what}");
        let shown = std::io::stdout().is_terminal();
        let target = if shown { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        dress(&bar, SPINNER);
        let now = Instant::now();
        Self { name, begun: now, last_beat: now, last_line: String::new(), bar }
    }

    /// From here on so many lines are a whole; with `None` nobody knows.
    pub fn expect(&mut self, lines: Option<u64>) {
        self.bar.set_position(0);
        if let Some(lines) = lines {
            self.bar.set_length(lines);
            dress(&self.bar, BAR);
        }
    }

    /// The command printed `line`.
    pub fn line(&mut self, line: &str) {
        self.bar.inc(1);
        if !line.trim().is_empty() {
            self.last_line = line.trim().chars().take(WIDTH).collect();
            self.bar.set_message(self.last_line.clone());
        }
        self.tick();
    }

    /// Some time has passed.
    pub fn tick(&mut self) {
        self.bar.tick();
        if self.bar.is_hidden() && self.last_beat.elapsed() >= HEARTBEAT {
            self.last_beat = Instant::now();
            let of = self.bar.length().map(|length| format!("{} of at most {length}, ", self.bar.position()));
            let seconds = self.begun.elapsed().as_secs();
            println!("  {} for {seconds} s: {}{}", self.name, of.unwrap_or_default(), self.last_line);
        }
    }

    /// It is there.
    pub fn finish(self, version: &str, bytes: u64) {
        self.bar.finish_and_clear();
        let seconds = self.begun.elapsed().as_secs_f64();
        println!("  ok  {} {version}, {}, {seconds:.1} s", self.name, megabytes(bytes));
    }
}

fn dress(bar: &ProgressBar, template: &str) {
    // A template that does not parse would leave the default style, which does as well.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
