//! One batch's way to its end: sent, judged item by item, what was refused for now sent again, halves where the whole is
//! too large. It ends when every item is stored or kept as a dead letter, and not before.

use std::collections::VecDeque;

use bytes::Bytes;
use daemon::backoff::Backoff;
use reqwest::StatusCode;

use super::answer::Answer;
use super::client::Failure;
use super::verdict::{Fate, Verdict};
use super::{RETRY, Sink};
use crate::batch::Batch;
use crate::dead_letter::DeadLetter;

/// Some items of a batch, as one request sends them.
struct Part {
    body: Bytes,
    /// Where each item ends in the body.
    ends: Vec<u32>,
}

impl Part {
    fn item(&self, place: usize) -> Bytes {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.body.slice(start as usize..self.ends[place] as usize)
    }

    /// The items at these places, alone.
    fn only(&self, places: &[usize]) -> Self {
        let mut body = Vec::new();
        let mut ends = Vec::new();
        for place in places {
            body.extend_from_slice(&self.item(*place));
            ends.push(u32::try_from(body.len()).unwrap_or(u32::MAX));
        }
        Self { body: body.into(), ends }
    }

    /// Both halves; `None`: it is one item.
    fn halves(&self) -> Option<[Self; 2]> {
        let middle = self.ends.len() / 2;
        let cut = *self.ends.get(middle.checked_sub(1)?)?;
        let first = Self { body: self.body.slice(..cut as usize), ends: self.ends[..middle].to_vec() };
        let second =
            Self { body: self.body.slice(cut as usize..), ends: self.ends[middle..].iter().map(|end| end - cut).collect() };
        Some([first, second])
    }
}

impl Sink {
    /// Delivers a batch; gives its body's memory back. Dropped before its end, it leaves the batch's marks where they were.
    pub(super) async fn deliver(&self, mut batch: Batch) -> Vec<u8> {
        self.ledger.sent(&batch);
        let body = Bytes::from(std::mem::take(&mut batch.body));
        let mut parts = VecDeque::from([Part { body: body.clone(), ends: std::mem::take(&mut batch.ends) }]);
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        while let Some(part) = parts.pop_front() {
            if part.ends.is_empty() {
                continue;
            }
            let recovered = self.recovered.notified();
            self.ledger.count(|books| books.requests += 1);
            let (answered, (again, trouble)) = match self.client.bulk(part.body.clone(), part.ends.len()).await {
                Ok(answer) => (true, self.judged(&part, answer).await),
                Err(failure) => (false, self.failed(part, failure).await),
            };
            again.into_iter().rev().for_each(|part| parts.push_front(part));
            match trouble {
                None => {
                    backoff.reset();
                    self.answered();
                }
                Some(trouble) => {
                    self.complain(&trouble);
                    tokio::select! {
                        () = tokio::time::sleep(backoff.next_delay()) => {}
                        // A server that is there and refuses has asked for the whole wait.
                        () = recovered, if !answered => {}
                    }
                }
            }
        }
        self.ledger.delivered(&batch);
        body.try_into_mut().map_or_else(
            |_| Vec::new(),
            |mut body| {
                body.clear();
                body.into()
            },
        )
    }

    /// Books an answer; gives back what is to be sent again, and why.
    async fn judged(&self, part: &Part, answer: Answer) -> (Vec<Part>, Option<String>) {
        let Answer { created, existed, refused } = answer;
        self.ledger.stored(created + existed, existed);
        let (dead, mut again): (Vec<_>, Vec<_>) = refused.into_iter().partition(|(_, verdict)| verdict.fate == Fate::Dead);
        let mut trouble = None;
        if !dead.is_empty() {
            match self.bury(part, &dead).await {
                Ok(()) => {}
                Err(error) => {
                    trouble = Some(error.to_string());
                    again.extend(dead);
                    again.sort_unstable_by_key(|(place, _)| *place);
                }
            }
        }
        if let Some((_, Verdict { status, fate, reason })) = again.first().filter(|_| trouble.is_none()) {
            let doing = if *fate == Fate::Parked { "until that is put right" } else { "for now" };
            trouble = Some(format!("refuses {} of {} lines {doing}: {status} {reason}", again.len(), part.ends.len()));
        }
        self.ledger.count(|books| books.refused_items += again.len() as u64);
        let places: Vec<usize> = again.iter().map(|(place, _)| *place).collect();
        (if places.is_empty() { Vec::new() } else { vec![part.only(&places)] }, trouble)
    }

    /// Judges a request that came to nothing.
    async fn failed(&self, part: Part, failure: Failure) -> (Vec<Part>, Option<String>) {
        self.ledger.count(|books| books.failed_requests += 1);
        let Failure::Status { status: StatusCode::PAYLOAD_TOO_LARGE, reason } = &failure else {
            return (vec![part], Some(failure.to_string()));
        };
        if let Some(halves) = part.halves() {
            return (halves.into(), None);
        }
        let verdict = Verdict {
            status: 413,
            fate: Fate::Dead,
            reason: format!("the server takes no document of {} bytes: {reason}", part.body.len()),
        };
        match self.bury(&part, &[(0, verdict)]).await {
            Ok(()) => (Vec::new(), None),
            Err(error) => (vec![part], Some(error.to_string())),
        }
    }

    /// Keeps items as dead letters, on disk before they count.
    async fn bury(&self, part: &Part, dead: &[(usize, Verdict)]) -> std::io::Result<()> {
        let letters: Vec<DeadLetter> = dead
            .iter()
            .map(|(place, verdict)| DeadLetter {
                status: verdict.status,
                reason: verdict.reason.clone(),
                item: part.item(*place),
            })
            .collect();
        let count = letters.len();
        let first = letters.first().map_or_else(String::new, |letter| letter.reason.clone());
        let graveyard = self.letters.clone();
        tokio::task::spawn_blocking(move || graveyard.keep(&letters)).await.map_err(std::io::Error::other)??;
        tracing::error!(lines = count, reason = first, "the sink will never take these: kept as dead letters");
        self.ledger.dead(count as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Part {
        Part { body: Bytes::from_static(b"a\nbb\nccc\n"), ends: vec![2, 5, 9] }
    }

    fn items(part: &Part) -> Vec<Bytes> {
        (0..part.ends.len()).map(|place| part.item(place)).collect()
    }

    #[test]
    fn parts_are_taken_apart_by_items() {
        assert_eq!(items(&part()), ["a\n", "bb\n", "ccc\n"]);
        assert_eq!(items(&part().only(&[0, 2])), ["a\n", "ccc\n"]);
        let [first, second] = part().halves().unwrap();
        assert_eq!((items(&first), items(&second)), (vec![Bytes::from("a\n")], vec![Bytes::from("bb\n"), Bytes::from("ccc\n")]));
        assert!(first.halves().is_none() && second.halves().is_some());
    }
}
