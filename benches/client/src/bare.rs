//! The limit: a loop that reads a line, parses it as `serde_json::Value` and writes the next request.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::contender::{Contender, Server};
use crate::session::{CLIENT, Delivered, TEXT, THREAD, TURN, expect_turn};

/// How much is read and written at once at most: as much as a pipe holds.
const BUFFER: usize = 64 * 1024;

/// The loop, before and after it has a server.
#[derive(Default)]
pub struct Bare {
    connection: Option<Connection>,
}

impl Contender for Bare {
    fn connect(&mut self, server: &Server) -> Result<()> {
        let mut connection = Connection::start(server)?;
        let params = json!({"clientInfo": {"name": CLIENT, "title": null, "version": "0"}});
        connection.request("initialize", &params.to_string())?;
        connection.flush()?;
        let answer = connection.read()?;
        answer["result"]["userAgent"].as_str().context("initialize was refused")?;
        connection.write.write_all(b"{\"method\":\"initialized\"}\n")?;
        connection.flush()?;
        self.connection = Some(connection);
        Ok(())
    }

    fn calls(&mut self, n: usize, in_flight: usize) -> Result<()> {
        let connection = self.connection.as_mut().context("not connected")?;
        let input = json!([{"type": "text", "text": TEXT}]);
        let params = json!({"threadId": THREAD, "expectedTurnId": TURN, "input": input}).to_string();
        let mut pending = HashSet::new();
        let mut left = n;
        while left > 0 || !pending.is_empty() {
            while left > 0 && pending.len() < in_flight {
                pending.insert(connection.request("turn/steer", &params)?);
                left -= 1;
            }
            // As long as there are answers to look at, requests gather for one write.
            if !connection.has_more() {
                connection.flush()?;
            }
            let answer = connection.read()?;
            let id = answer["id"].as_u64().context("an answer has no id")?;
            if !pending.remove(&id) {
                bail!("an answer came for the unknown id {id}");
            }
            expect_turn(answer["result"]["turnId"].as_str().context("turn/steer was refused")?)?;
        }
        Ok(())
    }

    fn notifications(&mut self) -> Result<Delivered> {
        let connection = self.connection.as_mut().context("not connected")?;
        let input = json!([{"type": "text", "text": TEXT}]);
        connection.request("turn/start", &json!({"threadId": THREAD, "input": input}).to_string())?;
        connection.flush()?;
        let mut delivered = Delivered::default();
        loop {
            let message = connection.read()?;
            match message["method"].as_str() {
                Some("item/agentMessage/delta") => {
                    delivered.add(message["params"]["delta"].as_str().context("a delta has no text")?);
                }
                Some("turn/completed") => return Ok(delivered),
                _ => {}
            }
        }
    }
}

struct Connection {
    server: Child,
    write: BufWriter<ChildStdin>,
    read: BufReader<ChildStdout>,
    line: String,
    last_id: u64,
}

impl Connection {
    fn start(server: &Server) -> Result<Self> {
        let mut command = Command::new(&server.program);
        command.args(Server::ARGUMENTS).envs(server.env.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().context("cannot start the server")?;
        let write = server.stdin.take().context("no standard input")?;
        let read = server.stdout.take().context("no standard output")?;
        Ok(Self {
            server,
            write: BufWriter::with_capacity(BUFFER, write),
            read: BufReader::with_capacity(BUFFER, read),
            line: String::new(),
            last_id: 0,
        })
    }

    fn request(&mut self, method: &str, params: &str) -> Result<u64> {
        self.last_id += 1;
        let id = self.last_id;
        writeln!(self.write, r#"{{"method":"{method}","id":{id},"params":{params}}}"#)?;
        Ok(id)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.write.flush()?)
    }

    /// Something of what has been read was not looked at yet.
    fn has_more(&self) -> bool {
        !self.read.buffer().is_empty()
    }

    fn read(&mut self) -> Result<Value> {
        self.line.clear();
        if self.read.read_line(&mut self.line)? == 0 {
            bail!("the server went away");
        }
        Ok(serde_json::from_str(&self.line)?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // It may have ended by itself, which is no error here.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
