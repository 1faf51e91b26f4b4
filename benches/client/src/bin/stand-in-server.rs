//! A server that answers as fast as it can, always the same.

use std::io::{BufRead, BufReader, BufWriter, Write};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::value::RawValue;

const BUFFER: usize = 64 * 1024;
const INITIALIZE: &str = r#"{"userAgent":"bench_client/0.169.0 (stand-in)","codexHome":"/nowhere","platformFamily":"unix","platformOs":"linux"}"#;
const STEER: &str = r#"{"turnId":"00000000-0000-7000-8000-000000000003"}"#;
const START: &str =
    r#"{"turn":{"id":"00000000-0000-7000-8000-000000000003","items":[],"status":"inProgress","error":null}}"#;
const DELTA: &str = r#"{"method":"item/agentMessage/delta","params":{"threadId":"00000000-0000-7000-8000-000000000002","turnId":"00000000-0000-7000-8000-000000000003","itemId":"msg_2_1","delta":"a few more words "},"emittedAtMs":1800000000240}"#;
const COMPLETED: &str = r#"{"method":"turn/completed","params":{"threadId":"00000000-0000-7000-8000-000000000002","turn":{"id":"00000000-0000-7000-8000-000000000003","items":[],"status":"completed","error":null}},"emittedAtMs":1800000000290}"#;

#[derive(Deserialize)]
struct Request<'l> {
    method: &'l str,
    #[serde(borrow)]
    id: Option<&'l RawValue>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|one| one == "--deltas").context("--deltas is missing")?;
    let deltas: usize = arguments.get(at + 1).context("--deltas needs a number")?.parse()?;
    let mut read = BufReader::with_capacity(BUFFER, std::io::stdin().lock());
    // Standard output is line-buffered by itself: a large line goes through at once.
    let mut write = BufWriter::with_capacity(BUFFER, std::io::stdout().lock());
    let mut line = String::new();
    loop {
        line.clear();
        if read.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let request: Request<'_> = serde_json::from_str(&line)?;
        if let Some(id) = request.id {
            let id = id.get();
            match request.method {
                "initialize" => writeln!(write, r#"{{"id":{id},"result":{INITIALIZE}}}"#)?,
                "turn/steer" => writeln!(write, r#"{{"id":{id},"result":{STEER}}}"#)?,
                "turn/start" => {
                    writeln!(write, r#"{{"id":{id},"result":{START}}}"#)?;
                    for _ in 0..deltas {
                        writeln!(write, "{DELTA}")?;
                    }
                    writeln!(write, "{COMPLETED}")?;
                }
                other => bail!("no answer for {other}"),
            }
        }
        if read.buffer().is_empty() {
            write.flush()?;
        }
    }
}
