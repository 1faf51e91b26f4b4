//! Shows what a turn does, to its end.

use std::collections::HashSet;

use anyhow::Context;
use codex_appserver::protocol::ThreadItem;
use codex_appserver::{ClientError, Error, Event, ServerNotification as Said, Turn};
use tokio::select;

use crate::commands::{App, Next};
use crate::console::Heard;
use crate::decide::{Outcome, decide};
use crate::items;

/// What of a turn was shown.
struct Shown {
    /// Messages whose text is shown as it comes.
    streamed: HashSet<String>,
    /// Items that were shown before the turn was followed.
    known: HashSet<String>,
}

impl App {
    /// Shows what a turn does, but for the items that are known already.
    pub async fn follow(&mut self, turn: Turn, known: HashSet<String>) -> anyhow::Result<Next> {
        // What sub-agents do is shown as well.
        let turn = turn.with_agent_events();
        let mut stream = turn.stream();
        let mut shown = Shown { streamed: HashSet::new(), known };
        self.agents.add(&turn);
        self.console.wait("thinking");
        loop {
            select! {
                // What was said before a question is shown before it.
                biased;
                heard = self.console.pressed() => {
                    if let Heard::CtrlC { again: true } = heard {
                        return Ok(Next::Quit);
                    }
                    self.console.line("Interrupting; Ctrl-C again quits.");
                    interrupt(&turn);
                }
                event = stream.next() => match event {
                    Some(Ok(event)) => self.show(&event, &mut shown),
                    // The turn goes on. The user decides for how long.
                    Some(Err(Error::Stalled(stalled))) => {
                        self.console.line(&format!("{}; Ctrl-C interrupts", Error::Stalled(stalled)));
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => break,
                },
                Some(question) = self.questions.recv() => {
                    self.introduce(&question);
                    match decide(&mut self.console, question).await {
                        Outcome::Answered => self.console.wait("working"),
                        Outcome::Stop => interrupt(&turn),
                        Outcome::Quit => return Ok(Next::Quit),
                    }
                }
            }
        }
        if self.console.was_pressed_twice() {
            return Ok(Next::Quit);
        }
        self.sum_up(&turn)?;
        Ok(Next::Prompt)
    }

    fn show(&mut self, event: &Event, shown: &mut Shown) {
        match event.notification() {
            Some(Said::ItemAgentMessageDelta(said)) if shown.streamed.contains(&said.item_id) => {
                self.console.text(&said.delta);
                return;
            }
            Some(Said::ItemStarted(said)) => match &said.item {
                // Messages of sub-agents come whole, else the words would be mixed up.
                ThreadItem::AgentMessage(item) if said.thread_id == self.thread.id() => {
                    shown.streamed.insert(item.id.clone());
                }
                item => {
                    if let Some(text) = items::begun(item) {
                        self.console.wait(&(self.mark(&said.thread_id) + &text));
                    }
                }
            },
            Some(Said::ItemCompleted(said)) => {
                if said.item.id().is_none_or(|id| !shown.known.contains(id)) {
                    self.show_item(&said.thread_id, &said.item, shown);
                }
                self.console.wait("thinking");
            }
            Some(Said::Error(said)) if said.will_retry => {
                let mark = self.mark(&said.thread_id);
                self.console.line(&format!("{mark}{}; trying again", said.error.message));
            }
            Some(Said::TurnStarted(_) | Said::TurnCompleted(_)) => {}
            _ => return,
        }
        if let Some(changes) = self.agents.changes() {
            self.console.line(&changes);
        }
    }

    /// Shows an item that is complete.
    fn show_item(&mut self, thread_id: &str, item: &ThreadItem, shown: &mut Shown) {
        let text = match item {
            ThreadItem::AgentMessage(item) if shown.streamed.remove(&item.id) => None,
            ThreadItem::AgentMessage(item) => Some(item.text.clone()),
            item => items::done(item),
        };
        match text {
            Some(text) => {
                let mark = self.mark(thread_id);
                let lines: Vec<_> = text.lines().map(|line| format!("{mark}{line}")).collect();
                self.console.line(&lines.join("\n"));
            }
            None => self.console.end_line(),
        }
    }

    /// What stands before a line about a sub-agent.
    fn mark(&self, thread_id: &str) -> String {
        match self.agents.name(thread_id) {
            Some(name) if thread_id != self.thread.id() => format!("[{name}] "),
            _ => String::new(),
        }
    }

    /// Who worked for a turn, how it ended, what it has cost with its sub-agents, and all turns so far.
    fn sum_up(&mut self, turn: &Turn) -> anyhow::Result<()> {
        let result = turn.result().context("the turn has no result")?;
        if let Some(changes) = self.agents.changes() {
            self.console.line(&changes);
        }
        let tree = self.agents.tree(turn);
        if !tree.is_empty() {
            self.console.line(&format!("sub-agents:\n{tree}"));
        }
        let mut text = format!("[{}", result.status);
        if let Some(error) = &result.error {
            text += &format!(": {}", error.message);
        }
        if let Some(usage) = result.turn_usage {
            text += &format!("; {} tokens", usage.own.total);
            if usage.agents.total > 0 {
                text += &format!(" and {} of sub-agents", usage.agents.total);
            }
            text += &format!(", {} in all", self.agents.cost());
        }
        self.console.line(&(text + "]"));
        Ok(())
    }
}

/// Interrupts a turn, while the console goes on: the turn's own end tells that it worked.
fn interrupt(turn: &Turn) {
    let turn = turn.clone();
    tokio::spawn(async move {
        match turn.interrupt().await {
            // That we quit, or lost the server, is told elsewhere.
            Ok(()) | Err(Error::Client(ClientError::Cancelled { .. } | ClientError::Closed(_))) => {}
            Err(error) => eprintln!("{error}"),
        }
    });
}
