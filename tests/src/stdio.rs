//! The smallest transport there is: one request at a time over a child's standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use codex_appserver_testkit::CodexHome;
use codex_appserver_wire::{
    BlockingTransport, DecodeError, EncodeError, Endpoint, JsonRpcMessage, RequestId, RpcError, decode,
};

/// A running `codex app-server` with a home of its own.
pub struct Stdio1 {
    connection: Mutex<Connection>,
    child: Child,
    _home: CodexHome,
}

struct Connection {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next_id: i64,
}

/// What a call over [`Stdio1`] fails with.
#[derive(Debug)]
pub enum Failure {
    /// The server answered with an error.
    Rpc(RpcError),
    /// Params that do not encode.
    Encode(EncodeError),
    /// An answer that does not decode.
    Decode(DecodeError),
    /// The pipe broke.
    Io(std::io::Error),
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Stdio1 {
    /// Starts `codex app-server`, offline: no login, no outside connection.
    pub fn start(codex: &Path) -> std::io::Result<Self> {
        let home = CodexHome::without_model().build()?;
        let mut child =
            home.command(codex).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("the child has no pipes"));
        };
        let connection = Connection { input, output: BufReader::new(output), next_id: 0 };
        Ok(Self { connection: Mutex::new(connection), child, _home: home })
    }

    /// Ends the server.
    pub fn stop(mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Endpoint for Stdio1 {
    type Error = Failure;
}

impl BlockingTransport for Stdio1 {
    fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Failure> {
        let mut connection = self.connection.lock().expect("no call panicked");
        connection.next_id += 1;
        let id = connection.next_id;
        let params = params.map(|params| format!(",\"params\":{params}")).unwrap_or_default();
        writeln!(connection.input, "{{\"method\":\"{method}\",\"id\":{id}{params}}}")?;
        loop {
            let mut line = String::new();
            if connection.output.read_line(&mut line)? == 0 {
                return Err(Failure::Io(std::io::ErrorKind::UnexpectedEof.into()));
            }
            match decode::<JsonRpcMessage>(&line)? {
                JsonRpcMessage::Response(response) if response.id == RequestId::from(id) => {
                    return Ok(response.result.to_string());
                }
                JsonRpcMessage::Error(error) if error.id == RequestId::from(id) => {
                    return Err(Failure::Rpc(error.error));
                }
                _ => {}
            }
        }
    }

    fn notify(&self, method: &'static str, params: Option<String>) -> Result<(), Failure> {
        let mut connection = self.connection.lock().expect("no call panicked");
        let params = params.map(|params| format!(",\"params\":{params}")).unwrap_or_default();
        writeln!(connection.input, "{{\"method\":\"{method}\"{params}}}")?;
        Ok(())
    }
}
