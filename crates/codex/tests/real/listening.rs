//! A real codex that listens on a Unix socket, for several clients.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use codex_appserver::{ClientError, Codex, CodexBuilder, Error};

use crate::stage::{PATIENCE, Stage};

/// A running server. It is killed when this is dropped.
pub struct Listening {
    child: Child,
    address: String,
}

impl Listening {
    pub fn start(stage: &Stage) -> Self {
        let socket = stage.home.tmp().join("socket");
        Self::at(stage, format!("unix://{}", socket.to_str().expect("temporary folders have UTF-8 names")))
    }

    /// On the default socket of its home.
    pub fn start_default(stage: &Stage) -> Self {
        Self::at(stage, "unix://".into())
    }

    fn at(stage: &Stage, address: String) -> Self {
        let mut command = stage.command();
        command.args(["--listen", &address]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().expect("the server starts"), address }
    }

    /// The id of its process.
    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Connects as soon as the server listens.
    pub async fn connect(&self, builder: impl Fn() -> CodexBuilder) -> Codex {
        let begun = Instant::now();
        loop {
            match builder().connect(&self.address).await {
                Err(Error::Client(ClientError::Connect { .. })) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                outcome => return outcome.expect("the server takes the client"),
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
