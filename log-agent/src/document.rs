//! A line as two lines of a bulk body: `create` with its id, and its document. What is the same for all lines of a
//! generation is written once, beforehand. It holds no lines and decides nothing.

use serde::Serialize;

use crate::enrich::Metadata;
use crate::generation::{GenerationId, line_letters};
use crate::parse::Stream;

/// What the documents of one generation share.
#[derive(Clone, Debug)]
pub struct Frame {
    action: Box<[u8]>,
    tail: Box<[u8]>,
}

#[derive(Serialize)]
struct Kubernetes<'a> {
    namespace: &'a str,
    pod: &'a str,
    container: &'a str,
}

impl Frame {
    /// The frame for the lines of `generation` in the file at `path`.
    #[must_use]
    pub fn new(generation: GenerationId, metadata: &Metadata, container: &str, path: &str) -> Self {
        let mut action = b"{\"create\":{\"_id\":\"".to_vec();
        action.extend_from_slice(&generation.letters());
        let mut tail = Vec::with_capacity(512);
        tail.push(b'"');
        if let Metadata { namespace: Some(namespace), pod: Some(pod), container: Some(container) } = metadata {
            tail.extend_from_slice(b",\"kubernetes\":");
            tail.extend_from_slice(&json(&Kubernetes { namespace, pod, container }));
        }
        tail.extend_from_slice(b",\"container\":{\"id\":");
        tail.extend_from_slice(&json(container));
        tail.extend_from_slice(b"},\"log\":{\"file\":{\"path\":");
        tail.extend_from_slice(&json(path));
        tail.extend_from_slice(b"},\"offset\":");
        Self { action: action.into(), tail: tail.into() }
    }

    /// Appends the line that starts at `offset` with an entry of this `fingerprint`; `message` writes its text as the inside
    /// of a JSON string.
    pub fn append(
        &self,
        body: &mut Vec<u8>,
        (offset, fingerprint): (u64, u64),
        time: &str,
        stream: Stream,
        message: impl FnOnce(&mut Vec<u8>),
    ) {
        body.extend_from_slice(&self.action);
        body.extend_from_slice(&line_letters(offset, fingerprint));
        body.extend_from_slice(b"\"}}\n{\"@timestamp\":\"");
        body.extend_from_slice(time.as_bytes());
        body.extend_from_slice(b"\",\"message\":\"");
        message(body);
        body.extend_from_slice(match stream {
            Stream::Stdout => b"\",\"stream\":\"stdout",
            Stream::Stderr => b"\",\"stream\":\"stderr",
        });
        body.extend_from_slice(&self.tail);
        append_number(body, offset);
        body.extend_from_slice(b"}}\n");
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    // Strings and structures of strings have no way to fail.
    serde_json::to_vec(value).unwrap_or_default()
}

fn append_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::parse::Text;

    fn check(metadata: &Metadata, text: Text<'_>, expected: Value) {
        let frame = Frame::new(GenerationId::new("c", b"first"), metadata, "c", "/logs/c-\"json\".log");
        let mut body = Vec::new();
        frame.append(&mut body, (70, 1 << 28), "2026-11-24T05:00:00.5Z", Stream::Stderr, |body| text.write(body));
        let text = String::from_utf8(body).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let id = format!("{}AAAAAABGAAAAAB", GenerationId::new("c", b"first"));
        assert_eq!(lines, [json!({"create": {"_id": id}}), expected], "{text}");
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn documents() {
        let metadata =
            Metadata { namespace: Some("default".into()), pod: Some("p".into()), container: Some("say \"hi\"".into()) };
        let log = json!({"file": {"path": "/logs/c-\"json\".log"}, "offset": 70});
        let expected = json!({
            "@timestamp": "2026-11-24T05:00:00.5Z", "message": "tab\t", "stream": "stderr",
            "kubernetes": {"namespace": "default", "pod": "p", "container": "say \"hi\""}, "container": {"id": "c"}, "log": log,
        });
        check(&metadata, Text::Escaped("tab\\t"), expected.clone());
        check(&metadata, Text::Plain("tab\t"), expected);
        let expected = json!({"@timestamp": "2026-11-24T05:00:00.5Z", "message": "", "stream": "stderr", "container": {"id": "c"}, "log": log});
        check(&Metadata::default(), Text::Plain(""), expected);
    }

    #[test]
    fn numbers() {
        for number in [0, 7, 10, 1_234_567_890, u64::MAX] {
            let mut out = Vec::new();
            append_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
