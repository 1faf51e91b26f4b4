//! What becomes of each line that the server sends.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use codex_appserver_notifications::method::{ServerRequestResolved, TurnCompleted};
use codex_appserver_wire::{DecodeError, LineError, Notification, RequestId, RpcError};

use super::calls::{Answered, Failure, Outcome};
use super::head::{self, Head, Scope};
use super::silence::PROBE;
use super::{Asked, Core, Item, Message, Unreadable, Wakes};
use crate::excerpt::beginning;
use crate::settings::Unhandled;

impl Core {
    /// Takes in a line of the server, scanned before; gives out what the handlers have to see. The clock is read for
    /// the few lines that need the time.
    pub(crate) fn receive(
        &mut self,
        line: &str,
        mut head: Head<'_>,
        clock: impl FnOnce() -> Instant,
        wakes: &mut Wakes,
    ) -> Option<Asked> {
        match (head.id, head.method) {
            (Some(id), Some(method)) => {
                return self.receive_request(line, id, &method, &head.scope, clock(), wakes);
            }
            (None, Some(method)) => {
                if let Some(request) = head.scope.request.as_ref().filter(|_| head.scope.turn.is_none()) {
                    head.scope.turn = self.requests.take_turn(request).map(Cow::Owned);
                }
                self.receive_notification(line, &method, &head.scope, clock, wakes);
            }
            (Some(id), None) if head.result.is_some() || head.error.is_some() => {
                self.receive_answer(
                    id,
                    head.result.map(|raw| raw.get()),
                    head.error.map(|raw| raw.get()),
                    clock,
                    wakes,
                );
            }
            _ => {}
        }
        None
    }

    fn receive_request(
        &mut self,
        line: &str,
        id: RequestId,
        method: &str,
        scope: &Scope<'_>,
        now: Instant,
        wakes: &mut Wakes,
    ) -> Option<Asked> {
        self.stats.server_requests += 1;
        self.requests.note_turn(&id, scope);
        let text: Arc<str> = line.into();
        self.routes
            .push(scope, Some(method), wakes, || Item::Request(Message::new(text.clone(), line, scope)));
        if self.is_stopping() {
            return None;
        }
        let must_answer = self.unhandled == Unhandled::Decline || self.requests.is_own(scope);
        if self.requests.is_full() {
            if !must_answer {
                return None;
            }
            self.stats.refused_requests += 1;
            let refusal = Err(RpcError::new(-32001, "too many open requests"));
            if let Some(ticket) = self.requests.open(id, method, scope, now) {
                self.answer(&ticket, &refusal, now, wakes);
            }
            return None;
        }
        Some(Asked {
            ticket: self.requests.open(id, method, scope, now)?,
            method: method.to_owned(),
            thread_id: scope.thread.as_deref().map(str::to_owned),
            turn_id: scope.turn.as_deref().map(str::to_owned),
            must_answer,
            offers: self.offers,
            line: text,
        })
    }

    fn receive_notification(
        &mut self,
        line: &str,
        method: &str,
        scope: &Scope<'_>,
        clock: impl FnOnce() -> Instant,
        wakes: &mut Wakes,
    ) {
        self.stats.notifications += 1;
        if self.unhandled == Unhandled::LeaveToOthers {
            self.requests.note_notification(method, scope);
        }
        self.routes
            .push(scope, Some(method), wakes, || Item::Notification(Message::new(line.into(), line, scope)));
        match method {
            ServerRequestResolved::METHOD => {
                if let Some(id) = &scope.request {
                    self.requests.resolve(id, clock(), wakes);
                }
            }
            TurnCompleted::METHOD => {
                if let Some(turn) = scope.turn.as_deref() {
                    self.requests.end_turn(turn, clock(), wakes);
                }
            }
            _ => {}
        }
    }

