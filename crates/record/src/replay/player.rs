//! The state of a replay, without input or output: lines of the client go in, lines of the server come out.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::compare::{Aliases, Comparison, compare};
use super::message::{Message, id_text};
use super::outgoing::{Outgoing, OutgoingKind, answer, with_aliases};
use super::report::{Problem, Report};
use super::script::{Client, Event, Kind, Server, Session, answer_value, params_value};
use crate::trace::Content;

/// What a refused request gets, as from the server for what it does not know.
const REFUSED: i64 = -32600;

/// How many requests of one method are compared to find the one that fits best.
const COMPARED: usize = 64;

/// Plays the server's side of a session.
///
/// Every message of the server comes when the client has sent all that stands before it in the trace. The
/// client's messages may come in another order: a request is matched with the open one of its method whose
/// params differ least.
///
/// Call [`next`](Self::next) until it yields nothing, write what it yields, then hand in what the client sends.
#[derive(Debug)]
pub struct Player {
    session: Session,
    exact: bool,
    /// The event that comes next: a message of the client that has not come, unless the end is reached.
    at: usize,
    /// For each event whether the client has sent it.
    done: Vec<bool>,
    /// The ids of requests that the client has sent and that were not refused, by the number of the event.
    ids: BTreeMap<usize, String>,
    /// The requests that were answered.
    answered: BTreeSet<usize>,
    /// The requests of the server that the client has not answered: the events, by id, oldest first.
    open: HashMap<String, VecDeque<usize>>,
    aliases: Aliases,
    refusals: VecDeque<String>,
    report: Report,
}

impl Player {
    /// Plays a session from its start.
    pub fn new(session: Session) -> Self {
        let is_client = |event: &&Event| matches!(event.kind, Kind::Client(_));
        let expected = session.events.iter().filter(is_client).count();
        let report = Report {
            trace: session.trace.clone(),
            expected,
            server_messages: session.len() - expected,
            ..Report::default()
        };
        Self {
            exact: false,
            at: 0,
            done: vec![false; session.len()],
            ids: BTreeMap::new(),
            answered: BTreeSet::new(),
            open: HashMap::new(),
            aliases: Aliases::new(),
            refusals: VecDeque::new(),
            report,
            session,
        }
    }

    /// Refuses requests whose params differ from those of the trace.
    #[must_use]
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// What the server sends next; none where it waits for the client.
    #[expect(clippy::should_implement_trait, reason = "after none there can be more")]
    pub fn next(&mut self) -> Option<Outgoing> {
        if let Some(refusal) = self.refusals.pop_front() {
            let (content, kind) = (Content::Line(refusal), OutgoingKind::Answer);
            return Some(Outgoing { content, kind, gap: Duration::ZERO });
        }
        while let Some(event) = self.session.events.get(self.at) {
            let server = match &event.kind {
                Kind::Client(_) if self.done[self.at] => {
                    self.at += 1;
                    continue;
                }
                Kind::Client(_) => return None,
                Kind::Server(server) => server,
            };
            let (kind, content) = match server {
                Server::Answer { request } => {
                    // Without an id there is no one to answer: the request was refused or is not in the trace.
                    let given = request.and_then(|request| {
                        let line = answer(&event.content, self.ids.get(&request)?)?;
                        let is_first = self.answered.insert(request);
                        Some((if is_first { OutgoingKind::Answer } else { OutgoingKind::Other }, line))
                    });
                    given.map_or((OutgoingKind::Other, None), |(kind, line)| (kind, Some(line)))
                }
                Server::Request { id, .. } => {
                    self.open.entry(id.clone()).or_default().push_back(self.at);
                    (OutgoingKind::Request, Some(event.content.clone()))
                }
                Server::Other => (OutgoingKind::Other, Some(event.content.clone())),
            };
            let gap = self.gap(self.at);
            self.at += 1;
            if let Some(content) = content {
                self.report.sent += 1;
                return Some(Outgoing { content: with_aliases(content, &self.aliases), kind, gap });
            }
        }
        None
    }

    /// Takes a line that the client sent, without its line break.
    pub fn line(&mut self, line: &[u8]) {
        let Ok(text) = std::str::from_utf8(line) else { return self.other(line) };
        match Message::read(text) {
            Message::Request { id, method, params } => self.request(id, &method, params),
            Message::Notification { method, params } => self.notification(&method, params),
            Message::Answer { id, result, error } => self.answer(id, &answer_value(result, error)),
            Message::Other => self.other(line),
        }
    }

