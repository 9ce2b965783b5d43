//! Lets pods reach a server that listens on loopback: what comes in at an address that they see is passed on. It knows no
//! protocol, and lasts as long as the test's process.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Passes on all that comes in at `address`, such as the machine's as pods see it, to `target`; gives where it listens.
///
/// # Errors
/// The machine does not have that address.
pub fn forward(address: &str, target: &str) -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((address, 0)).map_err(|error| format!("{address}: {error}"))?;
    let here = listener.local_addr().map_err(|error| format!("{address}: {error}"))?;
    let target = target.to_owned();
    thread::spawn(move || {
        for incoming in listener.incoming().flatten() {
            // A server that is down refuses here as it would refuse itself: by closing.
            if let Ok(outgoing) = TcpStream::connect(&target) {
                let _started = join(incoming, outgoing);
            }
        }
    });
    Ok(here)
}

fn join(incoming: TcpStream, outgoing: TcpStream) -> io::Result<()> {
    let (back, forth) = (incoming.try_clone()?, outgoing.try_clone()?);
    thread::spawn(move || copy(&incoming, &outgoing));
    thread::spawn(move || copy(&forth, &back));
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let _bytes = io::copy(&mut from, &mut to);
    let _shut = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn what_is_sent_arrives_and_the_answer_comes_back() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = forward("127.0.0.1", &server.local_addr().unwrap().to_string()).unwrap();
        let mut client = TcpStream::connect(here).unwrap();
        client.write_all(b"a question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (mut stream, _) = server.accept().unwrap();
        let mut question = String::new();
        stream.read_to_string(&mut question).unwrap();
        stream.write_all(question.to_uppercase().as_bytes()).unwrap();
        drop(stream);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "A QUESTION");
    }
}
