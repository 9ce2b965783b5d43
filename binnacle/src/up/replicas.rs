//! The sample application's Deployment on this machine: as many real processes as were asked for, each with a pod name,
//! a port, and a container log. Who decides the number is not its business.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use daemon::Shutdown;
use daemon::backoff::Backoff;
use jiff::Timestamp;
use rand::RngExt as _;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::container_log::{Container, Identity, Settings};
use super::log_sink::LogSink;
use super::part::{self, Part, State};
use super::{output, retention};

/// The Deployment's, the Service's and the container's name.
pub const NAME: &str = "sample-metrics-app";
/// Where they live.
pub const NAMESPACE: &str = "default";
/// A replica that was told to end may finish its requests this long.
const DRAIN: Duration = Duration::from_secs(1);
/// How often a replica is asked whether it serves, and more often while it starts.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const START_PROBE_INTERVAL: Duration = Duration::from_millis(50);
/// A replica that lived this long before it died is no crash loop.
const LONG_LIFE: Duration = Duration::from_secs(10);
/// Fewer replicas than were asked for are trouble after this; starting takes a fraction of a second.
const SHORT_OF_REPLICAS: Duration = Duration::from_secs(5);
/// What a replica wrote last may wait this long for a log that cannot be written, when everything is to end within 5 s.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Restart delays of a replica that dies, shorter than the kubelet's 10 s to 5 min: this is one machine's demonstration.
const RESTART: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// One replica; its fields change while it lives.
#[derive(Debug)]
pub struct Replica {
    /// The pod's name.
    pub pod: String,
    /// The pod's uid.
    pub uid: String,
    /// Where it serves.
    pub address: SocketAddr,
    /// When the pod began, in milliseconds since 1970.
    pub since: i64,
    readiness: Mutex<(bool, i64)>,
    /// It was told to end.
    pub terminating: AtomicBool,
    /// Its process, 0 while there is none.
    pub pid: AtomicU64,
    /// Requests that the load generator saw it answer.
    pub requests: AtomicU64,
    /// Open for as long as the pod lives, so that a restarted container serves on the same port.
    listener: TcpListener,
    stop: Shutdown,
}

/// The wanted and the present replicas.
#[derive(Debug)]
pub struct Deployment {
    state: Mutex<Wanted>,
    changed: Notify,
    settings: Settings,
    generation: String,
    part: Arc<Part>,
    sink: LogSink,
    lines: Arc<AtomicU64>,
    trouble: Arc<Trouble>,
    short_since: Mutex<Option<Instant>>,
    ending: Shutdown,
}

