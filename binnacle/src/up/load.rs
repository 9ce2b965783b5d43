//! The load generator: a visible script of phases, or a rate set by hand, sent as requests to the ready replicas in turn.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use daemon::Shutdown;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::replicas::Deployment;

/// Requests are sent in small groups this often: fine enough that a chart of seconds is smooth.
const TICK: Duration = Duration::from_millis(20);
/// Requests under way at once; more than this many unanswered ones are not sent, and counted as failed.
const IN_FLIGHT: usize = 256;
/// A request that is not answered within this has failed.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What a script or a person may ask for: more would measure the generator.
const MAX_RATE: f64 = 2000.0;
const MAX_PHASES: usize = 50;
/// One request in so many goes to each path, in turn.
const PATHS: [&str; 4] = ["/", "/products", "/cart", "/orders"];

/// A stretch of the script: the rate goes evenly from one value to another.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// What the page calls it.
    pub name: String,
    /// How long it lasts.
    pub seconds: f64,
    /// Requests a second at its start.
    pub from: f64,
    /// Requests a second at its end.
    pub to: f64,
}

/// Where the rate comes from.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Mode {
    Script,
    Manual,
    Paused,
}

/// The script, where it stands, and what became of the requests.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the page's")]
pub struct Script {
    pub mode: Mode,
    pub rate: f64,
    pub phase: String,
    pub phase_index: usize,
    pub phase_elapsed: f64,
    pub multiplier: f64,
    pub phases: Vec<Phase>,
    pub sent: u64,
    pub failed: u64,
    pub loops: bool,
    #[serde(skip)]
    manual_rate: f64,
    #[serde(skip)]
    elapsed: f64,
}

/// A change asked for by the page; what is left out stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    mode: Option<Mode>,
    rate: Option<f64>,
    multiplier: Option<f64>,
    phases: Option<Vec<Phase>>,
    #[serde(default)]
    restart: bool,
}

/// The running generator.
#[derive(Debug)]
pub struct Load {
    script: Mutex<Script>,
    sent: AtomicU64,
    failed: AtomicU64,
}

/// Reads `name:10s@5,name:5s@5-400`: names, seconds, and one rate or two.
///
/// # Errors
/// A sentence that names the wrong phase.
pub fn parse_script(text: &str) -> Result<Vec<Phase>, String> {
    let phases: Vec<Phase> = text.split(',').map(parse_phase).collect::<Result<_, _>>()?;
    check_phases(&phases)?;
    Ok(phases)
}

fn parse_phase(text: &str) -> Result<Phase, String> {
    let wrong = || format!("'{text}' is no phase; write NAME:SECONDSs@RATE or NAME:SECONDSs@FROM-TO, such as ramp:20s@5-400");
    let (name, rest) = text.split_once(':').ok_or_else(wrong)?;
    let (seconds, rates) = rest.split_once('@').ok_or_else(wrong)?;
    let (from, to) = rates.split_once('-').unwrap_or((rates, rates));
    let number = |text: &str| text.parse::<f64>().map_err(|_| wrong());
    Ok(Phase {
        name: name.to_owned(),
        seconds: number(seconds.strip_suffix('s').ok_or_else(wrong)?)?,
        from: number(from)?,
        to: number(to)?,
    })
}

fn check_phases(phases: &[Phase]) -> Result<(), String> {
    if phases.is_empty() || phases.len() > MAX_PHASES {
        return Err(format!("a script has 1 to {MAX_PHASES} phases, not {}", phases.len()));
    }
    for phase in phases {
        if !(phase.seconds > 0.0 && phase.seconds <= 86400.0) {
            return Err(format!("phase '{}' lasts {} s; give it more than 0 s and at most a day", phase.name, phase.seconds));
        }
        check_rate(&phase.name, phase.from)?;
        check_rate(&phase.name, phase.to)?;
    }
    Ok(())
}

fn check_rate(what: &str, rate: f64) -> Result<(), String> {
    let fits = (0.0..=MAX_RATE).contains(&rate);
    fits.then_some(()).ok_or_else(|| format!("'{what}' asks for {rate} requests a second; give it 0 to {MAX_RATE}"))
}

impl Script {
    /// Moves the script on by `seconds` and gives the rate that holds now.
    fn advance(&mut self, seconds: f64) -> f64 {
        if self.mode == Mode::Script {
            self.elapsed += seconds;
        }
        let length: f64 = self.phases.iter().map(|phase| phase.seconds).sum();
        if self.loops {
            self.elapsed %= length;
        }
        let mut begin = 0.0;
        let mut planned = 0.0;
        for (index, phase) in self.phases.iter().enumerate() {
            let within = (self.elapsed - begin).min(phase.seconds);
            if index == 0 || self.elapsed >= begin {
                planned = phase.from + (phase.to - phase.from) * within / phase.seconds;
                (self.phase_index, self.phase_elapsed, self.phase) = (index, within, phase.name.clone());
            }
            begin += phase.seconds;
        }
        self.rate = match self.mode {
            Mode::Script => (planned * self.multiplier).min(MAX_RATE),
            Mode::Manual => self.manual_rate,
            Mode::Paused => 0.0,
        };
        self.rate
    }

