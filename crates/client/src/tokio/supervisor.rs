//! The task that makes a lost connection again.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use codex_appserver_wire::{Notification as _, Request};
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::child::Child;
use super::driver::{Sink, Source, drive, keep_time};
use super::lines::{LineSink, LineSource};
use crate::conn::{CloseOnDrop, Link, Pending, StreamEnd};
use crate::error::Error;
#[cfg(all(unix, feature = "ws"))]
use crate::generic::SharedServer;
use crate::introduction::not_introduced;
use crate::method::Initialize;
use crate::notification_method::Initialized;
use crate::supervision::{Attempts, Plan, Restoring, Way};

/// Makes the connection again whenever it is lost, until it is wanted no more or given up.
pub(super) async fn supervise(link: Arc<Link>, plan: Plan) {
    let closes = CloseOnDrop::new(&link);
    let mut attempts = Attempts::new(plan.policy, now());
    while wait_until_lost(&link).await == StreamEnd::Lost {
        let mut pause = attempts.on_lost(now());
        loop {
            let Some(delay) = pause else { break link.end_supervision(attempts.made()) };
            // A connection that is wanted no more is closed by whoever wants that.
            if unless_stopped(&link, sleep(delay)).await.is_none() {
                break;
            }
            match connect(&link, &plan).await {
                Ok(()) => break attempts.on_connected(now()),
                Err(error) => link.note_failure(error),
            }
            pause = attempts.on_failed();
        }
    }
    closes.done();
}

/// Waits until the connection is lost or over.
async fn wait_until_lost(link: &Link) -> StreamEnd {
    let watcher = link.new_watcher();
    let end = poll_fn(|context| link.poll_stream_end(watcher, context)).await;
    link.unwatch(watcher);
    end
}

/// Makes another connection and restores what there was.
async fn connect(link: &Arc<Link>, plan: &Plan) -> Result<(), Error> {
    match &plan.way {
        Way::Spawn(process) => {
            let (child, stdin, stdout) = Child::start(process)?;
            let pid = child.pid();
            restore(link, plan, LineSource(stdout), LineSink(stdin), Some(child), pid).await
        }
        #[cfg(feature = "ws")]
        Way::Connect(address) => dial(link, plan, address, None).await,
        #[cfg(all(unix, feature = "ws"))]
        Way::Shared(settings) => {
            let finding = SharedServer::<super::Tokio>::find(settings.clone());
            let Some(found) = unless_stopped(link, finding).await else { return Err(stopped()) };
            let server = found?;
            link.set_guard(Some(server.guard()));
            dial(link, plan, server.address(), Some(server.pid())).await
        }
        Way::Attached => Err(crate::supervision::not_supervised()),
    }
}

#[cfg(feature = "ws")]
async fn dial(
    link: &Arc<Link>,
    plan: &Plan,
    address: &crate::address::Address,
    pid: Option<u32>,
) -> Result<(), Error> {
    let dial = crate::dial::Dial::new(address, &plan.dialling, link.settings().line_limit)?;
    let connecting = super::frames::connect(dial);
    let Some(connected) = unless_stopped(link, connecting).await else { return Err(stopped()) };
    let super::frames::Connected { source, sink, child } = connected?;
    restore(link, plan, source, sink, child, pid).await
}

/// Runs another connection, introduces the client, and makes the calls that restore what there was.
async fn restore(
    link: &Arc<Link>,
    plan: &Plan,
    source: impl Source,
    sink: impl Sink,
    child: Option<Child>,
    pid: Option<u32>,
) -> Result<(), Error> {
    if !link.begin_connection(pid) {
        return Err(stopped());
    }
    tokio::spawn(drive(link.clone(), source, sink, child).instrument(link.span().clone()));
    let restored = introduce(link, plan).await.map_err(not_introduced);
    if restored.is_err() {
        link.break_off("it was not introduced");
        wait_until_lost(link).await;
    } else {
        link.open();
    }
    restored
}

async fn introduce(link: &Arc<Link>, plan: &Plan) -> Result<(), Error> {
    let params = plan.introduction.params()?;
    let mut call = link.begin_urgent(Initialize::METHOD, params.as_deref())?;
    let result = answer(&mut call).await?;
    plan.introduction.accept(link, result)?;
    link.notify_urgently(Initialized::METHOD);
    let Some(restore) = &plan.restore else { return Ok(()) };
    let mut restoring = Restoring::new(&**restore, link);
    loop {
        let made = restoring.make(link);
        if made.is_empty() {
            let Some(pause) = restoring.next_pass() else { return Ok(()) };
            sleep(pause).await;
        }
        for (call, pending) in made {
            let answer = match pending {
                Ok(mut pending) => answer(&mut pending).await,
                Err(error) => Err(error),
            };
            match answer {
                // Nothing more can be restored over this connection.
                Err(error @ (Error::ConnectionLost { .. } | Error::Closed(_))) => return Err(error),
                answer => restoring.on_answer(call, answer),
            }
        }
    }
}

async fn answer(call: &mut Pending) -> Result<String, Error> {
    poll_fn(|context| call.poll(context)).await.map_err(|failure| call.error(failure, 1))
}

/// Waits for this, and minds the deadlines of calls meanwhile, as there is no driver. None if the connection is to end.
async fn unless_stopped<T>(link: &Link, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut clock) = (pin!(work), pin!(keep_time(link)));
    poll_fn(|context| {
        if link.poll_stopping(context).is_ready() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        clock.as_mut().poll(context).map(|never| match never {})
    })
    .await
}

/// The error of a connection that is wanted no more.
fn stopped() -> Error {
    Error::Cancelled { method: Initialize::METHOD.to_owned() }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