/// Why the last attempt of a replica failed, while it does.
#[derive(Debug, Default)]
pub struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// It fails, for this reason.
    pub fn set(&self, reason: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// It works.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug)]
struct Wanted {
    replicas: u32,
    version: u64,
    present: Vec<Arc<Replica>>,
}

/// The scale was changed by someone else since it was read.
#[derive(Debug)]
pub struct Conflict;

impl Deployment {
    /// A Deployment of `replicas`, none of which runs yet. `part` shows its health; `sink` knows which of their lines are
    /// stored, so that logs are kept until then.
    #[must_use]
    pub fn new(replicas: u32, settings: Settings, part: Arc<Part>, sink: LogSink) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(Wanted { replicas, version: 1, present: Vec::new() }),
            changed: Notify::new(),
            settings,
            generation: random_name(9),
            part,
            sink,
            lines: Arc::default(),
            trouble: Arc::default(),
            short_since: Mutex::default(),
            ending: Shutdown::new(),
        })
    }

    /// How the names of this run's pods begin.
    #[must_use]
    pub fn pod_prefix(&self) -> String {
        format!("{NAME}-{}-", self.generation)
    }

    /// The wanted number and the version of that wish.
    #[must_use]
    pub fn scale(&self) -> (u32, u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.replicas, state.version)
    }

    /// Asks for another number, if the wish is still the one of `version` (None: in any case).
    ///
    /// # Errors
    /// [`Conflict`] if it is not.
    pub fn set_scale(&self, replicas: u32, version: Option<u64>) -> Result<(), Conflict> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if version.is_some_and(|version| version != state.version) {
            return Err(Conflict);
        }
        state.replicas = replicas;
        state.version += 1;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// All replicas with a process, those that are ending included, oldest first.
    #[must_use]
    pub fn replicas(&self) -> Vec<Arc<Replica>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).present.clone()
    }

    /// Replicas that take requests.
    #[must_use]
    pub fn ready(&self) -> Vec<Arc<Replica>> {
        let serves = |replica: &Arc<Replica>| replica.readiness().0 && !replica.terminating.load(Ordering::Relaxed);
        self.replicas().into_iter().filter(serves).collect()
    }

    /// Lines in all container logs of this run.
    #[must_use]
    pub fn lines_written(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    /// Shows the application's health as it is now: asked for, serving, in trouble.
    pub fn judge(&self) {
        let (wanted, ready) = (self.scale().0, self.ready().len());
        let is_short = ready < usize::try_from(wanted).unwrap_or(usize::MAX);
        let mut since = self.short_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if is_short { since.or_else(|| Some(Instant::now())) } else { None };
        let for_long = since.is_some_and(|since| since.elapsed() > SHORT_OF_REPLICAS);
        drop(since);
        match self.trouble.get() {
            Some(trouble) => self.part.set(State::Degraded, trouble),
            None if for_long && ready == 0 => self.part.set(State::Down, format!("none of {wanted} replicas serves")),
            None if for_long => self.part.set(State::Degraded, format!("{ready} of {wanted} replicas serve")),
            None if is_short => {}
            None => self.part.set(State::Up, ""),
        }
    }

    /// Starts and ends replicas as asked until `shutdown`, then ends them all.
    pub async fn run(self: Arc<Self>, client: reqwest::Client, shutdown: Shutdown) {
        let mut running = JoinSet::new();
        while !shutdown.is_cancelled() {
            for replica in self.reconcile() {
                running.spawn(self.clone().live(replica, client.clone()));
            }
            tokio::select! {
                () = self.changed.notified() => {}
                Some(_) = running.join_next() => {}
                () = shutdown.cancelled() => {}
            }
        }
        self.ending.cancel();
        self.replicas().iter().for_each(|replica| replica.end());
        while running.join_next().await.is_some() {}
    }

    /// Ends the newest of too many, returns the missing ones to start.
    fn reconcile(&self) -> Vec<Arc<Replica>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let active = state.present.iter().filter(|replica| !replica.terminating.load(Ordering::Relaxed));
        let wanted = usize::try_from(state.replicas).unwrap_or(usize::MAX);
        let count = active.clone().count();
        active.skip(wanted).for_each(|replica| replica.end());
        let mut born = Vec::new();
        for _ in count..wanted {
            match Replica::new(&self.generation) {
                Ok(replica) => born.push(Arc::new(replica)),
                Err(error) => self.trouble.set(format!("cannot open a port for a replica: {error}")),
            }
        }
        state.present.extend(born.iter().cloned());
        born
    }

    /// One pod's life: its process, started again as a new container whenever it dies, until the pod is told to end.
    async fn live(self: Arc<Self>, replica: Arc<Replica>, client: reqwest::Client) {
        let mut backoff = Backoff::new(RESTART.0, RESTART.1);
        while !replica.stop.is_cancelled() {
            let begun = Instant::now();
            match self.contain(&replica, &client).await {
                Err(error) => self.trouble.set(format!("{}: {error}", replica.pod)),
                Ok(()) => self.trouble.clear(),
            }
            replica.set_ready(false);
            replica.pid.store(0, Ordering::Relaxed);
            if !replica.stop.is_cancelled() {
                self.part.restarted();
            }
            if begun.elapsed() > LONG_LIFE {
                backoff.reset();
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next_delay()) => {}
                () = replica.stop.cancelled() => {}
            }
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).present.retain(|other| other.uid != replica.uid);
    }

    /// One container's life, from its empty log to its last line.
    async fn contain(&self, replica: &Replica, client: &reqwest::Client) -> std::io::Result<()> {
        let identity = Identity { id: random_hex(64), pod: replica.pod.clone(), pod_uid: replica.uid.clone() };
        let container = Container::create(self.settings.clone(), &identity, self.lines.clone())?;
        let mut child = part::command("sample-app", &[], &replica.listener)?.stdout(Stdio::piped()).spawn()?;
        replica.pid.store(child.id().unwrap_or_default().into(), Ordering::Relaxed);
        let output = output::capture(child.stdout.take(), child.stderr.take(), container.clone(), self.trouble.clone());
        let output = tokio::spawn(output);
        let retention = tokio::spawn(retention::follow(container.clone(), self.sink.clone()));
        tokio::select! {
            _ = child.wait() => {}
            () = replica.probe(client) => {}
        }
        replica.set_ready(false);
        part::stop(&mut child, DRAIN).await;
        retention.abort();
        self.last_words(output, &replica.pod).await?;
        tokio::spawn(retention::bury(container, self.sink.clone()));
        Ok(())
    }

    /// The process is gone, so its output ends; what it wrote last is still to be put into the file.
    async fn last_words(&self, mut output: JoinHandle<()>, pod: &str) -> std::io::Result<()> {
        let too_late = async {
            self.ending.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            written = &mut output => return written.map_err(std::io::Error::other),
            () = too_late => {}
        }
        output.abort();
        tracing::error!(pod, "its last lines are lost: its log cannot be written, and everything is to end");
        Ok(())
    }
}