    fn change(&mut self, change: Change) -> Result<(), String> {
        let Change { mode, rate, multiplier, phases, restart } = change;
        if let Some(rate) = rate {
            check_rate("rate", rate)?;
        }
        if let Some(multiplier) = multiplier.filter(|multiplier| !(0.0..=10.0).contains(multiplier)) {
            return Err(format!("multiplier {multiplier} is not between 0 and 10"));
        }
        if let Some(phases) = &phases {
            check_phases(phases)?;
        }
        self.manual_rate = rate.unwrap_or(self.manual_rate);
        self.multiplier = multiplier.unwrap_or(self.multiplier);
        // A rate alone means: by hand from now on.
        self.mode = mode.or(rate.map(|_| Mode::Manual)).unwrap_or(self.mode);
        if restart || phases.is_some() {
            self.elapsed = 0.0;
        }
        self.phases = phases.unwrap_or_else(|| std::mem::take(&mut self.phases));
        Ok(())
    }
}

impl Load {
    /// A generator at the start of `phases`; `loops` begins again after the last one, else its last rate stays.
    #[must_use]
    pub fn new(phases: Vec<Phase>, loops: bool) -> Arc<Self> {
        let script = Script {
            mode: Mode::Script,
            rate: 0.0,
            phase: String::new(),
            phase_index: 0,
            phase_elapsed: 0.0,
            multiplier: 1.0,
            phases,
            sent: 0,
            failed: 0,
            loops,
            manual_rate: 0.0,
            elapsed: 0.0,
        };
        Arc::new(Self { script: Mutex::new(script), sent: AtomicU64::new(0), failed: AtomicU64::new(0) })
    }

    /// As it is now.
    #[must_use]
    pub fn script(&self) -> Script {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (script.sent, script.failed) = (self.sent.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        script
    }

    /// Changes the script or the mode.
    ///
    /// # Errors
    /// A sentence that says which number is out of its range; nothing is changed then.
    pub fn change(&self, change: Change) -> Result<(), String> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).change(change)
    }

    /// Asks for nothing more.
    pub fn pause(&self) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).mode = Mode::Paused;
    }

    /// Sends requests until `shutdown`.
    pub async fn run(self: Arc<Self>, deployment: Arc<Deployment>, client: reqwest::Client, shutdown: Shutdown) {
        let places = Arc::new(Semaphore::new(IN_FLIGHT));
        let mut last = Instant::now();
        let mut owed = 0.0;
        let mut turn = 0;
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = shutdown.cancelled() => return,
            }
            let now = Instant::now();
            let seconds = now.duration_since(last).as_secs_f64();
            last = now;
            // A machine that slept must not make up for it in one burst.
            owed = f64::min(owed + self.advance(seconds) * seconds, MAX_RATE * TICK.as_secs_f64() * 4.0);
            let ready = if owed >= 1.0 { deployment.ready() } else { Vec::new() };
            while owed >= 1.0 {
                owed -= 1.0;
                turn += 1;
                let place = places.clone().try_acquire_owned();
                let (Some(replica), Ok(place)) = (ready.get(turn % ready.len().max(1)).cloned(), place) else {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                let request = client.get(format!("http://{}{}", replica.address, PATHS[turn / ready.len() % PATHS.len()]));
                let load = self.clone();
                tokio::spawn(async move {
                    let _place = place;
                    // An answer of any status is an answer; the application counts its own declined orders.
                    let answered = request.timeout(TIMEOUT).send().await.is_ok();
                    replica.requests.fetch_add(u64::from(answered), Ordering::Relaxed);
                    load.sent.fetch_add(u64::from(answered), Ordering::Relaxed);
                    load.failed.fetch_add(u64::from(!answered), Ordering::Relaxed);
                });
            }
        }
    }

    fn advance(&self, seconds: f64) -> f64 {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).advance(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_and_followed() {
        let load = Load::new(parse_script("quiet:10s@5,ramp:10s@5-405,hold:10s@405").unwrap(), false);
        for (seconds, rate, phase) in [(5.0, 5.0, "quiet"), (10.0, 205.0, "ramp"), (10.0, 405.0, "hold"), (100.0, 405.0, "hold")]
        {
            assert!((load.advance(seconds) - rate).abs() < 1e-9, "{phase}");
            assert_eq!(load.script().phase, phase);
        }
    }

    #[test]
    fn a_wrong_phase_is_named() {
        for (script, part) in
            [("", "''"), ("a:1s@x", "a:1s@x"), ("a:0s@1", "'a' lasts 0"), ("a:1s@1e9", "1000000000"), ("a:1s@nan", "NaN")]
        {
            let error = parse_script(script).unwrap_err();
            assert!(error.contains(part), "{script}: {error}");
        }
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let load = Load::new(parse_script("quiet:10s@5").unwrap(), true);
        let before = serde_json::to_string(&load.script()).unwrap();
        assert!(load.change(Change { rate: Some(50.0), multiplier: Some(f64::NAN), ..Change::default() }).is_err());
        assert_eq!(serde_json::to_string(&load.script()).unwrap(), before);
        load.change(Change { rate: Some(50.0), ..Change::default() }).unwrap();
        assert!((load.advance(1.0) - 50.0).abs() < f64::EPSILON);
    }
}
