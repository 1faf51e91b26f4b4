//! The program that stands in for codex.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use signal_hook::consts::{SIGCONT, SIGTERM};
use signal_hook::iterator::Signals;

use super::checkpoint::{Checkpoint, Count};
use super::folder::Folder;
use super::journal::Journal;
use super::server::{Server, end_like};
use super::socket::{Places, serve};
use super::{lines, socket};
use crate::scripted::streams;

/// How long the last messages of a server that has ended may take: its own children may hold its output open.
const LAST_MESSAGES: Duration = Duration::from_secs(2);

/// Where `codex app-server` listens in its home unless told where.
const DEFAULT_SOCKET: &str = "app-server-control/app-server-control.sock";

/// After these `codex app-server` is no server.
const NO_SERVER: [&str; 11] = [
    "daemon",
    "proxy",
    "generate-ts",
    "generate-json-schema",
    "generate-internal-json-schema",
    "help",
    "--help",
    "-h",
    "--version",
    "-V",
    "--print-startup-config",
];

/// Why the program does not run; completes "failed to …".
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(
        "read the arguments: there are fewer than two; call the program that `KillPoints::program` names"
    )]
    Arguments,
    #[error("listen on `{0}`: kill points are for stdio:// and unix:// alone; choose one of these")]
    Transport(String),
    #[error("find the default socket: neither CODEX_HOME nor HOME is set; name the socket: `unix://PATH`")]
    NoHome,
    #[error("run {}: {error}", program.display())]
    Run { program: PathBuf, error: io::Error },
    #[error("stand in for {}: {error}", codex.display())]
    StandIn { codex: PathBuf, error: io::Error },
}

/// The whole program `kill-points`, for packages that want it among their own: cargo does not build the programs of a
/// dependency. Call it as the only thing your `main` does; it does not return.
///
/// Its arguments are a folder of [`KillPoints`](super::KillPoints), the real codex, and what codex is called with. The
/// script that [`KillPoints::program`](super::KillPoints::program) names calls it.
pub fn main() -> ! {
    let failure = match run() {
        Ok(never) => match never {},
        Err(failure) => failure,
    };
    let _ = writeln!(io::stderr(), "error: failed to {failure}");
    std::process::exit(2)
}

enum Never {}

fn run() -> Result<Never, Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), Some(codex)) = (arguments.next(), arguments.next()) else {
        return Err(Failure::Arguments);
    };
    let (folder, codex, arguments) = (Folder::at(folder), PathBuf::from(codex), Vec::from_iter(arguments));
    let failed = |error| Failure::StandIn { codex: codex.clone(), error };
    match transport(&arguments)? {
        Transport::None => {
            let error = Command::new(&codex).args(&arguments).exec();
            Err(Failure::Run { program: codex, error })
        }
        Transport::Lines => over_lines(&folder, &codex, &arguments).map_err(failed),
        Transport::Socket { path, value } => {
            over_socket(&folder, &codex, arguments, path, value).map_err(failed)
        }
    }
}

/// What a server speaks over.
#[derive(Debug, PartialEq)]
enum Transport {
    /// It is no server.
    None,
    Lines,
    /// A socket; `value` is the argument that says so.
    Socket {
        path: Option<PathBuf>,
        value: usize,
    },
}

fn transport(arguments: &[OsString]) -> Result<Transport, Failure> {
    let Some(verb) = arguments.iter().position(|argument| argument == "app-server") else {
        return Ok(Transport::None);
    };
    let is = |argument: &OsString, names: &[&str]| names.iter().any(|name| argument == name);
    let options = &arguments[verb + 1..];
    if options.iter().any(|option| is(option, &NO_SERVER)) {
        return Ok(Transport::None);
    }
    // As in `--listen URL` and `--listen=URL`.
    let apart = options.iter().position(|option| option == "--listen").map(|at| (verb + at + 2, &b""[..]));
    let joined = options.iter().position(|option| option.as_bytes().starts_with(b"--listen="));
    let joined = joined.map(|at| (verb + at + 1, &b"--listen="[..]));
    let Some((value, before)) = apart.or(joined) else { return Ok(Transport::Lines) };
    let url = arguments.get(value).map_or(&b""[..], |value| &value.as_bytes()[before.len()..]);
    match url {
        b"stdio://" => Ok(Transport::Lines),
        b"off" => Ok(Transport::None),
        _ => match url.strip_prefix(b"unix://") {
            Some(path) => {
                let path = (!path.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(path)));
                Ok(Transport::Socket { path, value })
            }
            None => Err(Failure::Transport(String::from_utf8_lossy(url).into_owned())),
        },
    }
}