impl Replica {
    fn new(generation: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let uid = random_hex(32);
        let since = Timestamp::now().as_millisecond();
        let uid = [&uid[..8], &uid[8..12], &uid[12..16], &uid[16..20], &uid[20..]].join("-");
        Ok(Self {
            pod: format!("{NAME}-{generation}-{}", random_name(5)),
            uid,
            address: listener.local_addr()?,
            since,
            readiness: Mutex::new((false, since)),
            terminating: AtomicBool::new(false),
            pid: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            listener,
            stop: Shutdown::new(),
        })
    }

    /// Whether it answers, and since when that is so, in milliseconds since 1970.
    #[must_use]
    pub fn readiness(&self) -> (bool, i64) {
        *self.readiness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_ready(&self, ready: bool) {
        let mut readiness = self.readiness.lock().unwrap_or_else(PoisonError::into_inner);
        if readiness.0 != ready {
            *readiness = (ready, Timestamp::now().as_millisecond());
        }
    }

    fn end(&self) {
        self.terminating.store(true, Ordering::Relaxed);
        self.stop.cancel();
    }

    /// Marks the replica ready while it answers; returns when it is told to end.
    async fn probe(&self, client: &reqwest::Client) {
        let url = format!("http://{}/healthz", self.address);
        let serving = async {
            let mut has_served = false;
            loop {
                let answers = client.get(&url).timeout(DRAIN).send().await.is_ok_and(|answer| answer.status().is_success());
                self.set_ready(answers);
                has_served |= answers;
                tokio::time::sleep(if has_served { PROBE_INTERVAL } else { START_PROBE_INTERVAL }).await;
            }
        };
        tokio::select! {
            () = serving => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// As Kubernetes makes the ends of names: no vowels, so no words.
fn random_name(length: usize) -> String {
    random_of(b"bcdfghjklmnpqrstvwxz2456789", length)
}

fn random_hex(length: usize) -> String {
    random_of(b"0123456789abcdef", length)
}

fn random_of(alphabet: &[u8], length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(alphabet[random.random_range(0..alphabet.len())])).collect()
}
