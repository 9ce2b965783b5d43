//! The way of bulk requests to the writer: a queue bounded in requests and in bytes. Who finds it full is told so at once,
//! because senders know how to wait and memory does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::log_store::bulk::Verdict;
use crate::log_store::failure::Failure;

/// The longest body: agents send 1 to 10 MB at a time.
pub const MAX_BODY_BYTES: usize = 16 << 20;
/// Bodies that are being received or written; two of the longest, so that one is received while another is written.
const MAX_QUEUED_BYTES: usize = 2 * MAX_BODY_BYTES;
/// A group of this size is committed although its commit is not due: sparing commits is for small ones, and an agent that
/// catches up sends its next body only after the answer to this one.
const FULL_GROUP_BYTES: usize = 256 << 10;
/// Requests waiting for the writer. Small ones take little room, and all of them share one commit.
const MAX_QUEUED: usize = 256;

/// What a sender waits for.
pub type Answer = Result<Vec<Verdict>, Failure>;

/// A bulk request on its way.
pub struct Bulk {
    /// Pairs of lines.
    pub body: Bytes,
    /// The index in the request's path.
    pub index: Option<String>,
    /// Where the sender waits.
    pub answer: oneshot::Sender<Answer>,
    _room: Room,
}

/// A right to hold so many bytes.
pub type Room = OwnedSemaphorePermit;

enum Order {
    Bulk(Bulk),
    /// Only wakes the writer, which then looks at `stopped`.
    Stop,
}

/// The senders' end.
#[derive(Clone)]
pub struct Bulks {
    orders: SyncSender<Order>,
    room: Arc<Semaphore>,
    stopped: Arc<AtomicBool>,
}

/// The writer's end.
pub struct Orders {
    orders: Receiver<Order>,
    stopped: Arc<AtomicBool>,
}

/// What the writer does next.
pub enum Next {
    /// Write this.
    Bulk(Bulk),
    /// Nothing came in time.
    Nothing,
    /// End.
    Stop,
}

/// A queue.
pub fn new() -> (Bulks, Orders) {
    let (sender, receiver) = sync_channel(MAX_QUEUED);
    let stopped = Arc::new(AtomicBool::new(false));
    let room = Arc::new(Semaphore::new(MAX_QUEUED_BYTES));
    (Bulks { orders: sender, room, stopped: stopped.clone() }, Orders { orders: receiver, stopped })
}

impl Bulks {
    /// Room for a body of so many bytes, to be had before it is received.
    ///
    /// # Errors
    /// There is none now.
    pub fn reserve(&self, bytes: usize) -> Result<Room, Failure> {
        let full = || Failure::busy(format!("bulk requests of {MAX_QUEUED_BYTES} bytes are under way: send again later"));
        // Nothing larger than a body may be is ever asked for, and that fits.
        let bytes = u32::try_from(bytes).map_err(|_| full())?;
        self.room.clone().try_acquire_many_owned(bytes).map_err(|_| full())
    }

    /// More room, for a body that turned out longer.
    ///
    /// # Errors
    /// There is none now.
    pub fn enlarge(&self, mut room: Room, bytes: usize) -> Result<Room, Failure> {
        if let Some(missing) = bytes.checked_sub(room.num_permits()).filter(|missing| *missing > 0) {
            room.merge(self.reserve(missing)?);
        }
        Ok(room)
    }

    /// Hands a body to the writer and waits until what it holds is on disk.
    ///
    /// # Errors
    /// The queue is full, the body is no bulk body, or the commit failed.
    pub async fn submit(&self, body: Bytes, index: Option<String>, room: Room) -> Answer {
        let (answer, verdicts) = oneshot::channel();
        let ending = || Failure::unavailable("the log store ended before these documents were stored: send them again");
        match self.orders.try_send(Order::Bulk(Bulk { body, index, answer, _room: room })) {
            Ok(()) => verdicts.await.unwrap_or_else(|_| Err(ending())),
            Err(TrySendError::Full(_)) => Err(Failure::busy(format!("{MAX_QUEUED} bulk requests are waiting: send again later"))),
            Err(TrySendError::Disconnected(_)) => Err(ending()),
        }
    }

    /// Lets the writer end after what is in the queue.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // A full queue wakes it just as well.
        let _woken = self.orders.try_send(Order::Stop);
    }
}

impl Orders {
    /// The next thing to do, waited for at most `patience`, or for ever.
    pub fn next(&mut self, patience: Option<Duration>) -> Next {
        loop {
            let order = if self.is_stopped() {
                self.orders.try_recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                match patience {
                    Some(patience) => self.orders.recv_timeout(patience),
                    None => self.orders.recv().map_err(RecvTimeoutError::from),
                }
            };
            match order {
                Ok(Order::Bulk(bulk)) => return Next::Bulk(bulk),
                Ok(Order::Stop) => {}
                Err(RecvTimeoutError::Timeout) => return Next::Nothing,
                Err(RecvTimeoutError::Disconnected) => return Next::Stop,
            }
        }
    }

    /// `first` and what comes until `due`, or what is there already if that has passed.
    pub fn gather(&mut self, first: Bulk, due: Option<Instant>) -> Vec<Bulk> {
        let mut bytes = first.body.len();
        let mut group = vec![first];
        while bytes < FULL_GROUP_BYTES {
            let left = due.and_then(|due| due.checked_duration_since(Instant::now())).filter(|_| !self.is_stopped());
            let order = match left {
                Some(left) => self.orders.recv_timeout(left).ok(),
                None => self.orders.try_recv().ok(),
            };
            match order {
                Some(Order::Bulk(bulk)) => {
                    bytes += bulk.body.len();
                    group.push(bulk);
                }
                Some(Order::Stop) => {}
                None => break,
            }
        }
        group
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests;
