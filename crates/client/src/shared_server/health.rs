//! Whether a server answers. That it accepts a connection says little: the kernel does that for a process that is stopped.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use codex_appserver_requests::InitializeParams;
use codex_appserver_types::ClientInfo;
use codex_appserver_wire::{Request, encode_params};
use serde_json::Value;
use tungstenite::Message;

use super::instance::Instance;

const LOOKS: Duration = Duration::from_millis(10);

/// Why a server is of no use.
pub(super) enum Unhealthy {
    /// It has ended.
    Ended,
    /// It did not answer in time.
    Silent(String),
}

/// Waits until the server answers `initialize`. One that is starting may not listen yet.
pub(super) fn wait_for_answer(instance: &Instance, patience: Duration) -> Result<(), Unhealthy> {
    let begun = Instant::now();
    let mut reason = "it took no connection".to_owned();
    loop {
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(Unhealthy::Silent(reason));
        }
        match ask(&instance.socket(), left) {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => reason = error.to_string(),
            None => return Err(Unhealthy::Silent("it took a connection and said nothing".to_owned())),
        }
        let has_ended = instance.pid().is_some_and(|pid| !instance.is_server(pid));
        if has_ended || !instance.exists() {
            return Err(Unhealthy::Ended);
        }
        thread::sleep(LOOKS);
    }
}

/// Asks once. `None`: there was no answer in time.
fn ask(socket: &Path, patience: Duration) -> Option<io::Result<()>> {
    let (sender, receiver) = mpsc::channel();
    let socket = PathBuf::from(socket);
    // Connecting has no time limit of its own: it waits while the server has not taken the connections before. The thread
    // ends with the server at the latest, and that is killed when it does not answer.
    let asking = thread::Builder::new().name("codex health".into());
    let asking = asking.spawn(move || {
        // The receiver is gone if this took too long.
        let _ = sender.send(initialize(&socket, patience));
    });
    match asking {
        Ok(_) => receiver.recv_timeout(patience).ok(),
        Err(error) => Some(Err(error)),
    }
}

fn initialize(socket: &Path, patience: Duration) -> io::Result<()> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let (mut socket, _) = tungstenite::client("ws://localhost/", stream).map_err(io::Error::other)?;
    let name = ClientInfo::new("codex_appserver_client_health", env!("CARGO_PKG_VERSION"));
    let params = encode_params(&InitializeParams::new(name)).map_err(io::Error::other)?.unwrap_or_default();
    let method = crate::method::Initialize::METHOD;
    let request = format!(r#"{{"id":0,"method":"{method}","params":{params}}}"#);
    socket.send(Message::text(request)).map_err(io::Error::other)?;
    loop {
        // An error is an answer as well.
        if let Message::Text(text) = socket.read().map_err(io::Error::other)?
            && serde_json::from_str::<Value>(&text).is_ok_and(|message| message["id"] == 0)
        {
            return Ok(());
        }
    }
}