    /// Whether the trace holds a request of this method that the client has not sent yet.
    pub fn expects(&self, method: &str) -> bool {
        self.candidates(|client| params_of(client, true, method).is_some()).next().is_some()
    }

    /// Whether the client waits for an answer that is held back, because it has not sent what comes before.
    pub fn holds_back(&self) -> bool {
        !self.held().is_empty()
    }

    /// Answers with an error what is [held back](Self::holds_back). Call it when the client has sent nothing
    /// for so long that it cannot be expected to send what comes next.
    pub fn give_up(&mut self) {
        let held = self.held();
        let Some(event) = self.session.events.get(self.at).filter(|_| !held.is_empty()) else { return };
        let (line, message) = (event.line, describe(&self.session, event));
        let text = format!("the replay holds this request back; the trace expects {}", self.next_expected());
        let mut refused = 0;
        for request in held {
            if let Some(id) = self.ids.remove(&request) {
                self.refuse(&id, &text);
                refused += 1;
            }
        }
        self.report.problem(Problem::Stalled { line, message, refused });
    }

    /// What was seen; what the client has not sent by now counts as missing.
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        for (_, event) in self.candidates(|_| true) {
            report.problem(Problem::Missing { line: event.line, message: describe(&self.session, event) });
        }
        report
    }

    /// Whether nothing of the trace is left to send or to be sent.
    pub fn is_through(&self) -> bool {
        self.at == self.session.len()
    }

    fn request(&mut self, id: &RawValue, method: &str, params: Option<&RawValue>) {
        match self.find(true, method, &params_value(params)) {
            Ok((number, comparison)) => {
                self.ids.insert(number, id_text(id));
                self.matched(number, method, comparison);
            }
            Err(message) => {
                let next = self.next_expected();
                let text = format!("the replayed trace does not hold {message}; it expects {next}");
                self.unexpected(message, next);
                self.refuse(&id_text(id), &text);
            }
        }
    }

    fn notification(&mut self, method: &str, params: Option<&RawValue>) {
        match self.find(false, method, &params_value(params)) {
            Ok((number, comparison)) => self.matched(number, method, comparison),
            Err(message) => self.unexpected(message, self.next_expected()),
        }
    }

    /// The event that the client has sent now; an error says what is not in the trace.
    fn find(&self, is_request: bool, method: &str, sent: &Value) -> Result<(usize, Comparison), String> {
        let what = if is_request { "request" } else { "notification" };
        match self.best(is_request, method, sent) {
            None => Err(format!("the {what} `{method}`")),
            Some((number, found)) => match found.differences.first().filter(|_| self.exact) {
                None => Ok((number, found)),
                Some(difference) => {
                    let line = self.session.events[number].line;
                    Err(format!("the {what} `{method}` with other params than on line {line}: {difference}"))
                }
            },
        }
    }

    fn answer(&mut self, id: &RawValue, sent: &Value) {
        let id = id_text(id);
        let Some(request) = self.open.get_mut(&id).and_then(VecDeque::pop_front) else {
            return self
                .unexpected(format!("an answer to no open request, with the id {id}"), self.next_expected());
        };
        let Kind::Server(Server::Request { method, .. }) = &self.session.events[request].kind else { return };
        let method = method.clone();
        let is_answer =
            |client: &Client| matches!(client, Client::Answer { request: of, .. } if *of == request);
        let Some((number, event)) = self.candidates(is_answer).next() else {
            let message = format!("an answer to `{method}`, which the recorded client did not answer");
            return self.unexpected(message, self.next_expected());
        };
        let Kind::Client(Client::Answer { answer, .. }) = &event.kind else { return };
        let (line, comparison) = (event.line, self.compare(number, answer, sent));
        self.learn(comparison.aliases);
        self.done[number] = true;
        self.report.matched += 1;
        if let Some(difference) = comparison.differences.into_iter().next() {
            self.report.problem(Problem::OtherAnswer { line, method, difference });
        }
    }

    /// A line that is no message; codex does not answer it.
    fn other(&mut self, line: &[u8]) {
        let is_same = |event: &Event| match &event.content {
            Content::Line(text) => text.as_bytes() == line,
            Content::Bytes(bytes) => bytes == line,
        };
        let found = self.candidates(|client| *client == Client::Other).find(|(_, event)| is_same(event));
        match found.map(|(number, _)| number) {
            Some(number) => {
                self.done[number] = true;
                self.report.matched += 1;
            }
            None => {
                let message = format!("a line of {} bytes that is no JSON-RPC message", line.len());
                self.unexpected(message, self.next_expected());
            }
        }
    }

    /// What the client has not sent yet.
    fn candidates(&self, is_one: impl Fn(&Client) -> bool) -> impl Iterator<Item = (usize, &Event)> {
        let rest = self.session.events.iter().enumerate().skip(self.at);
        rest.filter(move |(number, event)| {
            matches!(&event.kind, Kind::Client(client) if !self.done[*number] && is_one(client))
        })
    }

    /// The open message whose params differ least; of several the first.
    fn best(&self, is_request: bool, method: &str, sent: &Value) -> Option<(usize, Comparison)> {
        let mut best: Option<(usize, Comparison)> = None;
        let cost = |found: &Comparison| (found.differences.len(), found.aliases.len());
        let open = self.candidates(|client| params_of(client, is_request, method).is_some());
        for (number, event) in open.take(COMPARED) {
            let Kind::Client(client) = &event.kind else { continue };
            let Some(expected) = params_of(client, is_request, method) else { continue };
            let found = self.compare(number, expected, sent);
            let costs = cost(&found);
            if best.as_ref().is_none_or(|(_, best)| costs < cost(best)) {
                best = Some((number, found));
            }
            if costs == (0, 0) {
                break;
            }
        }
        best
    }

    fn compare(&self, number: usize, expected: &Value, sent: &Value) -> Comparison {
        let before = &self.session.events[..number];
        let made_by_server = |id: &str| {
            let quoted = Value::from(id).to_string();
            before.iter().any(|event| match (&event.kind, &event.content) {
                (Kind::Server(_), Content::Line(line)) => line.contains(&quoted),
                _ => false,
            })
        };
        compare(expected, sent, &self.aliases, made_by_server)
    }

    fn matched(&mut self, number: usize, method: &str, comparison: Comparison) {
        self.done[number] = true;
        self.report.matched += 1;
        self.report.note(self.session.events[number].line, method, comparison.differences);
        self.learn(comparison.aliases);
    }

    fn learn(&mut self, aliases: Vec<(String, String)>) {
        self.aliases.extend(aliases);
    }

    /// The requests that came before their turn and whose answers the trace holds.
    fn held(&self) -> Vec<usize> {
        let ahead: BTreeSet<usize> = self.ids.range(self.at..).map(|(number, _)| *number).collect();
        if ahead.is_empty() {
            return Vec::new();
        }
        let answers = self.session.events.iter().skip(self.at).filter_map(|event| match event.kind {
            Kind::Server(Server::Answer { request }) => request,
            _ => None,
        });
        answers.filter(|request| ahead.contains(request)).collect()
    }

    fn unexpected(&mut self, message: String, next: String) {
        self.report.problem(Problem::Unexpected { message, next });
    }

    fn refuse(&mut self, id: &str, message: &str) {
        let error = json!({ "code": REFUSED, "message": message });
        self.refusals.push_back(format!("{{\"error\":{error},\"id\":{id}}}"));
    }

    /// What the client is to send next, for people.
    fn next_expected(&self) -> String {
        match self.candidates(|_| true).next() {
            Some((_, event)) => {
                format!("{} ({}:{}) next", describe(&self.session, event), self.session.trace, event.line)
            }
            None => "nothing more".to_owned(),
        }
    }

    /// The time between a message and the one before it.
    fn gap(&self, number: usize) -> Duration {
        let t = |number: usize| self.session.events.get(number).and_then(|event| event.t);
        let before = number.checked_sub(1).and_then(t).unwrap_or_default();
        let seconds = t(number).unwrap_or_default() - before;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

/// The params, where the message is the one that is meant.
fn params_of<'a>(client: &'a Client, is_request: bool, method: &str) -> Option<&'a Value> {
    match client {
        Client::Request { method: expected, params } if is_request && expected == method => Some(params),
        Client::Notification { method: expected, params } if !is_request && expected == method => {
            Some(params)
        }
        _ => None,
    }
}

/// A message of the client, for people.
fn describe(session: &Session, event: &Event) -> String {
    match &event.kind {
        Kind::Client(Client::Request { method, .. }) => format!("the request `{method}`"),
        Kind::Client(Client::Notification { method, .. }) => format!("the notification `{method}`"),
        Kind::Client(Client::Answer { request, .. }) => match &session.events[*request].kind {
            Kind::Server(Server::Request { method, .. }) => format!("the answer to `{method}`"),
            _ => "an answer".to_owned(),
        },
        _ => "a line that is no JSON-RPC message".to_owned(),
    }
}