fn over_lines(folder: &Folder, codex: &Path, arguments: &[OsString]) -> io::Result<Never> {
    // Before codex runs: a client that has seen an answer may signal.
    let signals = Signals::new([SIGTERM, SIGCONT])?;
    let (run, journal) = folder.add_run()?;
    let (server, mut child, processes) = Server::start(codex, arguments, Stdio::piped)?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let journal = Journal::new(journal);
    journal.started(processes)?;
    let checkpoint = Arc::new(Checkpoint::new(folder.clone(), run, journal, server));
    pass_signals(signals, &checkpoint)?;
    let answering = Arc::new(Count::default());
    lines::pass(&checkpoint, streams()?, (stdin, stdout), &answering)?;
    end(&checkpoint, &mut child, &answering, None)
}

fn over_socket(
    folder: &Folder,
    codex: &Path,
    mut arguments: Vec<OsString>,
    path: Option<PathBuf>,
    value: usize,
) -> Result<Never, io::Error> {
    let signals = Signals::new([SIGTERM, SIGCONT])?;
    let (run, journal) = folder.add_run()?;
    let public = path.or_else(default_socket).ok_or_else(|| io::Error::other(Failure::NoHome.to_string()))?;
    let places = Places { public, real: folder.socket(run) };
    let is_joined = arguments[value].as_bytes().starts_with(b"--listen=");
    let mut url = if is_joined { b"--listen=unix://".to_vec() } else { b"unix://".to_vec() };
    url.extend_from_slice(places.real.as_os_str().as_bytes());
    arguments[value] = OsString::from_vec(url);
    let (server, mut child, processes) = Server::start(codex, &arguments, Stdio::inherit)?;
    let journal = Journal::new(journal);
    journal.started(processes)?;
    let checkpoint = Arc::new(Checkpoint::new(folder.clone(), run, journal, server));
    pass_signals(signals, &checkpoint)?;
    let answering = Arc::new(Count::default());
    let (serving, places_too, counted) = (checkpoint.clone(), places.clone(), answering.clone());
    thread::Builder::new().name("listener".into()).spawn(move || {
        if let Err(error) = serve(&serving, &places_too, &counted) {
            let _ =
                writeln!(io::stderr(), "error: failed to listen on {}: {error}", places_too.public.display());
            // The watcher sees to codex.
            std::process::exit(1);
        }
    })?;
    end(&checkpoint, &mut child, &answering, Some(&places))
}

fn default_socket() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("CODEX_HOME").or_else(|| Some(set("HOME")?.join(".codex")))?;
    Some(home.join(DEFAULT_SOCKET))
}

/// Takes over the end of codex.
fn end(
    checkpoint: &Checkpoint,
    child: &mut std::process::Child,
    answering: &Count,
    places: Option<&Places>,
) -> io::Result<Never> {
    let status = checkpoint.server().wait(child)?;
    answering.wait_for_none(LAST_MESSAGES);
    // Not after a hit: that holds the checkpoint, and has another end in mind.
    checkpoint.close();
    if let Some(places) = places {
        socket::Places::clean_up(places);
    }
    end_like(status)
}

/// SIGTERM is for codex; SIGCONT is for both.
fn pass_signals(mut signals: Signals, checkpoint: &Arc<Checkpoint>) -> io::Result<()> {
    let checkpoint = checkpoint.clone();
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGCONT => checkpoint.server().resume(),
                _ => checkpoint.server().signal(Signal::TERM),
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_from_all_else() {
        let of = |words: &str| transport(&words.split(' ').map(OsString::from).collect::<Vec<_>>());
        for words in
            ["--version", "exec hello", "app-server proxy", "app-server --help", "app-server --listen off"]
        {
            assert_eq!(of(words).expect(words), Transport::None, "{words}");
        }
        for words in
            ["app-server", "-c a=b app-server -c c=d", "app-server --listen stdio://", "app-server --stdio"]
        {
            assert_eq!(of(words).expect(words), Transport::Lines, "{words}");
        }
        let socket = |path: Option<&str>, value| Transport::Socket { path: path.map(PathBuf::from), value };
        assert_eq!(of("app-server --listen unix:///a/b").expect("it is"), socket(Some("/a/b"), 2));
        assert_eq!(of("-c a=b app-server --listen=unix:///a").expect("it is"), socket(Some("/a"), 3));
        assert_eq!(of("app-server --listen unix://").expect("it is"), socket(None, 2));
        for words in
            ["app-server --listen ws://127.0.0.1:0", "app-server --listen", "app-server --listen=tcp://x"]
        {
            assert!(of(words).is_err(), "{words}");
        }
    }
}
