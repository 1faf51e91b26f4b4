//! What is open between a client and its app-server. No input, no output: messages come in, and what to do with them
//! comes out.

use std::collections::{HashMap, HashSet};

use codex_appserver_wire::RequestId;
use serde_json::json;

use crate::message::{Head, Kind};

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is passed on as it is.
    Pass,
    /// It is passed on like this.
    PassAs(String),
    /// It is passed on, and answers a request: see [`Exchange::settle`].
    Settle(RequestId),
    /// It is kept back.
    Drop,
    /// It answers the relay's own `initialize`, with an error if there is one.
    Introduced(Result<(), String>),
}

/// The open requests of both sides, and what a new connection has to be told.
#[derive(Debug, Default)]
pub struct Exchange {
    /// Requests of the client without an answer, and how often each id is in use.
    asked: HashMap<RequestId, u32>,
    /// Requests of the server on this connection that are not answered, by the ids that the client knows.
    wanted: HashMap<RequestId, RequestId>,
    /// The same of connections that are gone. The client may still answer them.
    stale: HashSet<RequestId>,
    /// The client's `initialize`.
    initialize: Option<Initialize>,
    /// The client's `initialized`.
    initialized: Option<String>,
    /// The id of the relay's own `initialize`, while it waits for the answer.
    introducing: Option<RequestId>,
    /// How many connections are gone.
    generation: u32,
}

#[derive(Debug)]
struct Initialize {
    message: String,
    id: RequestId,
    is_answered: bool,
}

impl Exchange {
    /// What becomes of a message of the client.
    pub fn client_says(&mut self, message: &str) -> Fate {
        let Some(head) = Head::read(message) else { return Fate::Pass };
        match head.kind() {
            Kind::Request(id) => {
                if self.initialize.is_none() && head.is_method("initialize") {
                    let (message, id) = (message.to_owned(), id.clone());
                    self.initialize = Some(Initialize { message, id, is_answered: false });
                }
                *self.asked.entry(id).or_default() += 1;
            }
            Kind::Answer(id) => match self.wanted.remove(&id) {
                Some(original) if original != id => return Fate::PassAs(head.with_id(message, &original)),
                Some(_) => {}
                // The server that asked is gone. Another one may ask something else under the same id.
                None if self.stale.remove(&id) => return Fate::Drop,
                None => {}
            },
            Kind::Notification if self.initialized.is_none() && head.is_method("initialized") => {
                self.initialized = Some(message.to_owned());
            }
            Kind::Notification | Kind::Other => {}
        }
        Fate::Pass
    }

    /// What becomes of a message of the server.
    pub fn server_says(&mut self, message: &str) -> Fate {
        let Some(head) = Head::read(message) else { return Fate::Pass };
        match head.kind() {
            Kind::Answer(id) if self.introducing.as_ref() == Some(&id) => {
                self.introducing = None;
                let error = head.is_error().then(|| message.to_owned());
                return Fate::Introduced(error.map_or(Ok(()), Err));
            }
            Kind::Answer(id) if self.asked.contains_key(&id) => return Fate::Settle(id),
            Kind::Request(id) => {
                let known = self.name_for_client(&id);
                let renamed = known != id;
                let fate = if renamed { Fate::PassAs(head.with_id(message, &known)) } else { Fate::Pass };
                self.wanted.insert(known, id);
                return fate;
            }
            Kind::Notification => {
                if let Some(resolved) = head.resolved() {
                    let found = self.wanted.iter().find(|(_, original)| **original == resolved.id);
                    let known = found.map(|(known, _)| known.clone());
                    if let Some(known) = known {
                        self.wanted.remove(&known);
                        if known != resolved.id {
                            return Fate::PassAs(resolved.with_id(message, &known));
                        }
                    }
                }
            }
            Kind::Answer(_) | Kind::Other => {}
        }
        Fate::Pass
    }

    /// A message of the server cannot be passed on. If its beginning shows that it answers a request, then that is settled
    /// with this answer instead.
    pub fn unreadable(&self, problem: &str, head: &str) -> Option<(RequestId, String)> {
        let (id, is_request) = beginning(head);
        let id = id.filter(|id| !is_request && self.asked.contains_key(id))?;
        let message = format!("the answer was lost: {problem}");
        let answer = json!({"id": id, "error": {"code": -32000, "message": message}}).to_string();
        Some((id, answer))
    }