    fn receive_answer(
        &mut self,
        id: RequestId,
        result: Option<&str>,
        error: Option<&str>,
        clock: impl FnOnce() -> Instant,
        wakes: &mut Wakes,
    ) {
        let id = match id {
            RequestId::Integer(id) => id,
            // That it came is all that matters.
            RequestId::String(id) if id == PROBE => return,
            RequestId::String(_) => {
                self.stats.unknown_answers += 1;
                return;
            }
        };
        let outcome = match (result, error) {
            (_, Some(error)) => match codex_appserver_wire::decode(error) {
                Ok(error) => Err(Failure::Rpc(error)),
                Err(unreadable) => Err(Failure::Unreadable(unreadable.within("error").with_raw(error))),
            },
            (result, None) => Ok(result.unwrap_or("null").to_owned()),
        };
        if let (Ok(result), Some(method)) = (&outcome, self.calls.method(id)) {
            if self.unhandled == Unhandled::LeaveToOthers {
                self.requests.note_result(method, result);
            }
            if self.is_supervised() {
                let method = method.to_owned();
                self.note_started(&method, result);
            }
        }
        if outcome.is_ok() && self.generations.awaits_introduction() {
            self.on_introduced(id, clock(), wakes);
        }
        self.settle(id, outcome, wakes);
    }

    fn settle(&mut self, id: i64, outcome: Outcome, wakes: &mut Wakes) {
        match self.calls.answer(id, outcome, &mut self.out, wakes) {
            Answered::Call => self.stats.answers += 1,
            Answered::Late => self.stats.late_answers += 1,
            Answered::Again => self.stats.duplicate_answers += 1,
            Answered::Unknown => self.stats.unknown_answers += 1,
        }
        self.wake_writer(wakes);
    }

    /// The first lines that are no messages, and the one that has not ended.
    pub(crate) fn unreadable_lines(&self) -> Vec<String> {
        let unended = Some(&self.unended).filter(|line| !line.trim().is_empty());
        self.unreadable.iter().chain(unended).take(KEPT_UNREADABLE).cloned().collect()
    }

    /// How a line begins that has not ended, where no message has come before it.
    pub(crate) fn set_unended(&mut self, line: &[u8]) {
        self.unended = beginning(line);
    }

    /// Takes in a line that is no message; of one that could not even be read `line` is how it began. The call
    /// that it answers fails with it. If it answers none, it may have been about anything: everybody gets to
    /// know.
    pub(crate) fn receive_unreadable(&mut self, line: &str, message: String, wakes: &mut Wakes) {
        self.stats.unreadable_lines += 1;
        let raw = beginning(line.as_bytes());
        if self.unreadable.len() < KEPT_UNREADABLE && !raw.trim().is_empty() {
            self.unreadable.push(raw.trim_end().to_owned());
        }
        let answers = head::leading_id(line.as_bytes());
        if let Some(id) = answers {
            let error = DecodeError::other(message.clone()).with_raw(raw.clone());
            self.settle(id, Err(Failure::Unreadable(error)), wakes);
        }
        let unreadable = Arc::new(Unreadable { method: None, path: String::new(), message, raw });
        let item = Item::Unreadable(unreadable);
        match answers {
            Some(_) => self.routes.push(&Scope::default(), None, wakes, || item),
            None => self.routes.push_everywhere(&item, wakes),
        }
    }
}

/// How many lines that are no messages are kept, to tell how a connection ended.
const KEPT_UNREADABLE: usize = 5;

/// A line that is no message; of one that could not even be read, how it began.
pub(crate) struct NoMessage<'a> {
    pub(crate) line: &'a str,
    pub(crate) why: String,
}

/// Scans a line for [`Core::receive`], outside of any lock.
pub(crate) fn read<'a>(line: Result<&'a str, &'a LineError>) -> Result<(&'a str, Head<'a>), NoMessage<'a>> {
    let line = line.map_err(|error| match error {
        LineError::TooLong { head, .. } | LineError::NotUtf8 { head, .. } => {
            NoMessage { line: head, why: error.to_string() }
        }
        _ => NoMessage { line: "", why: error.to_string() },
    })?;
    match head::scan(line) {
        Ok(head) if head.is_message() => Ok((line, head)),
        Ok(_) => {
            let why = "neither a request nor a notification nor an answer".to_owned();
            Err(NoMessage { line, why })
        }
        Err(error) => Err(NoMessage { line, why: error.to_string() }),
    }
}
