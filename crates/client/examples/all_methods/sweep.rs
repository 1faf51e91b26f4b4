//! The calls: in which order, and what comes of each.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use codex_appserver_client::method::visit_client_request;
use codex_appserver_client::protocol::ServerNotification;
use codex_appserver_client::wire::shape::{Kind, Method};
use codex_appserver_client::wire::{
    DecodeError, Release, Request, RequestVisitor, RpcError, Transport, decode, encode_params,
};
use codex_appserver_client::{Client, Error, Events, Filter};
use codex_appserver_shapes::METHODS;

use crate::live::Live;
use crate::minimal::Minimal;
use crate::server::DEADLINE;

/// What creates something that others are about.
const FIRST: &[&str] = &[
    "initialize",
    "thread/start",
    "turn/start",
    "project/create",
    "threadSection/create",
    "thread/queue/add",
    "process/spawn",
    "fs/writeFile",
    "fs/createDirectory",
    "fuzzyFileSearch/sessionStart",
];

/// What destroys, ends or forgets something that others are about, and what changes who is logged in.
const LAST: &[&str] = &[
    "thread/queue/delete",
    "thread/revert",
    "thread/unsubscribe",
    "thread/archive",
    "thread/unarchive",
    "thread/delete",
    "threadSection/delete",
    "project/delete",
    "fuzzyFileSearch/sessionStop",
    "process/kill",
    "fs/unwatch",
    "fs/remove",
    "memory/reset",
    "remoteControl/enable",
    "remoteControl/disable",
    "account/login/start",
    "account/login/cancel",
    "account/logout",
];

/// What begins a turn.
const TURNS: &[&str] =
    &["turn/start", "thread/queue/add", "review/start", "thread/compact/start", "thread/shellCommand"];

/// A method and what came of calling it.
pub struct Row {
    pub method: &'static str,
    pub outcome: Outcome,
}

/// What came of a call.
pub enum Outcome {
    /// An answer of the method's own type.
    Ok,
    /// An error that the server answered with.
    Refused(RpcError),
    /// The server is older than the method, which came with this release.
    TooOld(Release),
    /// Nothing until the deadline.
    NoAnswer,
    /// An answer, or params, that the bindings cannot read.
    Undecodable(DecodeError),
    /// The connection was of no use.
    Failed(Error),
}

/// Calls every method once.
pub async fn run(client: &Client, folder: &Path, print: impl Fn(&Row)) -> Result<Vec<Row>> {
    let mut live = Live::new(folder).context("failed to write into the workspace")?;
    let mut rows = Vec::new();
    for method in methods() {
        let thread = live.id("threadId").filter(|_| TURNS.contains(&method.name));
        let events = thread.map(|thread| client.events(Filter::thread(thread)));
        let row = Row { method: method.name, outcome: call(client, method, &mut live).await };
        print(&row);
        if let (Some(events), Outcome::Ok) = (events, &row.outcome) {
            end_of_turn(events).await.with_context(|| format!("no turn of `{}` ended", method.name))?;
        }
        rows.push(row);
    }
    Ok(rows)
}

/// All methods that a client can call, in the order in which they say the most.
fn methods() -> Vec<&'static Method> {
    let place = |method: &Method| {
        let place = |list: &[&str]| list.iter().position(|name| *name == method.name);
        match (place(FIRST), place(LAST)) {
            (Some(index), _) => (0, index),
            (_, Some(index)) => (2, index),
            _ => (1, 0),
        }
    };
    let mut methods: Vec<_> = METHODS.iter().filter(|method| method.kind == Kind::ClientRequest).collect();
    methods.sort_by_key(|method| place(method));
    methods
}

async fn call(client: &Client, method: &'static Method, live: &mut Live) -> Outcome {
    let params = Minimal::new(method, live).params().map(|params| params.to_string());
    let params = match visit_client_request(method.name, Params(params)) {
        Some(Ok(params)) => params,
        Some(Err(error)) => return Outcome::Undecodable(error),
        None => return Outcome::Undecodable(DecodeError::other("the bindings have no such method")),
    };
    match client.send(method.name, params).await {
        Ok(answer) => {
            live.learn(&answer);
            match visit_client_request(method.name, Answer(&answer)) {
                Some(Err(error)) => Outcome::Undecodable(error),
                _ => Outcome::Ok,
            }
        }
        Err(Error::TimedOut { .. }) => Outcome::NoAnswer,
        Err(Error::TooOld { since, .. }) => Outcome::TooOld(since),
        Err(Error::Decode(error)) => Outcome::Undecodable(error),
        Err(error) => match error.rpc() {
            Some(rpc) => Outcome::Refused(rpc.clone()),
            None => Outcome::Failed(error),
        },
    }
}

/// Most of what is asked of a thread is about turns that are over, and what the server answers while one runs is a
/// matter of chance.
async fn end_of_turn(mut events: Events) -> Result<()> {
    let end = async {
        while let Some(event) = events.next().await {
            if let Some(ServerNotification::TurnCompleted(_)) = event?.into_notification() {
                return Ok(());
            }
        }
        bail!("the connection was closed")
    };
    tokio::time::timeout(DEADLINE, end).await.context("the server did not say so in time")?
}

/// What only one side knows: the server lists its methods when it is asked for one that it does not have.
pub async fn compare_with_server(client: &Client) -> Result<Vec<String>> {
    let Err(error) = client.request_raw("sweep/noSuchMethod", ()).await else {
        bail!("the server answered a method that there is not");
    };
    let message = error.rpc().map(|rpc| rpc.message.clone()).unwrap_or_else(|| error.to_string());
    let (_, list) = message.split_once("expected one of").context(message.clone())?;
    // Names stand between backticks, so they are the odd parts.
    let theirs: BTreeSet<_> = list.split('`').skip(1).step_by(2).collect();
    let ours: BTreeSet<_> = methods().iter().map(|method| method.name).collect();
    let theirs_only = theirs.difference(&ours).map(|name| format!("only the server has {name}"));
    let ours_only = ours.difference(&theirs).map(|name| format!("only the bindings have {name}"));
    Ok(theirs_only.chain(ours_only).collect())
}

/// Reads params as the type of the method, and writes them as that type does.
struct Params(Option<String>);

impl RequestVisitor for Params {
    type Output = Result<Option<String>, DecodeError>;

    fn visit<R: Request>(self) -> Self::Output {
        let params: R::Params = decode(self.0.as_deref().unwrap_or("null"))?;
        encode_params(&params).map_err(|error| DecodeError::other(error.to_string()))
    }
}

/// Reads an answer as the type of the method.
struct Answer<'a>(&'a str);

impl RequestVisitor for Answer<'_> {
    type Output = Result<(), DecodeError>;

    fn visit<R: Request>(self) -> Self::Output {
        decode::<R::Response>(self.0).map(drop)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Refused(error) => write!(f, "error {}: {}", error.code, short(&error.message)),
            Self::TooOld(since) => write!(f, "needs codex {since} or later"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::Undecodable(error) => write!(f, "undecodable: {}", short(&error.to_string())),
            Self::Failed(error) => write!(f, "failed: {}", short(&error.to_string())),
        }
    }
}

/// One line of a text, and not too much of it.
fn short(text: &str) -> String {
    const ENOUGH: usize = 110;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}
