//! The page in a real headless Chromium, as a person meets it: it draws, it obeys, it finds, it fits a phone and the
//! dark, and it says so when a part is down. The pictures are kept in target/screenshots.

use std::path::PathBuf;
use std::time::Duration;

use integration_tests::browser::Page;
use integration_tests::{Browser, Launch, Up, binary, eventually, process};
use rustix::process::Signal;

/// A story fast enough for a test: scrapes, decisions and the rate's window are a fraction of the defaults.
const FAST: [(&str, &str); 4] =
    [("--scrape-interval", "1s"), ("--sync-period", "2s"), ("--rate-window", "10s"), ("--script", "quiet:600s@5")];
/// From a step of load to the new replicas on the page, in that story.
const SCALES: Duration = Duration::from_secs(60);

fn start() -> Up {
    FAST.iter().fold(Launch::new(), |launch, (flag, value)| launch.with(flag, *value)).start()
}

fn picture(name: &str) -> PathBuf {
    binary::root().join("target/screenshots").join(format!("{name}.png"))
}

fn assert_no_errors(page: &Page<'_>) {
    assert_eq!(page.errors(), Vec::<String>::new(), "the console shows errors");
}

/// Something is drawn: an SVG with a path of some length, or a canvas that is not all of one colour.
const DRAWN: &str = "(() => {
    const chart = document.querySelector('#story-chart');
    const all = selector => [...(chart.matches(selector) ? [chart] : []), ...chart.querySelectorAll(selector)];
    const paths = all('path, polyline').some(p => p.getTotalLength() > 50);
    const canvases = all('canvas').some(c => {
        const pixels = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);
        return pixels.some(p => p !== pixels[0]);
    });
    return paths || canvases;
})()";

/// The replicas on the page as a number; what stands beside the number does not matter.
const REPLICAS: &str = "parseInt(document.querySelector('#replica-count').textContent, 10)";

