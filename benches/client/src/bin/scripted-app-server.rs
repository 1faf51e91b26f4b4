//! Plays the scenario of the race as fast as it can: the part of testkit's scripted app-server that the race
//! needs. Goes away when that one is here; then `main` is `codex_appserver_testkit::scripted::main()`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, BufWriter, Write};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// How much is read and written at once at most: as much as a pipe holds.
const BUFFER: usize = 64 * 1024;

#[derive(Deserialize)]
struct Request<'l> {
    method: &'l str,
    #[serde(borrow)]
    id: Option<&'l RawValue>,
}

#[derive(Deserialize)]
struct Scenario {
    answers: HashMap<String, Answer>,
}

#[derive(Deserialize)]
struct Answer {
    result: Value,
    #[serde(default)]
    then: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Notify(Notify),
    Flood { repeat: usize, notify: Notify },
}

#[derive(Deserialize)]
struct Notify {
    method: String,
    params: Value,
}

/// An answer as text: its result, and the lines that follow it, each so many times.
struct Ready {
    result: String,
    then: Vec<(usize, String)>,
}

fn main() -> Result<()> {
    let path = std::env::var("SCRIPTED_APP_SERVER_SCENARIO").context("no scenario is named")?;
    let answers = ready(serde_json::from_slice(&std::fs::read(path)?)?);
    let mut read = BufReader::with_capacity(BUFFER, std::io::stdin().lock());
    // Standard output looks for line breaks: a write as large as the buffer goes through at once.
    let mut write = BufWriter::with_capacity(BUFFER, std::io::stdout().lock());
    let mut line = String::new();
    loop {
        line.clear();
        if read.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let request: Request<'_> = serde_json::from_str(&line)?;
        if let Some(id) = request.id {
            let answer = answers.get(request.method).context("the scenario has no such method")?;
            writeln!(write, r#"{{"id":{},"result":{}}}"#, id.get(), answer.result)?;
            for (repeat, line) in &answer.then {
                for _ in 0..*repeat {
                    write.write_all(line.as_bytes())?;
                }
            }
        }
        if read.buffer().is_empty() {
            write.flush()?;
        }
    }
}

fn ready(scenario: Scenario) -> HashMap<String, Ready> {
    let initialize = json!({
        "userAgent": "bench_client/0.169.0", "codexHome": "/nowhere",
        "platformFamily": "unix", "platformOs": "linux",
    });
    let initialize = Ready { result: initialize.to_string(), then: Vec::new() };
    let answers = scenario.answers.into_iter().map(|(method, answer)| {
        let then = answer.then.iter().map(Step::ready).collect();
        (method, Ready { result: answer.result.to_string(), then })
    });
    answers.chain([("initialize".to_owned(), initialize)]).collect()
}

impl Step {
    fn ready(&self) -> (usize, String) {
        let (repeat, Notify { method, params }) = match self {
            Self::Notify(notify) => (1, notify),
            Self::Flood { repeat, notify } => (*repeat, notify),
        };
        let line = format!(r#"{{"method":"{method}","params":{params},"emittedAtMs":1800000000000}}"#);
        (repeat, line + "\n")
    }
}
