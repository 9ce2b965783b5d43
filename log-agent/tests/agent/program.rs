//! The agent in this process: its own `run`, with a thread and a runtime to itself, in a hurry.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser as _;
use daemon::Shutdown;
use log_agent::Config;
use log_agent::args::Args;
use log_agent::reader::Tempo;

use crate::sink::Sink;

/// The folders and the sink of one test.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub sink: Sink,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), sink: Sink::start() };
        std::fs::create_dir(place.root()).unwrap();
        place
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("containers")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn arguments(&self) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        let url = self.sink.url();
        ["--docker-containers", &path(&self.root()), "--state-dir", &path(&self.state_dir()), "--elasticsearch", &url]
            .map(str::to_owned)
            .to_vec()
    }

    pub fn config(&self, more: &[&str]) -> Config {
        let arguments = self.arguments();
        let arguments = ["log-agent"]
            .into_iter()
            .chain(arguments.iter().map(String::as_str))
            .chain(["--flush-interval", "20ms"])
            .chain(more.iter().copied());
        let (mut config, _) = Args::try_parse_from(arguments).unwrap().config().unwrap();
        config.tempo =
            Tempo { scan: Duration::from_millis(50), poll: Duration::from_millis(10), grace: Duration::from_millis(300) };
        config
    }

    /// Starts an agent that is in a hurry.
    pub fn start(&self) -> Agent {
        Agent::start(self.config(&[]))
    }

    /// Waits until exactly these messages are stored, each once.
    pub fn expect(&self, lines: &[String]) {
        let mut expected = std::collections::BTreeMap::new();
        for line in lines {
            *expected.entry(line.clone()).or_insert(0) += 1;
        }
        let difference = || {
            let stored = self.sink.messages();
            let short =
                |lines: Vec<&String>| lines.iter().take(5).map(|line| line.chars().take(60).collect()).collect::<Vec<String>>();
            let missing =
                short(expected.iter().filter(|(line, count)| stored.get(*line) < Some(count)).map(|(line, _)| line).collect());
            let doubled =
                short(stored.iter().filter(|(line, count)| expected.get(*line) < Some(count)).map(|(line, _)| line).collect());
            (missing, doubled)
        };
        crate::eventually("lines (missing, doubled)", difference, |(missing, doubled)| missing.is_empty() && doubled.is_empty());
    }
}

pub struct Agent {
    pub url: String,
    shutdown: Shutdown,
    thread: Option<std::thread::JoinHandle<Result<(), log_agent::Error>>>,
}

impl Agent {
    pub fn start(config: Config) -> Self {
        let listener = daemon::serve::bind("--listen-address", "127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = Shutdown::new();
        let token = shutdown.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(log_agent::run(config, listener, token))
        });
        Self { url, shutdown, thread: Some(thread) }
    }

    /// Stops it in an orderly way.
    pub fn stop(mut self) {
        self.shutdown.cancel();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }

    /// Asks its admin server.
    pub fn get(&self, path: &str) -> (u16, String) {
        get(&self.url, path)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take() {
            // A test that failed has more to say than its agent.
            let _ended = thread.join();
        }
    }
}

/// One HTTP request by hand.
pub fn get(url: &str, path: &str) -> (u16, String) {
    use std::io::{Read as _, Write as _};
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body = if head.contains("chunked") { unchunked(body) } else { body.to_owned() };
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        text.push_str(&rest[..length]);
        body = &rest[(length + 2).min(rest.len())..];
    }
    text
}
