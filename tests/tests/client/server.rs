//! An app-server that listens, started by hand.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codex_appserver_client::{Address, ConnectErrorKind, Error};

use crate::side::Side;
use crate::stage::{PATIENCE, Stage};

/// How long to wait before knocking again at a door that is not there yet.
const PAUSE: Duration = Duration::from_millis(5);

/// A running server and where it listens. It is killed when this is dropped.
pub struct Server {
    pub child: Child,
    pub address: Address,
}

impl Server {
    /// Listens on a Unix socket in the home.
    pub fn unix(stage: &Stage) -> Self {
        let socket = stage.home.tmp().join("socket");
        let text = format!("unix://{}", socket.to_str().expect("temporary folders have UTF-8 names"));
        Self::listen(stage, &text, |command| command)
    }

    /// Listens on a free port of this machine. Somebody else may take the port meanwhile; then connecting fails.
    pub fn tcp(stage: &Stage, more: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        Self::listen(stage, &format!("ws://{}", free.expect("a free port")), more)
    }

    fn listen(stage: &Stage, address: &str, more: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = stage.command();
        more(command.args(["--listen", address]));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the server starts");
        Self { child, address: address.parse().expect("an address") }
    }

    /// Connects as soon as the server listens.
    pub async fn connect<S: Side>(&self, builder: impl Fn() -> S::Builder) -> S::Client {
        self.try_connect::<S>(builder).await.expect("the server takes the client")
    }

    /// The same, where the server may refuse: only that nobody listens yet is tried again.
    pub async fn try_connect<S: Side>(&self, builder: impl Fn() -> S::Builder) -> Result<S::Client, Error> {
        let begun = Instant::now();
        loop {
            match S::connect(builder(), &self.address).await {
                // It is not there yet.
                Err(Error::Connect { kind: ConnectErrorKind::NotListening, .. })
                    if begun.elapsed() < PATIENCE =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where a test has seen to that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
