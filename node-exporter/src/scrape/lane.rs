//! A thread for a collector that may block. It works through its requests in turn; whoever asked stops waiting at its
//! deadline, and a thread that is stuck is never doubled.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Answer, Outcome, run};
use crate::collector::{Collector, Error};
use crate::host::{Found, Host, Presence};
use crate::metric::Page;

/// Requests that may wait behind a stuck one: more than the default of scrapes at once. Those beyond it time out at once.
const QUEUE: usize = 64;
/// Pages kept for the next requests.
const SPARE_PAGES: usize = 2;
/// Collectors parse without recursion.
const STACK: usize = 256 << 10;

pub struct Lane {
    name: &'static str,
    host: Arc<Host>,
    presence: Option<Mutex<(Presence, Option<&'static str>)>>,
    // Until its thread is started: not before there is anything to read.
    idle: Mutex<Option<Box<dyn Collector>>>,
    requests: OnceLock<SyncSender<Request>>,
    spare: Mutex<Vec<Page>>,
}

struct Request {
    page: Page,
    reply: oneshot::Sender<Answer>,
}

/// An answer that is still to come, or is here, or will never come.
pub enum Wait {
    Coming(oneshot::Receiver<Answer>),
    Here(Answer),
    Never,
}

impl Lane {
    pub fn start(name: &'static str, host: Arc<Host>, collector: Box<dyn Collector>) -> Result<Self, Error> {
        let presence = collector.presence(&host).map(Mutex::new);
        let lane =
            Self { name, host, presence, idle: Mutex::new(Some(collector)), requests: OnceLock::new(), spare: Mutex::default() };
        if lane.presence.is_none() {
            lane.thread()?;
        }
        Ok(lane)
    }

    pub fn ask(&self) -> Wait {
        if let Some(result) = self.absent() {
            return Wait::Here((Page::default(), Outcome { result, duration: Duration::ZERO }));
        }
        let requests = match self.thread() {
            Ok(Some(requests)) => requests,
            Ok(None) => return Wait::Never,
            Err(error) => return Wait::Here((Page::default(), Outcome { result: Err(error), duration: Duration::ZERO })),
        };
        let page = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let (reply, answer) = oneshot::channel();
        if requests.try_send(Request { page, reply }).is_ok() { Wait::Coming(answer) } else { Wait::Never }
    }

    // What to say if there is nothing to read.
    fn absent(&self) -> Option<Result<(), Error>> {
        let mut presence = self.presence.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let (presence, reason) = &mut *presence;
        match presence.look(&self.host) {
            Found::Something => None,
            Found::Nothing => Some(Ok(())),
            Found::Absent => Some(reason.map_or(Ok(()), |reason| Err(Error::NoData(reason)))),
        }
    }

    // The way to its thread, which is started by the first who asks; `None` if that failed before.
    fn thread(&self) -> Result<Option<&SyncSender<Request>>, Error> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(collector) = idle.take() {
            let (requests, queue) = sync_channel(QUEUE);
            let host = Arc::clone(&self.host);
            let thread = thread::Builder::new().name(self.name.to_owned()).stack_size(STACK);
            let started = thread.spawn(move || work(&queue, &host, collector));
            started.map_err(|source| Error::System { call: "clone", source })?;
            return Ok(Some(self.requests.get_or_init(|| requests)));
        }
        Ok(self.requests.get())
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
        match self {
            Self::Here(answer) => return answer,
            Self::Coming(answer) => {
                if let Ok(Ok(answer)) = tokio::time::timeout_at(end, answer).await {
                    return answer;
                }
            }
            Self::Never => {}
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
