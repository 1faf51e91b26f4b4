//! What the server announced on a connection before it asks for an approval: what a file change is about, which tool is
//! called, and on whose behalf a turn runs. The request itself only names an item and a turn.

use std::collections::VecDeque;

use codex_appserver_client::method::McpServerElicitationRequest;
use codex_appserver_client::{
    Event, Missed as MissedEvents, ServerNotification, notification_method as method,
};
use codex_appserver_methods::protocol::wire::{Notification, Request};
use codex_appserver_methods::protocol::{FileUpdateChange, ThreadItem};
use serde_json::Value;

/// The notifications that announce it.
pub(crate) const METHODS: &[&str] = &[
    method::ItemStarted::METHOD,
    method::ItemFileChangePatchUpdated::METHOD,
    method::TurnStarted::METHOD,
    method::TurnCompleted::METHOD,
];

/// How many items and turns are remembered; far more than run at a time.
const KEPT: usize = 1024;

/// The announcements of a connection.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    files: VecDeque<File>,
    calls: VecDeque<ToolCall>,
    turns: VecDeque<Started>,
    /// The start of a turn may have been missed.
    missed_turns: bool,
    /// Turns that have ended since [`take_ended`](Self::take_ended) was called.
    ended: Vec<String>,
}

/// A file change.
#[derive(Debug)]
struct File {
    thread_id: String,
    item_id: String,
    changes: Vec<FileUpdateChange>,
}

/// A tool call of an MCP server.
#[derive(Debug)]
struct ToolCall {
    thread_id: String,
    turn_id: String,
    item_id: String,
    server: String,
    tool: String,
    arguments: Value,
    /// An approval was asked for it.
    is_taken: bool,
}

/// A turn that has started.
#[derive(Debug)]
struct Started {
    thread_id: String,
    turn_id: String,
    root: Option<Root>,
    ended: bool,
}

/// The start of a turn may have been missed, so the turn on whose behalf it runs is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missed;

/// The turn on whose behalf another one runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// Its thread, if its own start was announced.
    pub(crate) thread_id: Option<String>,
    pub(crate) turn_id: String,
}

impl Announcements {
    /// What an item wants to change, if that was announced.
    pub(crate) fn changes(&self, thread_id: &str, item_id: &str) -> Option<&[FileUpdateChange]> {
        let is_it = |file: &&File| file.thread_id == thread_id && file.item_id == item_id;
        self.files.iter().rev().find(is_it).map(|file| &*file.changes)
    }

    /// The item of the first such call that was announced and not taken yet.
    pub(crate) fn take_call(
        &mut self,
        thread_id: &str,
        server: &str,
        tool: &str,
        arguments: Option<&Value>,
    ) -> Option<String> {
        let arguments = arguments.unwrap_or(&Value::Null);
        let is_it = |call: &ToolCall| {
            !call.is_taken
                && (&*call.thread_id, &*call.server, &*call.tool, &call.arguments)
                    == (thread_id, server, tool, arguments)
        };
        let call = self.calls.iter_mut().find(|call| is_it(call))?;
        call.is_taken = true;
        Some(call.item_id.clone())
    }

    /// The turn that runs on a thread, if its start was announced and its end was not.
    pub(crate) fn running_turn(&self, thread_id: &str) -> Option<&str> {
        let is_it = |turn: &&Started| turn.thread_id == thread_id && !turn.ended;
        if self.missed_turns {
            return None;
        }
        self.turns.iter().rev().find(is_it).map(|turn| &*turn.turn_id)
    }

    /// The turn on whose behalf this one runs, if that is another one.
    ///
    /// # Errors
    ///
    /// The start of the turn may have been missed.
    pub(crate) fn root(&self, turn_id: &str) -> Result<Option<Root>, Missed> {
        if let Some(turn) = self.started(turn_id) {
            return Ok(turn.root.clone());
        }
        // A review asks by its own id, and only the turn as which it runs was announced.
        let is_root = |turn: &Started| turn.root.as_ref().is_some_and(|root| root.turn_id == turn_id);
        if self.missed_turns && !self.turns.iter().any(is_root) { Err(Missed) } else { Ok(None) }
    }

