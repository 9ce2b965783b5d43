//! Several containers: whose turn it is, and what file events that were lost mean.

use std::fs;

use daemon::admin::Readiness;
use tokio::sync::mpsc;

use super::*;
use crate::batch::Batch;
use crate::ledger::Ledger;
use crate::parse;

/// A reader of containers that have so many lines each, and what comes out of it: a batch a line, one at a time.
fn reader(containers: &[(&str, usize)]) -> (tempfile::TempDir, Reader, mpsc::Receiver<Batch>) {
    let root = tempfile::tempdir().unwrap();
    for (id, lines) in containers {
        let folder = root.path().join(id);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config.v2.json"), r#"{"Config":{"Labels":null}}"#).unwrap();
        let line = |number| format!("{{\"log\":\"{number}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T05:00:00Z\"}}\n");
        fs::write(folder.join(format!("{id}-json.log")), (0..*lines).map(line).collect::<String>()).unwrap();
    }
    let (outbox, inbox) = mpsc::channel(1);
    let bounds = Bounds { bulk_bytes: 1, flush_after: Duration::ZERO, open_files: 10 };
    let desk = Desk::new(parse::DOCKER_JSON, Arc::new(Ledger::default()), outbox, Arc::default(), bounds);
    let health = Health::new(Readiness::default());
    let path = root.path().to_owned();
    let mut reader = Reader::new(path, Tempo::default(), Arc::default(), Watcher::blind(), health, desk);
    reader.scan(Instant::now());
    reader.list();
    (root, reader, inbox)
}

#[test]
fn a_busy_container_leaves_room_for_its_neighbours_while_the_sink_is_slow() {
    let (_root, mut reader, mut inbox) = reader(&[("busy", 100), ("other", 3)]);
    let mut others = 0;
    for _ in 0..10 {
        reader.desk.send_waiting();
        reader.turns(Instant::now());
        let batch = inbox.try_recv().unwrap();
        others += usize::from(std::str::from_utf8(&batch.body).unwrap().contains("\"id\":\"other\""));
    }
    assert_eq!(others, 3);
}

#[test]
fn after_lost_events_a_watch_is_not_trusted() {
    let (_root, mut reader, _inbox) = reader(&[("quiet", 0)]);
    let mut source = reader.sources.get_mut("quiet").unwrap();
    (source.file_watch, source.is_due, source.is_unlisted) = (Some(7), false, false);
    reader.targets.insert(7, Target::File("quiet".into()));
    let mut rung = Rung::default();
    rung.everything = true;
    reader.hear(&rung);
    source = reader.sources.get_mut("quiet").unwrap();
    assert!(source.file_watch.is_none() && source.is_due && source.is_unlisted && reader.targets.is_empty());
}
