//! A thread for a collector that may block. It works through its requests in turn; whoever asked stops waiting at its
//! deadline, and a thread that is stuck is never doubled.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Answer, Outcome, run};
use crate::collector::{Collector, Error};
use crate::host::Host;
use crate::metric::Page;

/// Requests that may wait behind a stuck one: more than the default of scrapes at once. Those beyond it time out at once.
const QUEUE: usize = 64;
/// Pages kept for the next requests.
const SPARE_PAGES: usize = 2;
/// Collectors parse without recursion.
const STACK: usize = 256 << 10;

pub struct Lane {
    requests: SyncSender<Request>,
    spare: Mutex<Vec<Page>>,
}

struct Request {
    page: Page,
    reply: oneshot::Sender<Answer>,
}

/// An answer that is still to come.
pub struct Wait(Option<oneshot::Receiver<Answer>>);

impl Lane {
    pub fn start(name: &str, host: Arc<Host>, collector: Box<dyn Collector>) -> Result<Self, Error> {
        let (requests, queue) = sync_channel(QUEUE);
        let thread = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        thread.spawn(move || work(&queue, &host, collector)).map_err(|source| Error::System { call: "clone", source })?;
        Ok(Self { requests, spare: Mutex::default() })
    }

    pub fn ask(&self) -> Wait {
        let page = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let (reply, answer) = oneshot::channel();
        Wait(self.requests.try_send(Request { page, reply }).is_ok().then_some(answer))
    }

    /// Keeps a page for the next request.
    pub fn give_back(&self, mut page: Page) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_PAGES {
            page.clear();
            spare.push(page);
        }
    }
}

impl Wait {
    /// The answer, or a timeout after `deadline`, which ends at `end`.
    pub async fn until(self, end: Instant, deadline: Duration) -> Answer {
        if let Some(answer) = self.0
            && let Ok(Ok(answer)) = tokio::time::timeout_at(end, answer).await
        {
            return answer;
        }
        (Page::default(), Outcome { result: Err(Error::Timeout(deadline.as_secs_f64())), duration: deadline })
    }
}

fn work(queue: &Receiver<Request>, host: &Host, mut collector: Box<dyn Collector>) {
    while let Ok(Request { mut page, reply }) = queue.recv() {
        // Nobody waits any more: a backlog behind a stuck request is passed over.
        if reply.is_closed() {
            continue;
        }
        let outcome = run(collector.as_mut(), host, &mut page);
        // Whoever asked may be gone by now.
        let _unheard = reply.send((page, outcome));
    }
}