    /// The turns that have ended since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ended)
    }

    /// Adds an event of [`METHODS`], or of a gap between them.
    pub(crate) fn on_event(&mut self, event: Event) {
        use ServerNotification as Kind;
        match &event {
            Event::Lagged { .. } => self.on_gap(true, true),
            Event::Reconnected { missed, .. } => self.on_reconnected(missed),
            Event::Unreadable(unreadable) => match unreadable.method.as_deref() {
                Some(method::TurnStarted::METHOD) => self.on_gap(true, false),
                Some(method::TurnCompleted::METHOD) => {}
                Some(_) => self.on_gap(false, true),
                // A message without a method may have been any.
                None => self.on_gap(true, true),
            },
            _ => {}
        }
        match event.into_notification() {
            Some(Kind::ItemStarted(params)) => {
                let (thread_id, turn_id) = (params.thread_id, params.turn_id);
                match params.item {
                    ThreadItem::FileChange(item) => {
                        self.on_file(File { thread_id, item_id: item.id, changes: item.changes });
                    }
                    ThreadItem::McpToolCall(item) => {
                        let (item_id, server, tool) = (item.id, item.server, item.tool);
                        let arguments = item.arguments;
                        let is_taken = false;
                        self.on_call(ToolCall {
                            thread_id,
                            turn_id,
                            item_id,
                            server,
                            tool,
                            arguments,
                            is_taken,
                        });
                    }
                    _ => {}
                }
            }
            Some(Kind::ItemFileChangePatchUpdated(params)) => {
                let (thread_id, item_id) = (params.thread_id, params.item_id);
                self.on_file(File { thread_id, item_id, changes: params.changes });
            }
            Some(Kind::TurnStarted(params)) => {
                self.on_start(params.thread_id, params.turn.id, params.turn.root_turn_id);
            }
            Some(Kind::TurnCompleted(params)) => self.on_end(&params.thread_id, params.turn.id),
            _ => {}
        }
    }

    /// There is another connection. A server that goes on asks again what was not answered, so the calls that these
    /// questions are about may be taken once more: the last ones that were.
    fn on_reconnected(&mut self, missed: &MissedEvents) {
        self.on_gap(true, true);
        if missed.restarted == Some(true) {
            self.calls.clear();
        }
        let asked =
            missed.requests.iter().filter(|asked| asked.method == McpServerElicitationRequest::METHOD);
        for thread_id in asked.filter_map(|asked| asked.thread_id.as_deref()) {
            let taken = |call: &&mut ToolCall| call.is_taken && call.thread_id == thread_id;
            if let Some(call) = self.calls.iter_mut().rev().find(taken) {
                call.is_taken = false;
            }
        }
    }

    /// Announcements were missed. The changes that are known may have been replaced by a missed one.
    fn on_gap(&mut self, turns: bool, files: bool) {
        self.missed_turns |= turns;
        if files {
            self.files.clear();
        }
    }

    fn started(&self, turn_id: &str) -> Option<&Started> {
        self.turns.iter().rev().find(|turn| turn.turn_id == turn_id)
    }

    fn on_start(&mut self, thread_id: String, turn_id: String, root: Option<String>) {
        let root = root.filter(|root| *root != turn_id).map(|root| Root {
            thread_id: self.started(&root).map(|turn| turn.thread_id.clone()),
            turn_id: root,
        });
        if self.turns.len() == KEPT {
            // A turn that has ended asks for nothing.
            let ended = self.turns.iter().position(|turn| turn.ended);
            self.missed_turns |= ended.is_none();
            self.turns.remove(ended.unwrap_or(0));
        }
        self.turns.push_back(Started { thread_id, turn_id, root, ended: false });
    }

    /// A turn has ended; if it is a review, the turn as which it ran has ended too.
    fn on_end(&mut self, thread_id: &str, turn_id: String) {
        let works_for = |turn: &Started| turn.root.as_ref().is_some_and(|root| root.turn_id == turn_id);
        for turn in &mut self.turns {
            turn.ended |= turn.turn_id == turn_id || (turn.thread_id == thread_id && works_for(turn));
        }
        self.calls.retain(|call| call.turn_id != turn_id);
        self.ended.push(turn_id);
    }

    fn on_call(&mut self, call: ToolCall) {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    fn on_file(&mut self, file: File) {
        self.files.retain(|known| known.thread_id != file.thread_id || known.item_id != file.item_id);
        if self.files.len() == KEPT {
            self.files.pop_front();
        }
        self.files.push_back(file);
    }
}

#[cfg(test)]
mod tests {
    use codex_appserver_client::MissedRequest;
    use serde_json::json;

    use super::*;
    use crate::core::fixtures;

    #[test]
    fn changes_from_before_a_gap_are_forgotten() {
        let change = json!([{"path": "a", "kind": {"type": "update"}, "diff": ""}]);
        let params = json!({"threadId": "T", "turnId": "U", "itemId": "I", "changes": change});
        let patch = fixtures::event("item/fileChange/patchUpdated", params);
        let gap = Event::Lagged { skipped: 1 };
        for (events, known) in
            [(vec![patch.clone()], true), (vec![patch.clone(), gap.clone()], false), (vec![gap, patch], true)]
        {
            assert_eq!(announced(events).changes("T", "I").is_some(), known);
        }
    }

