//! Collectors that fail, hang and panic beside one that works.

use super::*;
use crate::collector::Error;
use crate::host::Roots;

struct Works;
struct Panics;
struct Fails;
struct Hangs(std::sync::mpsc::Receiver<()>);

impl Collector for Works {
    fn collect(&mut self, _: &Host, page: &mut Page) -> Result<(), Error> {
        page.single("works", "h", Kind::Gauge, 1.0);
        Ok(())
    }
}

impl Collector for Panics {
    fn collect(&mut self, _: &Host, page: &mut Page) -> Result<(), Error> {
        page.single("before", "h", Kind::Gauge, 1.0);
        panic!("a fault of ours");
    }
}

impl Collector for Fails {
    fn collect(&mut self, _: &Host, _: &mut Page) -> Result<(), Error> {
        Err(Error::NoData("none"))
    }
}

impl Collector for Hangs {
    fn collect(&mut self, _: &Host, page: &mut Page) -> Result<(), Error> {
        self.0.recv().unwrap();
        page.single("hung", "h", Kind::Gauge, 1.0);
        Ok(())
    }
}

fn scraper(collectors: Vec<(&'static str, Box<dyn Collector>, bool)>) -> Scraper {
    let host = Arc::new(Host::new(Roots::machine()));
    let mut scraper = Scraper::new(Host::new(Roots::machine()), &[], &Flags::default()).unwrap();
    let desk = scraper.desk.get_mut().unwrap();
    for (name, collector, blocks) in collectors {
        scraper.names.push(name);
        desk.told.push(None);
        if blocks {
            scraper.lanes.push(Some(Lane::start(name, Arc::clone(&host), collector).unwrap()));
            desk.here.push(None);
        } else {
            scraper.lanes.push(None);
            desk.here.push(Some(collector));
        }
    }
    scraper
}

async fn text(scraper: &Scraper, deadline: Duration) -> String {
    String::from_utf8(scraper.scrape(&vec![true; scraper.names().len()], deadline, None).await.0).unwrap()
}

#[tokio::test]
async fn a_fault_of_one_collector_leaves_the_others_alone() {
    let scraper =
        scraper(vec![("panics", Box::new(Panics), false), ("works", Box::new(Works), false), ("fails", Box::new(Fails), false)]);
    for _ in 0..2 {
        let text = text(&scraper, Duration::from_secs(5)).await;
        for line in [
            "works 1\n",
            "before 1\n",
            "node_scrape_collector_success{collector=\"panics\"} 0\n",
            "node_scrape_collector_success{collector=\"works\"} 1\n",
            "node_scrape_collector_success{collector=\"fails\"} 0\n",
            "node_scrape_collector_no_data{collector=\"fails\"} 1\n",
            "node_scrape_collector_no_data{collector=\"panics\"} 0\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}

#[tokio::test]
async fn a_hung_collector_costs_its_own_data_and_one_thread() {
    let (release, held) = std::sync::mpsc::channel();
    let scraper = scraper(vec![("hangs", Box::new(Hangs(held)), true), ("works", Box::new(Works), false)]);
    for _ in 0..3 {
        let text = text(&scraper, Duration::from_millis(50)).await;
        assert!(
            text.contains("works 1\n")
                && text.contains("node_scrape_collector_timeout{collector=\"hangs\"} 1\n")
                && !text.contains("hung"),
            "{text}"
        );
    }
    // One release for the request that hangs and one for the next: those in between are passed over.
    release.send(()).unwrap();
    release.send(()).unwrap();
    let text = text(&scraper, Duration::from_secs(10)).await;
    assert!(text.contains("hung 1\n") && text.contains("node_scrape_collector_success{collector=\"hangs\"} 1\n"), "{text}");
}

struct Waits(std::path::PathBuf);

impl Collector for Waits {
    fn collect(&mut self, _: &Host, page: &mut Page) -> Result<(), Error> {
        page.single("came", "h", Kind::Gauge, 1.0);
        Ok(())
    }

    fn presence(&self, host: &Host) -> Option<(crate::host::Presence, Option<&'static str>)> {
        Some((crate::host::Presence::in_directories(host, &[self.0.to_str().unwrap()]), Some("none")))
    }
}

#[tokio::test]
async fn a_collector_is_asked_once_its_devices_come() {
    let directory = tempfile::tempdir().unwrap();
    let devices = directory.path().join("devices");
    let scraper = scraper(vec![("waits", Box::new(Waits(devices.clone())), true)]);
    let of = |family: &str| format!("node_scrape_collector_{family}{{collector=\"waits\"}} 1\n");
    let before = text(&scraper, Duration::from_secs(5)).await;
    assert!(before.contains(&of("no_data")) && !before.contains("came"), "{before}");
    std::fs::create_dir(&devices).unwrap();
    let empty = text(&scraper, Duration::from_secs(5)).await;
    assert!(empty.contains(&of("success")) && !empty.contains("came"), "{empty}");
    std::fs::write(devices.join("one"), "").unwrap();
    let after = text(&scraper, Duration::from_secs(5)).await;
    assert!(after.contains(&of("success")) && after.contains("came 1\n"), "{after}");
}

#[tokio::test]
async fn only_what_is_wanted_runs() {
    let scraper = scraper(vec![("works", Box::new(Works), false), ("fails", Box::new(Fails), false)]);
    let (text, dropped) = scraper.scrape(&[false, true], Duration::from_secs(5), None).await;
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("works") && text.contains("collector=\"fails\"") && dropped == 0, "{text}");
}
