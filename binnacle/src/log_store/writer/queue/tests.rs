//! The queue: its bounds, its groups, its end.

use super::*;

const LONG: Duration = Duration::from_secs(30);

/// Sends a body of this length without waiting for its answer.
fn send(bulks: &Bulks, length: usize) -> tokio::task::JoinHandle<Answer> {
    let room = bulks.reserve(length).unwrap();
    let bulks = bulks.clone();
    tokio::spawn(async move { bulks.submit(vec![0; length].into(), None, room).await })
}

fn lengths(group: &[Bulk]) -> Vec<usize> {
    group.iter().map(|bulk| bulk.body.len()).collect()
}

fn next(orders: &mut Orders) -> Bulk {
    match orders.next(Some(LONG)) {
        Next::Bulk(bulk) => bulk,
        Next::Nothing | Next::Stop => panic!("no bulk came"),
    }
}

#[tokio::test]
async fn room_is_given_back_with_the_answer() {
    let (bulks, mut orders) = new();
    let answer = send(&bulks, MAX_BODY_BYTES);
    tokio::task::yield_now().await;
    let _other = bulks.reserve(MAX_BODY_BYTES).unwrap();
    let refused = bulks.reserve(1).unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.kind), (429, "es_rejected_execution_exception"));
    let Bulk { answer: sender, _room: room, .. } = next(&mut orders);
    sender.send(Ok(Vec::new())).unwrap();
    assert_eq!(answer.await.unwrap(), Ok(Vec::new()));
    drop(room);
    drop(bulks.reserve(1).unwrap());
}

#[tokio::test]
async fn room_can_grow_while_there_is_some() {
    let (bulks, _orders) = new();
    let room = bulks.reserve(10).unwrap();
    let room = bulks.enlarge(room, 5).unwrap();
    assert_eq!(room.num_permits(), 10);
    let room = bulks.enlarge(room, 30).unwrap();
    assert_eq!(room.num_permits(), 30);
    let _other = bulks.reserve(MAX_QUEUED_BYTES - 40).unwrap();
    assert_eq!(bulks.enlarge(room, 41).unwrap_err().status.as_u16(), 429);
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let (bulks, _orders) = new();
    let sent: Vec<_> = (0..MAX_QUEUED).map(|_| send(&bulks, 1)).collect();
    tokio::task::yield_now().await;
    let refused = send(&bulks, 1).await.unwrap().unwrap_err();
    assert_eq!(refused.status.as_u16(), 429);
    sent.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_group_is_what_is_there_when_the_commit_is_due() {
    let (bulks, mut orders) = new();
    let _sent: Vec<_> = (1..=3).map(|length| send(&bulks, length)).collect();
    tokio::task::yield_now().await;
    let first = next(&mut orders);
    assert_eq!(lengths(&orders.gather(first, None)), [1, 2, 3]);
    // One that is full does not wait for its time.
    let _sent = [send(&bulks, FULL_GROUP_BYTES - 1), send(&bulks, 1), send(&bulks, 1)];
    tokio::task::yield_now().await;
    let first = next(&mut orders);
    assert_eq!(lengths(&orders.gather(first, Some(Instant::now() + LONG))), [FULL_GROUP_BYTES - 1, 1]);
    // The end does not wait either.
    bulks.stop();
    let first = next(&mut orders);
    assert_eq!(lengths(&orders.gather(first, Some(Instant::now() + LONG))), [1]);
}

#[tokio::test]
async fn the_end_comes_after_what_is_queued() {
    let (bulks, mut orders) = new();
    assert!(matches!(orders.next(Some(Duration::ZERO)), Next::Nothing));
    let answer = send(&bulks, 1);
    tokio::task::yield_now().await;
    bulks.stop();
    drop(next(&mut orders));
    assert_eq!(answer.await.unwrap().unwrap_err().status.as_u16(), 503);
    assert!(matches!(orders.next(None), Next::Stop));
    drop(orders);
    assert_eq!(send(&bulks, 1).await.unwrap().unwrap_err().status.as_u16(), 503);
}
