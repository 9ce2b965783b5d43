//! How long a container's log is kept: until its lines are stored, and then no longer than Docker would. A real container
//! engine deletes by number alone, and what an agent had not read by then is gone.

use std::sync::Arc;
use std::time::Duration;

use super::container_log::Container;
use super::log_sink::LogSink;

/// How often the store is asked for a log that could lose a file: a replica under full load fills one in minutes.
const PERIOD: Duration = Duration::from_secs(10);

/// Deletes rotated files beyond the wanted number as soon as all their lines are stored; for as long as the container runs.
pub async fn follow(container: Arc<Container>, sink: LogSink) {
    loop {
        tokio::time::sleep(PERIOD).await;
        let surplus = container.log().await.surplus_lines();
        if let Some(lines) = surplus
            && sink.count_of(&container.id).await.is_ok_and(|stored| stored >= lines)
            && let Err(error) = container.log().await.drop_oldest()
        {
            tracing::warn!(container = container.id, %error, "cannot delete the oldest file of its log");
        }
    }
}

/// Deletes the folder of a container that has ended as soon as all its lines are stored.
pub async fn bury(container: Arc<Container>, sink: LogSink) {
    let lines = container.log().await.lines();
    while !sink.count_of(&container.id).await.is_ok_and(|stored| stored >= lines) {
        tokio::time::sleep(PERIOD).await;
    }
    if let Err(error) = container.log().await.remove() {
        tracing::warn!(container = container.id, %error, "cannot delete its folder");
    }
}
