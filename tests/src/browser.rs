//! A real headless Chromium and the pages open in it, as a person would use them: look, click, type, turn the lights off.
//! It speaks the DevTools protocol over a pipe (see `pipe`), so that it needs no port, and Chromium ends with the test.

mod base64;
mod pipe;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait::eventually;
use pipe::Pipe;

/// The names under which systems install it.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// As root there is no sandbox; the others keep it from asking the internet for updates and the like.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
];
/// Chromium reads commands from descriptor 3 and answers on 4: the shell moves its own input and output there.
const MOVE_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>&2"#;
/// How long something may take to appear on a page.
const APPEARS: Duration = Duration::from_secs(20);
/// A phone's width and height in CSS pixels, and its pixel ratio.
const PHONE: (u32, u32, u32) = (390, 844, 2);
/// A laptop's.
const LAPTOP: (u32, u32, u32) = (1280, 800, 1);

/// A running browser with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    pipe: Pipe,
    profile: TempDir,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    /// There is no Chromium on this machine, or it does not start.
    pub fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("binnacle-browser-").tempdir().expect("a temporary folder");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = PROGRAMS.iter().find(|name| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()));
        let program =
            program.unwrap_or_else(|| panic!("no {} in PATH: on Debian, apt-get install chromium", PROGRAMS.join(", ")));
        let log = fs::File::create(profile.path().join("log.txt")).expect("a file in a folder of our own");
        let mut child = Command::new("sh")
            .args(["-c", MOVE_PIPES, program])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("a shell");
        let (Some(commands), Some(answers)) = (child.stdin.take(), child.stdout.take()) else { panic!("pipes were asked for") };
        Self { child, pipe: Pipe::new(commands, answers), profile }
    }

    /// Opens `url` in a new tab of a laptop's size.
    ///
    /// # Panics
    /// It cannot be loaded.
    pub fn open(&mut self, url: &str) -> Page<'_> {
        let target = self.pipe.call(None, "Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let attached = self.pipe.call(None, "Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        let session = attached["sessionId"].as_str().expect("a session").to_owned();
        let mut page = Page { browser: self, session };
        for domain in ["Page", "Runtime", "Log"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.size(LAPTOP, false);
        let loaded = page.call("Page.navigate", json!({"url": url}));
        assert!(loaded["errorText"].is_null(), "{url} does not open: {}", loaded["errorText"]);
        page.wait_until("the page is loaded", "document.readyState === 'complete'");
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = fs::read(self.profile.path().join("log.txt")).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            // Its complaints about a message bus and a GPU that are not there say nothing.
            let lines: Vec<&str> = log.lines().filter(|line| !line.contains("/dbus/") && !line.contains("gpu")).collect();
            eprintln!("--- the end of the browser's log:\n{}", lines[lines.len().saturating_sub(10)..].join("\n"));
        }
        self.pipe.close();
        // With the pipe closed it ends by itself within a fraction of a second.
        let _status = self.child.wait();
    }
}

/// A page open in a browser.
#[derive(Debug)]
pub struct Page<'a> {
    browser: &'a mut Browser,
    session: String,
}

impl Page<'_> {
    /// What a JavaScript expression gives; a promise is awaited.
    ///
    /// # Panics
    /// It throws.
    pub fn eval(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", parameters);
        let fault = &answer["exceptionDetails"];
        assert!(fault.is_null(), "{expression} throws {}", fault["exception"]["description"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// It does not become so in time.
    pub fn wait_until(&mut self, what: &str, expression: &str) {
        self.wait_until_within(APPEARS, what, expression);
    }

    /// As [`Self::wait_until`], with a time of its own.
    ///
    /// # Panics
    /// It does not become so in time.
    pub fn wait_until_within(&mut self, limit: Duration, what: &str, expression: &str) {
        eventually(what, limit, || {
            let value = self.eval(expression);
            if value == true { Ok(()) } else { Err(format!("`{expression}` is {value}")) }
        });
    }

    /// Waits until something matches a CSS selector.
    ///
    /// # Panics
    /// Nothing does in time.
    pub fn wait_for(&mut self, selector: &str) {
        self.wait_until(&format!("{selector} is on the page"), &format!("document.querySelector({}) !== null", quoted(selector)));
    }

    /// The text of the first match, trimmed.
    ///
    /// # Panics
    /// Nothing matches.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({}).textContent.trim()", quoted(selector)));
        text.as_str().unwrap_or_else(|| panic!("{selector} has no text but {text}")).to_owned()
    }

    /// Clicks the middle of the first match with the mouse.
    ///
    /// # Panics
    /// Nothing matches.
    pub fn click(&mut self, selector: &str) {
        let middle = self.eval(&format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{block: 'center', behavior: 'instant'}});
              const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()",
            quoted(selector)
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let parameters = json!({"type": kind, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", parameters);
        }
    }

    /// Clicks into a field, empties it, and types, key by key.
    ///
    /// # Panics
    /// Nothing matches.
    pub fn type_into(&mut self, selector: &str, text: &str) {
        self.click(selector);
        self.eval(&format!("document.querySelector({}).select()", quoted(selector)));
        for letter in text.chars() {
            self.call("Input.dispatchKeyEvent", json!({"type": "char", "text": letter.to_string()}));
        }
    }

    /// Presses Enter.
    pub fn press_enter(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"});
            self.call("Input.dispatchKeyEvent", key);
        }
    }

    /// Shows the page at a phone's size, with touch.
    pub fn on_a_phone(&mut self) {
        self.size(PHONE, true);
    }

    /// Shows the page at a laptop's size again.
    pub fn on_a_laptop(&mut self) {
        self.size(LAPTOP, false);
    }

    fn size(&mut self, (width, height, ratio): (u32, u32, u32), mobile: bool) {
        let parameters = json!({"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": mobile});
        self.call("Emulation.setDeviceMetricsOverride", parameters);
        self.call("Emulation.setTouchEmulationEnabled", json!({"enabled": mobile}));
    }

    /// Has the reader prefer a colour scheme: `light` or `dark`.
    pub fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Saves the whole page, beyond the window too, as a PNG file.
    ///
    /// # Panics
    /// The file cannot be written.
    pub fn screenshot(&mut self, path: &Path) {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": true}));
        let bytes = picture["data"].as_str().and_then(base64::decode).expect("a picture");
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder for the picture");
        fs::write(path, bytes).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// What the console has shown as errors so far, resources that did not load included.
    pub fn errors(&self) -> Vec<String> {
        self.browser.pipe.errors(&self.session)
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.browser.pipe.call(Some(&self.session), method, parameters)
    }
}

/// A string as JavaScript spells it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
