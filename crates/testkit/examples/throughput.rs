//! How fast a scripted server answers and floods: `cargo run --release --example throughput`.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step};
use serde_json::json;

const REQUESTS: usize = 1_000_000;
const PINGS: u32 = 50_000;
const LINES: u64 = 5_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().any(|argument| argument == "--serve") {
        codex_appserver_testkit::scripted::main();
    }
    let scenario = || {
        Scenario::new()
            .answer("test/echo", Answer::echo())
            .answer("test/id", Answer::result(json!({"id": "$count", "thread": "$params.threadId"})))
            .answer("test/flood", Answer::never().then([flood()]))
            .answer("test/stderr", Answer::never().then([Step::StderrFlood(1 << 30), Step::line("{}")]))
    };
    for method in ["test/empty", "test/echo", "test/id"] {
        let (_server, stdout, stdin) = ScriptedServer::start(scenario())?;
        pipelined(&format!("in process, {method}"), method, stdout, stdin);
    }
    let (_server, stdout, stdin) = ScriptedServer::start(scenario())?;
    ping("in process", stdout, stdin)?;
    let (_server, stdout, stdin) = ScriptedServer::start(scenario())?;
    flooded("in process", stdout, stdin)?;

    let file = tempfile::NamedTempFile::new()?;
    scenario().write_to(file.path())?;
    let child = || {
        let arguments = ["--serve"];
        Command::new(std::env::current_exe()?)
            .args(arguments)
            .env("SCRIPTED_APP_SERVER_SCENARIO", file.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
    };
    for what in ["pipelined", "ping", "flood", "stderr"] {
        let mut child = child()?;
        let (stdin, stdout) = (child.stdin.take().ok_or("no pipe")?, child.stdout.take().ok_or("no pipe")?);
        match what {
            "pipelined" => pipelined("program, test/empty", "test/empty", stdout, stdin),
            "ping" => ping("program", stdout, stdin)?,
            "flood" => flooded("program", stdout, stdin)?,
            _ => stderr(stdout, stdin)?,
        }
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}

fn flood() -> Step {
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "msg-1", "delta": "word $i "});
    Step::flood(LINES, "item/agentMessage/delta", params)
}

/// Reads until there were this many lines; gives the bytes.
fn read_lines(mut stdout: impl Read, lines: u64) -> std::io::Result<u64> {
    let (mut chunk, mut seen, mut bytes) = (vec![0; 256 << 10], 0, 0);
    while seen < lines {
        let length = stdout.read(&mut chunk)?;
        seen += chunk[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        bytes += length as u64;
        if length == 0 {
            break;
        }
    }
    Ok(bytes)
}

fn pipelined(what: &str, method: &str, stdout: impl Read, mut stdin: impl Write + Send + 'static) {
    let mut requests = Vec::new();
    for id in 0..REQUESTS {
        let params = r#"{"threadId":"00000000-0000-7000-8000-000000000002","includeTurns":true}"#;
        let _ = writeln!(requests, r#"{{"method":"{method}","id":{id},"params":{params}}}"#);
    }
    let begin = Instant::now();
    let writer = thread::spawn(move || stdin.write_all(&requests).map(|()| stdin));
    let bytes = read_lines(stdout, REQUESTS as u64);
    let seconds = begin.elapsed().as_secs_f64();
    drop(writer.join());
    println!("{what}: {:.0} requests/s ({bytes:?} bytes read)", REQUESTS as f64 / seconds);
}

/// One request at a time, and then 64.
fn ping(what: &str, mut stdout: impl Read, mut stdin: impl Write) -> std::io::Result<()> {
    for at_once in [1, 64] {
        let requests: String =
            (0..at_once).map(|id| format!("{{\"method\":\"test/empty\",\"id\":{id}}}\n")).collect();
        let begin = Instant::now();
        for _ in 0..PINGS {
            stdin.write_all(requests.as_bytes())?;
            read_lines(&mut stdout, at_once)?;
        }
        let micros = begin.elapsed().as_secs_f64() * 1e6 / f64::from(PINGS);
        println!("{what}: {micros:.1} us from {at_once} requests to their answers");
    }
    Ok(())
}

fn flooded(what: &str, stdout: impl Read, mut stdin: impl Write) -> std::io::Result<()> {
    let begin = Instant::now();
    stdin.write_all(b"{\"method\":\"test/flood\",\"id\":1}\n")?;
    let bytes = read_lines(stdout, LINES)?;
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{what}: {:.0} lines/s in a flood, {:.0} MB/s",
        LINES as f64 / seconds,
        bytes as f64 / seconds / 1e6
    );
    Ok(())
}

fn stderr(stdout: impl Read, mut stdin: impl Write) -> std::io::Result<()> {
    let begin = Instant::now();
    stdin.write_all(b"{\"method\":\"test/stderr\",\"id\":1}\n")?;
    read_lines(stdout, 1)?;
    println!("program: 1 GiB of standard error in {:.2} s (to /dev/null)", begin.elapsed().as_secs_f64());
    Ok(())
}
