//! What is measured.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{ChildStdin, ChildStdout};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tungstenite::Message;

use crate::contender::{Contender, Speaks};
use crate::server::{self, Server};

/// How much is done in one measurement.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// How often each contender is measured.
    pub rounds: usize,
    /// Lines of 64 kB.
    lines: usize,
    round_trips: usize,
    starts: usize,
}

impl Amounts {
    pub const FULL: Self = Self { rounds: 15, lines: 4096, round_trips: 4000, starts: 40 };
    pub const QUICK: Self = Self { rounds: 2, lines: 256, round_trips: 200, starts: 3 };
}

/// How long a line is, its line break included.
const LINE: usize = 64_000;

/// One thing that contenders do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Race {
    BytesUp,
    BytesDown,
    LinesUp,
    LinesDown,
    RoundTrips,
    Starts,
}

impl Race {
    pub const ALL: [Self; 6] =
        [Self::BytesUp, Self::BytesDown, Self::LinesUp, Self::LinesDown, Self::RoundTrips, Self::Starts];

    fn name(self) -> &'static str {
        match self {
            Self::BytesUp => "bytes to the server, MB/s",
            Self::BytesDown => "bytes from the server, MB/s",
            Self::LinesUp => "lines of 64 kB to the server, MB/s",
            Self::LinesDown => "lines of 64 kB from the server, MB/s",
            Self::RoundTrips => "round trips of 100 bytes, µs each",
            Self::Starts => "start, one answer, and the end, ms each",
        }
    }

    pub fn admits(self, contender: &Contender) -> bool {
        let bytes = matches!(self, Self::BytesUp | Self::BytesDown);
        bytes == (contender.speaks == Speaks::Bytes)
    }

    /// Measures all of them in turns, and tells how it went.
    pub fn run(self, contenders: &[&Contender], amounts: Amounts) -> Result<String> {
        let mut entries: Vec<(&str, Vec<f64>)> = Vec::new();
        if self == Self::RoundTrips {
            entries.push(("direct", Vec::new()));
        }
        entries.extend(contenders.iter().map(|contender| (contender.name, Vec::new())));
        for _ in 0..amounts.rounds {
            let mut samples = entries.iter_mut().map(|(_, samples)| samples);
            if self == Self::RoundTrips {
                samples.next().context("the direct one is first")?.push(direct(amounts.round_trips)?);
            }
            for (contender, samples) in contenders.iter().zip(samples) {
                let measured = self.measure(contender, amounts);
                samples.push(measured.with_context(|| format!("{} failed at {self:?}", contender.name))?);
            }
        }
        Ok(self.table(&entries))
    }

    /// Seconds for one byte, round trip or start.
    fn measure(self, contender: &Contender, amounts: Amounts) -> Result<f64> {
        let line = line();
        let count = amounts.lines;
        match self {
            Self::BytesUp | Self::LinesUp => {
                // The frame of a message has at least as many bytes as the line.
                let server =
                    Server::start(contender.speaks, move |socket| server::sink(socket, count * LINE))?;
                let begun = Instant::now();
                through(contender, server, |input, _| {
                    (0..count).try_for_each(|_| input.write_all(line.as_bytes())).context("failed to write")
                })?;
                Ok(begun.elapsed().as_secs_f64() / (count * LINE) as f64)
            }
            Self::BytesDown | Self::LinesDown => {
                let bytes = match contender.speaks {
                    Speaks::Bytes => line.clone().into_bytes(),
                    Speaks::WebSocket => server::frame(line.trim_end()),
                };
                let server =
                    Server::start(contender.speaks, move |socket| server::source(socket, &bytes, count))?;
                let begun = Instant::now();
                through(contender, server, |_, output| read(output, count * LINE))?;
                Ok(begun.elapsed().as_secs_f64() / (count * LINE) as f64)
            }
            Self::RoundTrips => {
                let server = Server::start(contender.speaks, server::echo)?;
                let mut seconds = 0.0;
                through(contender, server, |input, output| {
                    let mut output = BufReader::new(output);
                    let mut exchange = |id: usize| -> Result<()> {
                        input.write_all(format!("{}\n", message(id)).as_bytes())?;
                        let mut answer = String::new();
                        output.read_line(&mut answer)?;
                        if answer.trim_end() == message(id) { Ok(()) } else { bail!("`{answer}` came back") }
                    };
                    (0..100).try_for_each(&mut exchange)?;
                    let begun = Instant::now();
                    (0..amounts.round_trips).try_for_each(&mut exchange)?;
                    seconds = begun.elapsed().as_secs_f64() / amounts.round_trips as f64;
                    Ok(())
                })?;
                Ok(seconds)
            }
            Self::Starts => {
                let mut seconds = 0.0;
                for _ in 0..amounts.starts {
                    let server = Server::start(contender.speaks, server::echo)?;
                    let begun = Instant::now();
                    through(contender, server, |input, output| {
                        input.write_all(format!("{}\n", message(0)).as_bytes())?;
                        read(output, message(0).len() + 1)
                    })?;
                    seconds += begun.elapsed().as_secs_f64();
                }
                Ok(seconds / amounts.starts as f64)
            }
        }
    }

    fn table(self, entries: &[(&str, Vec<f64>)]) -> String {
        let first = &entries[0].1;
        let mut text = format!("{} ({} rounds)\n", self.name(), first.len());
        for (name, samples) in entries {
            let middle = median(samples.clone());
            let shown = match self {
                Self::RoundTrips => middle * 1e6,
                Self::Starts => middle * 1e3,
                _ => 1e-6 / middle,
            };
            let least = samples.iter().copied().fold(f64::INFINITY, f64::min) / middle;
            let most = samples.iter().copied().fold(0.0, f64::max) / middle;
            let ratio = median(samples.iter().zip(first).map(|(one, other)| one / other).collect());
            // Writing to a string does not fail.
            let _ =
                writeln!(text, "{name:<20} {shown:>10.2}  spread {least:.2}-{most:.2}  to first {ratio:.2}");
        }
        text
    }
}