    /// The answer to a request has reached the client.
    pub fn settle(&mut self, id: &RequestId) {
        if let Some(initialize) = self.initialize.as_mut().filter(|initialize| initialize.id == *id) {
            initialize.is_answered = true;
        }
        if let Some(count) = self.asked.get_mut(id) {
            *count -= 1;
            if *count == 0 {
                self.asked.remove(id);
            }
        }
    }

    /// How many requests of the client have no answer.
    pub fn open(&self) -> usize {
        self.asked.values().map(|count| *count as usize).sum()
    }

    /// The connection is gone. What the client gets for its open requests; its `initialize` stays open, since the next
    /// connection begins with it.
    pub fn lose(&mut self) -> Vec<String> {
        self.generation += 1;
        self.introducing = None;
        self.stale.extend(self.wanted.drain().map(|(known, _)| known));
        let kept = self.initialize.as_ref().filter(|initialize| !initialize.is_answered);
        let kept = kept.map(|initialize| initialize.id.clone());
        let mut lost = Vec::new();
        for (id, count) in std::mem::take(&mut self.asked) {
            match kept.as_ref() {
                Some(kept) if *kept == id => drop(self.asked.insert(id, count)),
                _ => lost.extend(std::iter::repeat_n(id, count as usize)),
            }
        }
        lost.sort();
        lost.iter().map(lost_answer).collect()
    }

    /// What a new connection has to be told first: the client's own `initialize`. Its answer is for the client only if that
    /// has none yet.
    pub fn introduction(&mut self) -> Option<String> {
        let initialize = self.initialize.as_ref()?;
        if !initialize.is_answered {
            return Some(initialize.message.clone());
        }
        let id = RequestId::String(format!("codex-relay/initialize/{}", self.generation));
        let message = Head::read(&initialize.message)?.with_id(&initialize.message, &id);
        self.introducing = Some(id);
        Some(message)
    }

    /// Whether the answer to the relay's own `initialize` is still to come.
    pub fn is_introducing(&self) -> bool {
        self.introducing.is_some()
    }

    /// What follows the answer to the introduction: the client's `initialized`, if it has sent that.
    pub fn initialized(&self) -> Option<&str> {
        self.initialized.as_deref()
    }

    /// The id under which the client gets to know a request: the server's own, unless it is one that the client may still
    /// use for a request of a server that is gone.
    fn name_for_client(&self, id: &RequestId) -> RequestId {
        let is_taken = |id: &RequestId| self.stale.contains(id) || self.wanted.contains_key(id);
        if !is_taken(id) || self.wanted.get(id).is_some_and(|original| original == id) {
            return id.clone();
        }
        RequestId::String(format!("codex-relay/{}/{id}", self.generation))
    }
}

/// The answer to a request whose own answer was lost with the connection.
fn lost_answer(id: &RequestId) -> String {
    let message = "the connection to the app-server was lost before the answer came; the request may have been \
                   executed, and codex-relay does not send it again";
    let data = json!({"codexRelay": "connectionLost", "mayHaveBeenExecuted": true});
    json!({"id": id, "error": {"code": -32000, "message": message, "data": data}}).to_string()
}

/// The answer to a request that is not sent, if its beginning shows that it is one.
pub fn refusal(number: u64, problem: &str, head: &str) -> Option<String> {
    let (id, is_request) = beginning(head);
    let id = id.filter(|_| is_request)?;
    let message = format!("line {number} {problem}; codex-relay did not send it");
    Some(json!({"id": id, "error": {"code": -32600, "message": message}}).to_string())
}

/// The id of a message of which only the beginning is there, and whether it has a method. Both stand there unless what
/// comes before them is long.
fn beginning(head: &str) -> (Option<RequestId>, bool) {
    let (mut id, mut is_request) = (None, false);
    let mut rest = head.trim_start().strip_prefix('{');
    while let Some((key, after)) = rest.and_then(value) {
        let Some(text) = after.trim_start().strip_prefix(':') else { break };
        let Some((value, after)) = value(text) else { break };
        match key.as_str() {
            Some("id") => id = serde_json::from_value(value).ok(),
            Some("method") => is_request = true,
            _ => {}
        }
        rest = after.trim_start().strip_prefix(',');
    }
    (id, is_request)
}

/// The JSON value at the beginning of a text, and what follows it.
fn value(text: &str) -> Option<(serde_json::Value, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

#[cfg(test)]
mod tests;
