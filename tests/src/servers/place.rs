//! Where a server runs: on the machine itself, or in namespaces of its own. It says how to start a program there and under
//! which address it is reached.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::ops::Range;
use std::process::Command;
use std::sync::Mutex;

/// A place for servers.
#[derive(Clone, Debug)]
pub struct Place {
    /// The address on which servers listen there, and under which the test reaches them.
    pub address: String,
    /// The process whose namespaces are entered; none on the machine itself.
    pub inside: Option<u32>,
}

impl Place {
    /// The machine itself; nobody else can reach what listens there.
    pub fn machine() -> Self {
        Self { address: "127.0.0.1".to_owned(), inside: None }
    }

    /// A command that starts `program` there.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some(pid) = self.inside else { return Command::new(program) };
        let mut command = Command::new("nsenter");
        command.args(["--target", &pid.to_string(), "--mount", "--net", "--pid", "--uts", "--"]).arg(program);
        command
    }
}

/// Ports for servers: the system gives none of these to outgoing connections, which would take one between our look and the
/// server's start, and Kubernetes none to Services.
const PORTS: Range<u16> = 10_000..30_000;

/// Ports that were free a moment ago, all different.
///
/// # Errors
/// The machine has none.
pub fn free_ports<const COUNT: usize>() -> Result<[u16; COUNT], String> {
    let mut ports = [0; COUNT];
    for port in &mut ports {
        *port = free_among(PORTS, &[0])?;
    }
    Ok(ports)
}

/// A port of `ports` from which on all `offsets` are free.
///
/// # Errors
/// None was found.
pub fn free_among(ports: Range<u16>, offsets: &[u16]) -> Result<u16, String> {
    /// Runs side by side get neighbouring process numbers; this is more ports than one run takes.
    const APART: usize = 101;
    /// How far the last search came: a server that was just started does not listen yet.
    static NEXT: Mutex<Option<usize>> = Mutex::new(None);
    let mut next = NEXT.lock().map_err(|error| error.to_string())?;
    let begin = next.unwrap_or(std::process::id() as usize * APART) % ports.len().max(1);
    let is_free = |first: &u16| offsets.iter().all(|offset| TcpListener::bind(("127.0.0.1", first + offset)).is_ok());
    let found = ports.clone().skip(begin).chain(ports.clone()).find(is_free);
    let found = found.ok_or_else(|| format!("no free ports within {ports:?}"))?;
    *next = Some(usize::from(found - ports.start) + 1);
    Ok(found)
}
