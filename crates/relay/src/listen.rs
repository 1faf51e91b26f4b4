//! Serves JSON lines on a Unix socket.

mod socket;

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use codex_appserver_client::Address;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use self::socket::Socket;
use crate::outcome::{Outcome, report};
use crate::session::{self, Event, Settings};
use crate::upstream::lock;
use crate::{connect, watched};

/// How long clients may take to get their answers once this program is told to end: a little more than each of them gets.
const DRAIN: Duration = Duration::from_millis(2800);

/// How long to wait when the system has no more sockets to give.
const PAUSE: Duration = Duration::from_millis(100);

/// The clients that are connected, to be told of the end.
type Clients = Mutex<Vec<(u64, Sender<Event>)>>;

/// Serves clients until the program is told to end.
pub fn run(at: &str, settings: &Settings) -> Result<Outcome> {
    let path = match at.parse()? {
        Address::Unix(path) => path,
        other => {
            bail!("failed to listen on {other}: `listen` serves Unix sockets, as in unix:///run/user/1000/x")
        }
    };
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).context("failed to wait for signals")?;
    let (socket, listener) = Socket::bind(&path, settings.insecure)?;
    let clients: Arc<Clients> = Arc::default();
    let (accepting, settings_of_all) = (clients.clone(), settings.clone());
    thread::Builder::new()
        .name("accept".into())
        .spawn(move || accept(&listener, &accepting, &settings_of_all))
        .context("failed to start a thread")?;
    report(format_args!("listening on unix://{} for {}", path.display(), settings.address));
    signals.forever().next();
    // No new client finds it.
    drop(socket);
    for (_, events) in lock(&clients).iter() {
        // A client that is gone need not be told.
        let _ = events.send(Event::Terminate);
    }
    let begun = Instant::now();
    while !lock(&clients).is_empty() && begun.elapsed() < DRAIN {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(Outcome::Done)
}

fn accept(listener: &UnixListener, clients: &Arc<Clients>, settings: &Settings) {
    for number in 1.. {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                report(format_args!("failed to take a client: {error}"));
                thread::sleep(PAUSE);
                continue;
            }
        };
        let (events, inbox) = channel();
        lock(clients).push((number, events.clone()));
        let (clients, settings) = (clients.clone(), settings.clone());
        let serve = move || {
            let outcome = serve(stream, &settings, events, &inbox);
            match outcome {
                Ok(Outcome::Done | Outcome::OutputGone) => {}
                Ok(outcome) => report(format_args!("client {number}: {outcome}")),
                Err(error) => report(format_args!("client {number}: {error:#}")),
            }
            lock(&clients).retain(|(other, _)| *other != number);
        };
        if let Err(error) = thread::Builder::new().name(format!("client {number}")).spawn(serve) {
            report(format_args!("failed to start a thread for client {number}: {error}"));
        }
    }
}

fn serve(
    stream: UnixStream,
    settings: &Settings,
    events: Sender<Event>,
    inbox: &std::sync::mpsc::Receiver<Event>,
) -> Result<Outcome> {
    let clone = || -> io::Result<_> { Ok((stream.try_clone()?, stream.try_clone()?)) };
    let (input, output) = clone().context("failed to use its socket twice")?;
    let connection = connect(settings)?;
    let ends = watched::ends(input, output).context("failed to use its socket twice")?;
    let outcome = session::run(settings.clone(), connection, ends, events, inbox);
    // The thread that reads it ends as well. It fails for a client that is gone.
    let _ = stream.shutdown(Shutdown::Both);
    Ok(outcome)
}
