//! An Elasticsearch that does as it is told: it stores documents by id, counts what it is asked, and fails on command.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

/// What goes wrong with requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Connections are closed at once.
    Down,
    /// Every request has this answer, and nothing is stored.
    Status(u16),
    /// Every third item has this status, and the others are stored.
    EveryThird(u16),
    /// Everything is stored, and the answer breaks off half way.
    HalfAnswer,
    /// Everything is stored, and the connection closed without an answer.
    NoAnswer,
    /// Bodies larger than this are refused.
    TooLarge(usize),
    /// The answer is 200 and no answer to a bulk request.
    Rubbish,
}

#[derive(Debug, Default)]
pub struct Stored {
    pub documents: BTreeMap<String, Value>,
    pub fault: Fault,
    pub requests: usize,
    pub created: usize,
    pub conflicts: usize,
    pub authorization: Option<String>,
    pub was_packed: bool,
}

#[derive(Clone, Debug)]
pub struct Sink {
    pub address: SocketAddr,
    stored: Arc<Mutex<Stored>>,
}

impl Sink {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), stored: Arc::default() };
        let served = sink.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = served.clone();
                std::thread::spawn(move || sink.serve(stream));
            }
        });
        sink
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap()
    }

    pub fn fail(&self, fault: Fault) {
        self.stored().fault = fault;
    }

    /// How often each message is stored.
    pub fn messages(&self) -> BTreeMap<String, usize> {
        let mut messages = BTreeMap::new();
        for document in self.stored().documents.values() {
            *messages.entry(document["message"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        messages
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let (head, body) = request(&mut reader)?;
            let fault = self.stored().fault;
            if fault == Fault::Down {
                return None;
            }
            let (status, answer) = if head[0].starts_with("POST /logs/_bulk") {
                self.bulk(&head, &body, fault)
            } else {
                match fault {
                    Fault::Status(status) => (status, json!({"error": {"type": "scripted", "reason": "as told"}}).to_string()),
                    _ => (200, json!({"version": {"number": "9.2.0"}, "tagline": "You Know, for Search"}).to_string()),
                }
            };
            let mut stream = &stream;
            let length = answer.len();
            let sent = if fault == Fault::HalfAnswer && head[0].starts_with("POST") { length / 2 } else { length };
            if fault == Fault::NoAnswer && head[0].starts_with("POST") {
                return None;
            }
            write!(stream, "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
                .ok()?;
            stream.write_all(&answer.as_bytes()[..sent]).ok()?;
            if sent < length {
                return None;
            }
        }
    }

    fn bulk(&self, head: &[String], body: &[u8], fault: Fault) -> (u16, String) {
        let mut stored = self.stored();
        stored.requests += 1;
        let header = |name: &str| head.iter().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        stored.authorization = header("authorization:");
        stored.was_packed = header("content-encoding:").as_deref() == Some("gzip");
        let mut unpacked = Vec::new();
        if stored.was_packed {
            flate2::read::GzDecoder::new(body).read_to_end(&mut unpacked).unwrap();
        } else {
            unpacked.extend_from_slice(body);
        }
        match fault {
            Fault::Status(status) => return (status, json!({"error": {"type": "scripted", "reason": "as told"}}).to_string()),
            Fault::TooLarge(most) if unpacked.len() > most => return (413, "too large".to_owned()),
            Fault::Rubbish => return (200, "<html>Welcome</html>".to_owned()),
            _ => {}
        }
        let text = std::str::from_utf8(&unpacked).unwrap();
        assert!(text.ends_with('\n'), "a bulk body ends with a line end");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let items: Vec<Value> = lines
            .chunks(2)
            .enumerate()
            .map(|(place, pair)| {
                let id = pair[0]["create"]["_id"].as_str().unwrap().to_owned();
                let status = match fault {
                    Fault::EveryThird(status) if place % 3 == 2 => status,
                    _ if stored.documents.contains_key(&id) => 409,
                    _ => 201,
                };
                match status {
                    201 => {
                        stored.created += 1;
                        stored.documents.insert(id, pair[1].clone());
                        json!({"create": {"status": status}})
                    }
                    _ => {
                        stored.conflicts += usize::from(status == 409);
                        json!({"create": {"status": status, "error": {"type": "scripted", "reason": "as \"told\""}}})
                    }
                }
            })
            .collect();
        let errors = items.iter().any(|item| item["create"]["status"] != 201);
        (200, json!({"took": 1, "errors": errors, "items": items}).to_string())
    }
}

fn request(reader: &mut impl std::io::BufRead) -> Option<(Vec<String>, Vec<u8>)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        // Names of headers in lower case, the request line as it is.
        head.push(match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
            None => line,
        });
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}
