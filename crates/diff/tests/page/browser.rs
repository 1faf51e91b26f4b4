//! A headless Chromium behind its driver, for tests that are not async.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// What a person prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

/// A browser with one tab; it ends with this value.
pub struct Browser {
    runtime: Runtime,
    client: Client,
    driver: Child,
}

impl Browser {
    /// Starts one. Where none is installed the test says so and is skipped; in CI that is a failure.
    pub fn start(test: &str) -> Option<Self> {
        let Some(driver) = driver() else {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "{test} needs chromedriver and a Chromium; `.ci/run` installs them");
            eprintln!("SKIPPED {test}: it needs a Chromium and its chromedriver in PATH");
            return None;
        };
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(driver.stdout.take().expect("it was piped")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
        });
        // It goes on to write there, and would end with a pipe that nobody reads.
        std::thread::spawn(move || lines.for_each(drop));
        let port = port.expect("chromedriver says on which port it listens");
        let runtime = Runtime::new().expect("a runtime");
        let connect = async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities()).connect(&format!("http://127.0.0.1:{port}")).await
        };
        let client = match runtime.block_on(connect) {
            Ok(client) => client,
            Err(error) => {
                let _ = driver.kill();
                panic!("chromedriver starts no browser: {error}");
            }
        };
        Some(Self { runtime, client, driver })
    }

    /// Opens a file.
    pub fn open(&mut self, page: &Path, fragment: &str) {
        let url = url::Url::from_file_path(page).expect("an absolute path");
        // The same page with another fragment would not be loaded again.
        self.wait(self.client.goto("about:blank"));
        self.wait(self.client.goto(&format!("{url}{fragment}")));
    }

    /// The value of an expression.
    pub fn eval(&mut self, expression: &str) -> Value {
        self.wait(self.client.execute(&format!("return {expression}"), Vec::new()))
    }

    /// Clicks what a selector finds first.
    pub fn click(&mut self, selector: &str) {
        self.wait(async { self.client.find(Locator::Css(selector)).await?.click().await });
    }

    /// Types into an input.
    pub fn type_into(&mut self, selector: &str, text: &str) {
        self.wait(async { self.client.find(Locator::Css(selector)).await?.send_keys(text).await });
    }

    /// Chooses an option of a list by its value.
    pub fn select(&mut self, name: &str, value: &str) {
        let selector = format!("select[name={name}]");
        self.wait(async { self.client.find(Locator::Css(&selector)).await?.select_by_value(value).await });
    }

    /// Waits until an expression is true; the driver gives up after its time limit for scripts.
    pub fn wait_for(&mut self, expression: &str) {
        let script = format!(
            "const done = arguments[0]; const look = () => ({expression}) ? done(true) : setTimeout(look, 5); look()"
        );
        self.wait(self.client.execute_async(&script, Vec::new()));
    }

    /// Sets what the person prefers.
    pub fn prefer(&mut self, scheme: Scheme) {
        let value = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.wait(self.client.issue_cmd(Extra { path: "goog/cdp/execute", body }));
    }

    /// What the console got since the last time: errors and warnings, of scripts and of the policy.
    pub fn complaints(&mut self) -> Vec<String> {
        let log =
            self.wait(self.client.issue_cmd(Extra { path: "se/log", body: json!({ "type": "browser" }) }));
        let entries = log.as_array().expect("a list of entries");
        let bad = entries.iter().filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        bad.map(|entry| entry["message"].to_string()).collect()
    }

    fn wait<T>(&self, of: impl Future<Output = Result<T, CmdError>>) -> T {
        self.runtime.block_on(of).unwrap_or_else(|error| panic!("the browser refuses: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, and the driver with us.
        let _ = self.runtime.block_on(self.client.clone().close());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A command that Chromium's driver has beyond the standard.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// The driver: in PATH, or where GitHub's machines have it.
fn driver() -> Option<PathBuf> {
    let name = format!("chromedriver{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::var_os("CHROMEWEBDRIVER")
        .map(PathBuf::from)
        .into_iter()
        .chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(&name)).find(|driver| driver.is_file())
}

fn capabilities() -> serde_json::Map<String, Value> {
    // The sandbox needs rights that a container lacks, and /dev/shm is small in one. The pages are our own.
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1400,1000",
    ];
    let capabilities = json!({
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    capabilities.as_object().cloned().unwrap_or_default()
}
