//! The thread that makes a lost connection again.

use std::io;
use std::process::{ChildStdin, ChildStdout};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use codex_appserver_wire::{Notification as _, Request};

use super::child::Child;
use super::client::outcome;
use super::driver::{Transport, start};
use super::lines::{LineSink, LineSource};
use super::{SystemStreams, block_on, block_until};
use crate::conn::{CloseOnDrop, Link, Pending, StreamEnd};
use crate::error::Error;
use crate::introduction::not_introduced;
use crate::method::Initialize;
use crate::notification_method::Initialized;
use crate::supervision::{Attempts, Plan, Restoring, Way};

/// Makes the connection again whenever it is lost, until it is wanted no more or given up.
pub(super) fn supervise(link: &Arc<Link>, plan: Plan) -> io::Result<()> {
    let link = link.clone();
    thread::Builder::new().name("codex supervisor".into()).spawn(move || {
        let closes = CloseOnDrop::new(&link);
        let _entered = link.span().enter();
        run(&link, &plan);
        closes.done();
    })?;
    Ok(())
}

fn run(link: &Arc<Link>, plan: &Plan) {
    let mut attempts = Attempts::new(plan.policy, Instant::now());
    while wait_until_lost(link) == StreamEnd::Lost {
        let mut pause = attempts.on_lost(Instant::now());
        loop {
            let Some(delay) = pause else { break link.end_supervision(attempts.made()) };
            // A connection that is wanted no more is closed by whoever wants that.
            if is_stopped_within(link, delay) {
                break;
            }
            match connect(link, plan) {
                Ok(()) => break attempts.on_connected(Instant::now()),
                Err(error) => link.note_failure(error),
            }
            pause = attempts.on_failed();
        }
    }
}

/// Waits until the connection is lost or over.
fn wait_until_lost(link: &Link) -> StreamEnd {
    let watcher = link.new_watcher();
    let end = block_on(|context| link.poll_stream_end(watcher, context));
    link.unwatch(watcher);
    end
}

/// Waits so long. Tells whether the connection is to end.
fn is_stopped_within(link: &Link, time: Duration) -> bool {
    let deadline = Instant::now().checked_add(time);
    block_until(deadline, |context| link.poll_stopping(context)).is_ready()
}

/// Makes another connection and restores what there was.
fn connect(link: &Arc<Link>, plan: &Plan) -> Result<(), Error> {
    match &plan.way {
        Way::Spawn(process) => {
            let (child, stdin, stdout) = Child::start(process)?;
            let pid = Some(child.pid());
            restore(link, plan, Some(child), pid, |link| lines(stdin, stdout, link))
        }
        #[cfg(feature = "ws")]
        Way::Connect(address) => dial(link, plan, address, None),
        #[cfg(all(unix, feature = "ws"))]
        Way::Shared(settings) => {
            let server = crate::blocking::SharedServer::find(settings)?;
            link.set_guard(Some(server.guard()));
            dial(link, plan, server.address(), Some(server.pid()))
        }
        Way::Attached => Err(crate::supervision::not_supervised()),
    }
}

/// The streams of a child process.
pub(super) fn lines(stdin: ChildStdin, stdout: ChildStdout, link: Arc<Link>) -> impl Transport {
    SystemStreams { source: LineSource::new(stdout, link), sink: LineSink(stdin), hang_up: || () }
}

#[cfg(feature = "ws")]
fn dial(
    link: &Arc<Link>,
    plan: &Plan,
    address: &crate::address::Address,
    pid: Option<u32>,
) -> Result<(), Error> {
    use super::frames::{Opened, connect};

    let dial = crate::dial::Dial::new(address, &plan.dialling, link.settings().line_limit)?;
    match connect(dial)? {
        Opened::Socket(connected) => restore(link, plan, None, pid, |link| connected.transport(link)),
        Opened::Process(child, connected) => {
            restore(link, plan, Some(child), pid, |link| connected.transport(link))
        }
    }
}

/// Runs another connection, introduces the client, and makes the calls that restore what there was.
fn restore<T: Transport>(
    link: &Arc<Link>,
    plan: &Plan,
    child: Option<Child>,
    pid: Option<u32>,
    transport: impl FnOnce(Arc<Link>) -> T,
) -> Result<(), Error> {
    if !link.begin_connection(pid) {
        if let Some(child) = child {
            child.kill();
            child.see_off(Duration::ZERO);
        }
        return Err(Error::Cancelled { method: Initialize::METHOD.to_owned() });
    }
    let restored = match start(link, transport(link.clone()), child) {
        Ok(()) => introduce(link, plan).map_err(not_introduced),
        Err(error) => {
            // There is no driver to end it.
            let reason = crate::error::CloseReason::Failed(error.to_string());
            link.end_stream(reason, None, Vec::new());
            return Err(Error::Threads(error));
        }
    };
    if restored.is_err() {
        link.break_off("it was not introduced");
        wait_until_lost(link);
    } else {
        link.open();
    }
    restored
}

fn introduce(link: &Arc<Link>, plan: &Plan) -> Result<(), Error> {
    let params = plan.introduction.params()?;
    let mut call = link.begin_urgent(Initialize::METHOD, params.as_deref())?;
    let result = answer(&mut call)?;
    plan.introduction.accept(link, result)?;
    link.notify_urgently(Initialized::METHOD);
    let Some(restore) = &plan.restore else { return Ok(()) };
    let mut restoring = Restoring::new(&**restore, link);
    loop {
        let made = restoring.make(link);
        if made.is_empty() {
            let Some(pause) = restoring.next_pass() else { return Ok(()) };
            thread::sleep(pause);
        }
        for (call, pending) in made {
            match pending.and_then(|mut pending| answer(&mut pending)) {
                // Nothing more can be restored over this connection.
                Err(error @ (Error::ConnectionLost { .. } | Error::Closed(_))) => return Err(error),
                answer => restoring.on_answer(call, answer),
            }
        }
    }
}

fn answer(call: &mut Pending) -> Result<String, Error> {
    outcome(call).map_err(|failure| call.error(failure, 1))
}
