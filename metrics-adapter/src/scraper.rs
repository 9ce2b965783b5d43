//! The adapter's own scraper, for machines and clusters without a Prometheus: finds targets, scrapes each on its own beat, and
//! keeps in memory what the rules need. It answers nothing; queries read the store. All its tasks are spawned here.

pub mod discovery;
pub mod exposition;
mod fetch;
pub mod health;
pub mod keep;
pub mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use daemon::Shutdown;
use daemon::backoff::Backoff;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use self::discovery::Target;
pub use self::fetch::ClientError;
use self::fetch::{FetchError, Fetcher};
use self::health::Health;
use self::keep::Keep;
use self::target::TargetSeries;
use crate::metrics::OwnMetrics;
use crate::store::Store;

/// The wait after a failed discovery doubles from here to the interval: a list that is not there yet soon is.
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// How the scraper is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the list of targets is.
    pub http_sd_url: String,
    /// Time between two scrapes of a target, and between two discoveries.
    pub interval: Duration,
    /// Time that a scrape may take.
    pub timeout: Duration,
}

/// The scraper; shared by its tasks and its readers.
#[derive(Debug)]
pub struct Scraper {
    settings: Settings,
    keep: Keep,
    fetcher: Fetcher,
    store: Mutex<Store>,
    health: Mutex<Health>,
    changed: Notify,
    own: OwnMetrics,
}

impl Scraper {
    /// A scraper that keeps what `keep` says. It starts with [`Scraper::run`].
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(settings: Settings, keep: Keep, own: OwnMetrics) -> Result<Self, ClientError> {
        let interval_ms = i64::try_from(settings.interval.as_millis()).unwrap_or(i64::MAX / 4);
        // One interval more than the rules look back: the oldest sample is needed until a newer one takes its place.
        let store = Mutex::new(Store::new(keep.reach_ms.saturating_add(interval_ms)));
        let fetcher = Fetcher::new(settings.timeout)?;
        Ok(Self { settings, keep, fetcher, store, health: Mutex::default(), changed: Notify::new(), own })
    }

    /// The series and their samples.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        // A panic while the lock was held cannot leave the store in pieces that matter: it is a cache of the targets.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether scraping works; none before the first round is complete.
    #[must_use]
    pub fn health(&self) -> Option<Result<(), String>> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).get()
    }

    /// Waits until something was discovered or scraped.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Discovers and scrapes until `shutdown`.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let mut running: BTreeMap<Target, Shutdown> = BTreeMap::new();
        let mut backoff = Backoff::new(FIRST_RETRY, self.settings.interval);
        loop {
            let found = tokio::select! {
                found = self.discover() => found,
                () = shutdown.cancelled() => return,
            };
            let pause = if let Some(targets) = found {
                self.reconcile(&mut running, targets, &shutdown);
                backoff.reset();
                self.settings.interval
            } else {
                backoff.next_delay()
            };
            self.expire(running.len());
            self.changed.notify_one();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    fn expire(&self, targets: usize) {
        let mut store = self.store();
        store.expire(now());
        self.own.holds(targets, store.series_count(), store.sample_count());
    }

    /// The targets now; none if that cannot be told, and then those of before stay.
    async fn discover(&self) -> Option<BTreeSet<Target>> {
        let url = &self.settings.http_sd_url;
        let fetched = self.fetcher.get(url).await.map_err(|error| error.to_string());
        let targets = fetched.and_then(|fetched| discovery::targets(&fetched.body).map_err(|error| error.to_string()));
        self.own.discovered(targets.is_ok());
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match targets {
            Ok(targets) => {
                health.discovered(targets.iter().map(|target| &target.labels));
                Some(targets)
            }
            Err(problem) => {
                health.discovery_failed(format!("cannot discover targets at {url}: {problem}"));
                None
            }
        }
    }

    /// Starts a task for each new target and ends those of targets that are gone.
    fn reconcile(self: &Arc<Self>, running: &mut BTreeMap<Target, Shutdown>, targets: BTreeSet<Target>, shutdown: &Shutdown) {
        running.retain(|target, gone| {
            let stays = targets.contains(target);
            if !stays {
                tracing::info!(target = %target.labels, "target is gone");
                gone.cancel();
            }
            stays
        });
        for target in targets {
            running.entry(target).or_insert_with_key(|target| {
                tracing::info!(target = %target.labels, url = target.url.as_deref().unwrap_or_default(), "new target");
                let gone = shutdown.child_token();
                tokio::spawn(self.clone().follow(target.clone(), gone.clone()));
                gone
            });
        }
    }

    /// Scrapes one target at once and then on its beat, until it is gone.
    async fn follow(self: Arc<Self>, target: Target, gone: Shutdown) {
        let mut series = TargetSeries::new(target.labels.clone());
        let mut was_well = None;
        let mut beat = tokio::time::interval_at((Instant::now() + self.first_wait(&target)).into(), self.settings.interval);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let outcome = tokio::select! {
                outcome = self.scrape(&target, &mut series) => outcome,
                () = gone.cancelled() => break,
            };
            let is_well = outcome.is_ok();
            if let Err(problem) = &outcome
                && was_well != Some(false)
            {
                tracing::warn!(target = %target.labels, problem, "cannot scrape");
            } else if is_well && was_well == Some(false) {
                tracing::info!(target = %target.labels, "can be scraped again");
            }
            was_well = Some(is_well);
            self.health.lock().unwrap_or_else(PoisonError::into_inner).scraped(&target.labels, outcome);
            self.changed.notify_one();
            tokio::select! {
                _ = beat.tick() => {}
                () = gone.cancelled() => break,
            }
        }
        let mut store = self.store();
        series.end(&mut store, now());
        series.report(&mut store, &self.keep, now(), None);
    }

    /// The time until a target's second scrape. Each target has its own phase of the interval, so that scrapes spread evenly;
    /// the first scrape is at once, and the second not right behind it.
    fn first_wait(&self, target: &Target) -> Duration {
        let mut hasher = DefaultHasher::new();
        target.hash(&mut hasher);
        let interval = u64::try_from(self.settings.interval.as_millis()).unwrap_or(u64::MAX).max(1);
        let phase = hasher.finish() % interval;
        let passed = now().unsigned_abs() % interval;
        let wait = (phase + interval - passed) % interval;
        Duration::from_millis(if wait < interval / 2 { wait + interval } else { wait })
    }

    async fn scrape(&self, target: &Target, series: &mut TargetSeries) -> Result<(), String> {
        let (time, start) = (now(), Instant::now());
        let fetched = match &target.url {
            Ok(url) => self.fetcher.get(url).await,
            Err(problem) => Err(FetchError::Network(problem.clone())),
        };
        let mut store = self.store();
        let taken = match fetched {
            Ok(fetched) => {
                let taken = series.take(&mut store, &self.keep, &fetched.body, fetched.format, time);
                taken.map_err(|error| error.to_string())
            }
            Err(error) => {
                series.end(&mut store, time);
                Err(error.to_string())
            }
        };
        let took = start.elapsed();
        let values = [f64::from(u8::from(taken.is_ok())), took.as_secs_f64(), *taken.as_ref().unwrap_or(&0) as f64];
        series.report(&mut store, &self.keep, time, Some(values));
        drop(store);
        self.own.scraped(taken.is_ok(), took);
        taken.map(drop).map_err(|problem| match &target.url {
            Ok(url) => format!("{url}: {problem}"),
            Err(_) => problem,
        })
    }
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
