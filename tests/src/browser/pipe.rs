//! The DevTools protocol over a pair of pipes: JSON messages, each ended by a NUL byte. Commands are answered one at a
//! time; of the events only errors are kept.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A browser that does not answer a command for so long is taken for hung; the first answer waits for its start.
const ANSWERS: Duration = Duration::from_secs(30);
/// Errors kept; a page that fails in a loop would fill the memory.
const MAX_ERRORS: usize = 100;

/// An error in the console: the session of its page, and what it says.
type Errors = Arc<Mutex<Vec<(String, String)>>>;

/// Both ends.
#[derive(Debug)]
pub struct Pipe {
    commands: Option<ChildStdin>,
    answers: Receiver<Value>,
    errors: Errors,
    last_id: u64,
}

impl Pipe {
    /// Starts reading `answers` in a thread, which ends with the browser.
    pub fn new(commands: ChildStdin, answers: ChildStdout) -> Self {
        let (sender, receiver) = channel();
        let errors = Errors::default();
        let kept = Arc::clone(&errors);
        thread::spawn(move || {
            let mut reader = BufReader::new(answers);
            let mut message = Vec::new();
            while reader.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                let Ok(value) = serde_json::from_slice::<Value>(message.strip_suffix(b"\0").unwrap_or(&message)) else { return };
                message.clear();
                if value["id"].is_null() {
                    keep(&kept, &value);
                } else if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self { commands: Some(commands), answers: receiver, errors, last_id: 0 }
    }

    /// Sends a command to a session, or to the browser itself, and gives its result.
    ///
    /// # Panics
    /// The browser refuses it, or does not answer.
    pub fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut command = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let pipe = self.commands.as_mut().expect("an open pipe");
        let sent = pipe.write_all(format!("{command}\0").as_bytes()).and_then(|()| pipe.flush());
        sent.unwrap_or_else(|error| panic!("the browser has gone before {method}: {error}"));
        let deadline = Instant::now() + ANSWERS;
        loop {
            let answer = self.answers.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let answer = answer.unwrap_or_else(|error| panic!("the browser does not answer {method}: {error}"));
            if answer["id"] == self.last_id {
                assert!(answer["error"].is_null(), "the browser refuses {method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    /// The errors of a session so far.
    pub fn errors(&self, session: &str) -> Vec<String> {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.iter().filter(|(of, _)| of == session).map(|(_, text)| text.clone()).collect()
    }

    /// Tells the browser to end.
    pub fn close(&mut self) {
        self.commands = None;
    }
}

fn keep(errors: &Errors, event: &Value) {
    let Some(text) = error(event) else { return };
    let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
    if errors.len() < MAX_ERRORS {
        errors.push((event["sessionId"].as_str().unwrap_or_default().to_owned(), text));
    }
}

/// What an event says, if it is an error: an uncaught exception, `console.error`, or a resource that did not load.
fn error(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => {
            let details = &parameters["exceptionDetails"];
            Some(format!("uncaught {} {}", details["text"], details["exception"]["description"]))
        }
        "Runtime.consoleAPICalled" if parameters["type"] == "error" || parameters["type"] == "assert" => {
            Some(format!("console.error {}", parameters["args"]))
        }
        "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
            Some(format!("{} {}", parameters["entry"]["text"], parameters["entry"]["url"]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_errors_from_other_events() {
        let check = |method: &str, parameters: Value, expected: Option<&str>| {
            let found = error(&json!({"method": method, "params": parameters}));
            match expected {
                Some(part) => assert!(found.as_ref().is_some_and(|text| text.contains(part)), "{method}: {found:?}"),
                None => assert_eq!(found, None, "{method}"),
            }
        };
        check("Runtime.exceptionThrown", json!({"exceptionDetails": {"exception": {"description": "no x"}}}), Some("no x"));
        check("Runtime.consoleAPICalled", json!({"type": "error", "args": [{"value": "bad"}]}), Some("bad"));
        check("Runtime.consoleAPICalled", json!({"type": "log", "args": [{"value": "fine"}]}), None);
        check("Log.entryAdded", json!({"entry": {"level": "error", "text": "404", "url": "/x"}}), Some("/x"));
        check("Log.entryAdded", json!({"entry": {"level": "warning", "text": "slow"}}), None);
        check("Page.loadEventFired", json!({}), None);
    }
}
