//! `codex-relay`: connects a JSON-lines client to a Codex app-server that listens on a socket.
//!
//! `codex-relay --help` says how it is used and what its exit codes mean.

mod args;
mod exchange;
mod lines;
#[cfg(unix)]
mod listen;
mod message;
mod outcome;
#[cfg(unix)]
mod raw;
mod session;
mod standard;
mod target;
mod upstream;
#[cfg(unix)]
mod watched;

use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc::channel;

use anyhow::{Context, Result, anyhow, bail};
use codex_appserver_client::blocking::websocket::{self, Connection};
use codex_appserver_client::{Address, ConnectErrorKind, Error};

use args::{Command, Options};
use outcome::{Outcome, report};
use session::Settings;

fn main() -> ExitCode {
    let command = match args::read(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => {
            report(format_args!("{error:#}"));
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(outcome) => outcome.exit(),
        Err(error) => {
            report(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<Outcome> {
    match command {
        Command::Help => print(args::HELP),
        Command::Version => print(concat!("codex-relay ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Relay { to, options } => relay(&to, &options),
        #[cfg(unix)]
        Command::Raw { to, options } => raw::run(&target::address(&to)?, options.insecure),
        #[cfg(unix)]
        Command::Listen { at, to, options } => listen::run(&at, &settings(&to, &options)?),
        #[cfg(not(unix))]
        Command::Raw { .. } | Command::Listen { .. } => {
            bail!("--raw and `listen` need Unix sockets, which codex-relay does not have on this system")
        }
    }
}

/// Prints a text that was asked for.
fn print(text: &str) -> Result<Outcome> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Ok(Outcome::Done),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Outcome::OutputGone),
        Err(error) => Err(error).context("failed to write to standard output"),
    }
}

/// Passes messages on between standard input and output and the server.
fn relay(to: &str, options: &Options) -> Result<Outcome> {
    let settings = settings(to, options)?;
    let connection = connect(&settings)?;
    let (events, inbox) = channel();
    standard::tell_of_signals(events.clone())?;
    Ok(session::run(settings, connection, standard::ends()?, events, &inbox))
}

/// What a session has to know.
fn settings(to: &str, options: &Options) -> Result<Settings> {
    let address = target::address(to)?;
    let mut socket = websocket::Options::default();
    socket.message_limit = options.max_message;
    socket.timeout = Some(options.connect_timeout);
    if let Some(name) = &options.token_env {
        let token = std::env::var(name).with_context(|| format!("failed to read the token in {name}"))?;
        if !options.insecure && !address.is_local() {
            bail!(
                "refused to send a token to {address}: everyone on the way can read it; use a tunnel to this \
                 machine, or --insecure"
            );
        }
        socket.bearer_token = Some(token);
        socket.allow_insecure_token = options.insecure;
    }
    let Options { wait, connect_timeout, reconnect, max_line, insecure, .. } = *options;
    Ok(Settings { address, options: socket, insecure, max_line, wait, connect_timeout, reconnect })
}

/// Connects to the server, if it is safe to.
fn connect(settings: &Settings) -> Result<Connection> {
    if let (Address::Unix(path), false) = (&settings.address, settings.insecure) {
        target::check_socket(path)?;
    }
    websocket::connect(&settings.address, &settings.options).map_err(|error| explained(settings, error))
}

/// What the client's errors say to do is said of settings in a program. This says it of the command line.
fn explained(settings: &Settings, error: Error) -> anyhow::Error {
    let Error::Connect { kind, .. } = &error else { return error.into() };
    let address = &settings.address;
    match kind {
        ConnectErrorKind::Unauthorized if settings.options.bearer_token.is_some() => {
            anyhow!("failed to connect to {address}: the server refused the token")
        }
        ConnectErrorKind::Unauthorized => {
            anyhow!("failed to connect to {address}: the server wants a token; give it with --token-env")
        }
        ConnectErrorKind::TimedOut(after) => {
            anyhow!("failed to connect to {address}: no answer within {after:?}; see --connect-timeout")
        }
        _ => error.into(),
    }
}