#[test]
fn the_browser_shows_what_it_is_given() {
    let mut browser = Browser::start();
    let mut page = browser.open("data:text/html,<title>t</title><input id=i><p id=p>");
    page.eval("document.querySelector('#i').oninput = event => document.querySelector('#p').textContent = event.target.value");
    page.type_into("#i", "héllo");
    assert_eq!(page.text("#p"), "héllo");
    page.type_into("#i", "again");
    assert_eq!(page.text("#p"), "again");
    assert_no_errors(&page);
    page.eval("console.error('spilt')");
    assert!(page.errors().iter().any(|error| error.contains("spilt")), "{:?}", page.errors());
    for scheme in ["light", "dark"] {
        page.prefer(scheme);
        assert_eq!(page.eval(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches")), true);
    }
}

#[test]
fn load_set_on_the_page_scales_the_replicas_and_says_why() {
    let up = start();
    let mut browser = Browser::start();
    let mut page = browser.open(&up.url("/"));
    page.wait_until("two replicas are shown", &format!("{REPLICAS} === 2"));
    page.wait_until("the title says how many", "/\\b2\\b/.test(document.title) && /replica/i.test(document.title)");
    page.wait_until("the story is drawn", DRAWN);
    set_load(&mut page, 450);
    page.wait_until_within(SCALES, "more replicas are shown", &format!("{REPLICAS} > 2"));
    page.wait_until(
        "a decision says why",
        "[...document.querySelectorAll('#decisions li')].some(li => /http_requests/.test(li.textContent))",
    );
    page.wait_until("the title follows", &format!("document.title.includes(String({REPLICAS}))"));
    page.screenshot(&picture("load"));
    assert_no_errors(&page);
}

/// Sets the load by hand with the page's own control.
fn set_load(page: &mut Page<'_>, rate: u32) {
    page.wait_for("#load-mode");
    page.eval("document.querySelector('#load-mode').value = 'manual'; document.querySelector('#load-mode').dispatchEvent(new Event('change', {bubbles: true}))");
    page.wait_for("#load-rate");
    page.type_into("#load-rate", &rate.to_string());
    page.press_enter();
}

#[test]
fn the_search_box_finds_log_lines() {
    let up = start();
    let mut browser = Browser::start();
    let mut page = browser.open(&up.url("/"));
    page.wait_for("#search");
    eventually("lines are stored", SCALES, || {
        let logs = up.state()?["logs"].clone();
        if logs["stored"].as_u64() > Some(20) { Ok(()) } else { Err(logs.to_string()) }
    });
    page.type_into("#search", "cart");
    page.press_enter();
    page.wait_until(
        "every hit has the word",
        "(hits => hits.length > 0 && hits.every(li => /cart/.test(li.textContent)))([...document.querySelectorAll('#hits li')])",
    );
    page.type_into("#search", "nosuchwordanywhere");
    page.press_enter();
    page.wait_until("no hit is left", "![...document.querySelectorAll('#hits li')].some(li => /cart/.test(li.textContent))");
    page.type_into("#search", "AND ((");
    page.press_enter();
    page.wait_until("a query that is none harms nothing", "document.querySelector('#search') !== null");
    page.wait_until("the page still lives", DRAWN);
}

#[test]
fn the_page_fits_a_phone_and_the_dark() {
    let up = start();
    let mut browser = Browser::start();
    let mut page = browser.open(&up.url("/"));
    page.wait_until("the story is drawn", DRAWN);
    page.prefer("light");
    let background =
        "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor";
    let light = page.eval(background);
    page.screenshot(&picture("laptop-light"));
    page.prefer("dark");
    page.wait_until("the dark is dark", &format!("{background} !== {light}"));
    page.screenshot(&picture("laptop-dark"));
    page.on_a_phone();
    page.wait_until("the phone's width is the page's", "document.documentElement.clientWidth <= 400");
    page.wait_until("the story is drawn again", DRAWN);
    let wide = "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('[data-scrolls]')).map(e => e.tagName + '#' + e.id + '.' + e.className)";
    let overflow = page.eval("document.documentElement.scrollWidth > document.documentElement.clientWidth");
    assert!(overflow == false, "wider than a phone: {}", page.eval(wide));
    page.screenshot(&picture("phone-dark"));
    page.prefer("light");
    page.screenshot(&picture("phone-light"));
    assert_no_errors(&page);
}

#[test]
fn a_hung_part_and_a_killed_one_show_on_the_page() {
    let up = start();
    let mut browser = Browser::start();
    let mut page = browser.open(&up.url("/"));
    let adapter = "document.querySelector('[data-part=\"metrics-adapter\"]')";
    page.wait_until("the adapter is up", &format!("{adapter}?.dataset.state === 'up'"));
    let pid = up.pid_of("metrics-adapter");
    process::signal(pid, Signal::STOP);
    page.wait_until("it is shown as not up", &format!("{adapter}.dataset.state !== 'up'"));
    page.screenshot(&picture("part-hung"));
    process::signal(pid, Signal::CONT);
    page.wait_until("it is up again", &format!("{adapter}.dataset.state === 'up'"));
    // A killed part may be back before the page asks again; what stays is that it was restarted.
    process::signal(pid, Signal::KILL);
    page.wait_until("its restart is shown", &format!("/↻ 1/.test({adapter}.textContent)"));
    page.wait_until("it is up once more", &format!("{adapter}.dataset.state === 'up'"));
    page.screenshot(&picture("part-restarted"));
    assert_no_errors(&page);
}

#[test]
fn the_page_says_so_when_all_is_gone() {
    let mut up = start();
    let mut browser = Browser::start();
    let mut page = browser.open(&up.url("/"));
    page.wait_until("the story is drawn", DRAWN);
    page.eval("document.querySelector('#banner').checkVisibility()");
    up.signal(Signal::KILL);
    up.wait(Duration::from_secs(5));
    page.wait_until(
        "the banner says so",
        "document.querySelector('#banner').checkVisibility() && document.querySelector('#banner').textContent.trim() !== ''",
    );
    page.screenshot(&picture("gone"));
}
