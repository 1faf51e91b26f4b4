//! The app-server that is asked, and what it tells meanwhile.

use std::path::Path;
use std::time::Duration;

use codex_appserver_client::protocol::ClientInfo;
use codex_appserver_client::{Client, Error, Event, EventSettings, Events, Filter, Process};
use codex_appserver_testkit::CodexHome;

/// How long a method may take.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A port of this machine on which no program listens.
const NOBODY: &str = "http://127.0.0.1:9";

/// Starts codex where it finds nothing but the mock, and connects to it with the experimental surface.
pub async fn connect(home: &CodexHome, codex: &Path) -> Result<Client, Error> {
    let builder = Client::builder()
        .client_info(ClientInfo::new("all_methods", env!("CARGO_PKG_VERSION")))
        .experimental_api(true)
        .early_events(Filter::All, EventSettings::default())
        .spawn(process(home, codex));
    // Some methods have no deadline of their own: this one is for all.
    Ok(builder.await?.with_timeout(DEADLINE))
}

/// The process of the app-server: proxies that nobody answers for keep it off the network.
pub fn process(home: &CodexHome, codex: &Path) -> Process {
    let mut process = Process::from_command(&home.command(codex)).env_clear();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        process = process.env(name, NOBODY).env(name.to_ascii_lowercase(), NOBODY);
    }
    for name in ["NO_PROXY", "no_proxy"] {
        process = process.env(name, "127.0.0.1,localhost");
    }
    process
}

/// What the server told while it was asked.
#[derive(Default)]
pub struct Heard {
    pub events: usize,
    pub unreadable: Vec<String>,
}

/// Listens until the connection is closed.
pub async fn listen(mut events: Events) -> Heard {
    let mut heard = Heard::default();
    while let Some(event) = events.next().await {
        heard.events += 1;
        match event {
            Ok(Event::Unreadable(unreadable)) => heard.unreadable.push(unreadable.to_string()),
            Ok(Event::Lagged { skipped }) => heard.unreadable.push(format!("{skipped} events were skipped")),
            Ok(_) => {}
            Err(error) => heard.unreadable.push(error.to_string()),
        }
    }
    heard
}