/// Starts a contender before a server, does something with it, and waits for the end of both.
fn through(
    contender: &Contender,
    server: Server,
    work: impl FnOnce(&mut ChildStdin, &mut ChildStdout) -> Result<()>,
) -> Result<()> {
    let mut child = contender.command(&server.path()).spawn().context("failed to start")?;
    let mut input = child.stdin.take().context("no input")?;
    let mut output = child.stdout.take().context("no output")?;
    work(&mut input, &mut output)?;
    drop((input, output));
    // How it judges the end is not the question here.
    child.wait()?;
    server.join()
}

/// Reads so many bytes.
fn read(output: &mut ChildStdout, length: usize) -> Result<()> {
    let mut chunk = vec![0; 256 << 10];
    let mut seen = 0;
    while seen < length {
        match output.read(&mut chunk)? {
            0 => bail!("only {seen} of {length} bytes came"),
            read => seen += read,
        }
    }
    Ok(())
}

/// Round trips without a relay.
fn direct(count: usize) -> Result<f64> {
    let server = Server::start(Speaks::WebSocket, server::echo)?;
    let socket = UnixStream::connect(server.path())?;
    let (mut peer, _) = tungstenite::client("ws://localhost/", socket).context("failed to shake hands")?;
    let mut exchange = |id: usize| -> Result<()> {
        peer.send(Message::text(message(id)))?;
        let answer = peer.read()?;
        if answer.to_text()? == message(id) { Ok(()) } else { bail!("`{answer}` came back") }
    };
    (0..100).try_for_each(&mut exchange)?;
    let begun = Instant::now();
    (0..count).try_for_each(&mut exchange)?;
    let seconds = begun.elapsed().as_secs_f64() / count as f64;
    drop(peer);
    server.join()?;
    Ok(seconds)
}

/// A message whose echo answers nothing, so that relays have nothing open.
fn message(id: usize) -> String {
    format!(r#"{{"method":"n","params":{{"id":{id},"text":"{}"}}}}"#, "x".repeat(60))
}

/// A line of a client or a message of a server, as long as [`LINE`].
fn line() -> String {
    let (before, after) = (r#"{"method":"item/agentMessage/delta","params":{"delta":""#, "\"}}\n");
    format!("{before}{}{after}", "x".repeat(LINE - before.len() - after.len()))
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
