//! The scripted server as a program that stands in for `codex`.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;

use super::ends::{self, Hangup};
use super::log::Ended;
use super::scenario::{Scenario, ScenarioError};
use super::server::ScriptedServer;

/// Plays a scenario as a codex app-server would: on standard input and output.
///
/// Without a scenario every request is answered with `{}`. It takes the arguments of `codex app-server` and
/// ignores them, so that it can be named where a client wants the path of codex. It exits with 0 at the end of
/// its input and after SIGTERM, with what the scenario says, or with 2 when it cannot start.
///
/// Example: scripted-app-server --scenario faults.json --report seen.json app-server
#[derive(Debug, Parser)]
#[command(name = "scripted-app-server", version)]
struct Cli {
    /// The scenario: a JSON file.
    #[arg(long, value_name = "FILE", env = "SCRIPTED_APP_SERVER_SCENARIO")]
    scenario: Option<PathBuf>,
    /// Where to write, at the end, what was seen: a JSON file.
    #[arg(long, value_name = "FILE", env = "SCRIPTED_APP_SERVER_REPORT")]
    report: Option<PathBuf>,
    /// What a client gives to codex; ignored.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    ignored: Vec<OsString>,
}

/// Why the program does not run; completes "failed to …".
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    #[error("take over the standard streams: {0}")]
    Streams(io::Error),
    #[error("start: {0}")]
    Start(io::Error),
    #[error("write the report {}: {error}; name another with --report", path.display())]
    Report { path: PathBuf, error: io::Error },
}

/// The whole program `scripted-app-server`, for packages that want it among their own: cargo does not build
/// the programs of a dependency. Call it as the only thing your `main` does; it does not return.
pub fn main() -> ! {
    let cli = Cli::parse();
    let code = run(&cli).unwrap_or_else(|failure| {
        let _ = writeln!(io::stderr(), "error: failed to {failure}");
        2
    });
    std::process::exit(code);
}

fn run(cli: &Cli) -> Result<i32, Failure> {
    let scenario = match &cli.scenario {
        Some(path) => Scenario::from_file(path)?,
        None => Scenario::new(),
    };
    // Before the first answer: a client that has seen one may signal.
    let signals = signals().map_err(Failure::Start)?;
    let (input, output) = streams().map_err(Failure::Streams)?;
    let server =
        ScriptedServer::spawn(scenario, input, (output, ends::has_room), io::stderr(), Hangup::default())
            .map_err(Failure::Start)?;
    on_sigterm(signals, server.terminator()).map_err(Failure::Start)?;
    let ended = server.join();
    if let Some(path) = &cli.report {
        let report = serde_json::to_value(server.report()).unwrap_or_default();
        fs::write(path, format!("{report:#}\n"))
            .map_err(|error| Failure::Report { path: path.clone(), error })?;
    }
    match ended {
        Ended::Exit(code) => Ok(code),
        Ended::Abort => std::process::abort(),
        Ended::Eof | Ended::Sigterm | Ended::Closed => Ok(0),
    }
}

/// Standard input and output without a buffer between. The output is moved to another descriptor, so that it
/// closes when that one does.
#[cfg(unix)]
pub(crate) fn streams() -> io::Result<(fs::File, fs::File)> {
    use std::os::fd::AsFd;

    let input = fs::File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let nothing = fs::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nothing)?;
    Ok((input, output))
}

#[cfg(not(unix))]
fn streams() -> io::Result<(io::Stdin, io::Stdout)> {
    Ok((io::stdin(), io::stdout()))
}

#[cfg(unix)]
type Signals = signal_hook::iterator::Signals;
#[cfg(not(unix))]
type Signals = ();

/// From now on SIGTERM does not kill the process but waits to be taken.
#[cfg(unix)]
fn signals() -> io::Result<Signals> {
    Signals::new([signal_hook::consts::SIGTERM])
}

#[cfg(not(unix))]
fn signals() -> io::Result<Signals> {
    Ok(())
}

#[cfg(unix)]
fn on_sigterm(mut signals: Signals, terminate: impl Fn() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new()
        .name("scripted-signals".into())
        .spawn(move || signals.forever().for_each(|_| terminate()))?;
    Ok(())
}

#[cfg(not(unix))]
fn on_sigterm((): Signals, _: impl Fn() + Send + 'static) -> io::Result<()> {
    Ok(())
}