    #[test]
    fn what_is_asked_again_takes_its_call_again() {
        let call = |item: &str| {
            let item = json!({
                "type": "mcpToolCall", "id": item, "server": "s", "tool": "t", "status": "inProgress", "arguments": {},
            });
            let params = json!({"threadId": "T", "turnId": "U", "item": item, "startedAtMs": 1});
            fixtures::event("item/started", params)
        };
        let reconnected = |restarted: bool, asked: &[&str]| {
            let mut missed = MissedEvents::default();
            missed.restarted = Some(restarted);
            let request = |method: &&str| MissedRequest::new(0, *method, Some("T".into()));
            missed.requests = asked.iter().map(request).collect();
            Event::Reconnected { generation: 2, missed: std::sync::Arc::new(missed) }
        };
        let elicitation = McpServerElicitationRequest::METHOD;
        for (restarted, asked, again) in [
            (false, &[elicitation][..], vec!["2"]),
            (false, &[elicitation, elicitation], vec!["1", "2"]),
            (false, &["another"], vec![]),
            (true, &[elicitation], vec![]),
        ] {
            let mut known = announced(vec![call("1"), call("2")]);
            let arguments = json!({});
            let take = |known: &mut Announcements| known.take_call("T", "s", "t", Some(&arguments));
            assert_eq!(
                [take(&mut known), take(&mut known), take(&mut known)],
                [Some("1".into()), Some("2".into()), None]
            );
            known.on_event(reconnected(restarted, asked));
            let taken: Vec<_> = std::iter::from_fn(|| take(&mut known)).collect();
            assert_eq!(taken, again, "{restarted} {asked:?}");
        }
    }

    fn event(method: &str, thread: &str, turn: &str, root: &str) -> Event {
        let turn = fixtures::turn(turn, "inProgress", root);
        fixtures::event(method, json!({"threadId": thread, "turn": turn}))
    }

    fn announced(events: Vec<Event>) -> Announcements {
        let mut announcements = Announcements::default();
        events.into_iter().for_each(|event| announcements.on_event(event));
        announcements
    }

    #[test]
    fn a_call_is_taken_once() {
        let call = |item: &str, turn: &str, what: &str| {
            let item = json!({
                "type": "mcpToolCall", "id": item, "server": "files", "tool": "erase", "status": "inProgress",
                "arguments": {"what": what},
            });
            let params = json!({"threadId": "T", "turnId": turn, "item": item, "startedAtMs": 1});
            fixtures::event("item/started", params)
        };
        let calls = [call("1", "U", "a"), call("2", "U", "b"), call("3", "U", "a"), call("4", "V", "c")];
        let mut known =
            announced(calls.into_iter().chain([event("turn/completed", "T", "V", "V")]).collect());
        let mut taken = |thread: &str, server: &str, tool: &str, arguments: Value| {
            known.take_call(thread, server, tool, Some(&arguments))
        };
        assert_eq!(taken("other", "files", "erase", json!({"what": "a"})), None);
        assert_eq!(taken("T", "other", "erase", json!({"what": "a"})), None);
        assert_eq!(taken("T", "files", "other", json!({"what": "a"})), None);
        assert_eq!(taken("T", "files", "erase", json!({"what": "c"})), None, "its turn has ended");
        assert_eq!(taken("T", "files", "erase", json!({"what": "a"})).as_deref(), Some("1"));
        assert_eq!(taken("T", "files", "erase", json!({"what": "a"})).as_deref(), Some("3"));
        assert_eq!(taken("T", "files", "erase", json!({"what": "a"})), None);
        assert_eq!(known.take_call("T", "files", "erase", None), None);
    }

    #[test]
    fn a_running_turn_is_known_unless_starts_were_missed() {
        let start = event("turn/started", "T", "U", "U");
        let end = event("turn/completed", "T", "U", "U");
        let gap = Event::Lagged { skipped: 1 };
        assert_eq!(announced(vec![start.clone()]).running_turn("T"), Some("U"));
        assert_eq!(announced(vec![start.clone()]).running_turn("other"), None);
        assert_eq!(announced(vec![start.clone(), end]).running_turn("T"), None);
        assert_eq!(announced(vec![start, gap]).running_turn("T"), None);
    }

    /// A review asks by an id that was never announced as a turn of its own.
    #[test]
    fn a_turn_announced_as_root_is_known() {
        let known =
            announced(vec![Event::Lagged { skipped: 1 }, event("turn/started", "T", "inner", "review")]);
        assert_eq!(known.root("review"), Ok(None));
        assert_eq!(known.root("another"), Err(Missed));
        let root = Root { thread_id: None, turn_id: "review".into() };
        assert_eq!(known.root("inner"), Ok(Some(root)));
    }

    #[test]
    fn ended_turns_make_room_for_new_ones() {
        let crowd =
            || (0..KEPT - 1).map(|n| event("turn/started", "other", &format!("{n}"), &format!("{n}")));
        let first = event("turn/started", "T", "first", "review");
        for (ended, known) in [("first", Ok(None)), ("review", Ok(None)), ("elsewhere", Err(Missed))] {
            let end = event("turn/completed", "T", ended, ended);
            let last = event("turn/started", "T", "last", "last");
            let all = announced([first.clone()].into_iter().chain(crowd()).chain([end, last]).collect());
            assert_eq!(all.root("unheard of"), known, "{ended}");
        }
    }
}
