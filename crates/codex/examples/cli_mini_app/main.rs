//! A small chat in the terminal: streams the answers, puts every question of the agent and of MCP servers to the user,
//! and tells what each turn has cost. Ctrl-C interrupts the turn; twice within two seconds, or while no turn runs, it quits, as does
//! the end of the input.
//!
//! `cargo run --example cli_mini_app`; with `--offline` nobody has to be logged in, and a mock answers: try
//! `make a file`, `write a note`, `erase it`, `allow more`, `ask me`, `sign up`, `open a page` and `wait`. It takes its input from a pipe as well:
//! `printf 'make a file\ny\n' | cargo run --example cli_mini_app -- --offline`.

mod console;
mod decide;
mod offline;
mod questions;
#[path = "../stage/mod.rs"]
mod stage;

use anyhow::Context;
use codex_appserver::protocol::{AskForApproval, SandboxMode, ThreadItem};
use codex_appserver::{
    ClientError, Codex, Error, Event, ServerNotification as Said, Thread, Turn, TurnResult,
};
use tokio::select;

use console::{Console, Heard};
use decide::{Outcome, decide};
use questions::Questions;
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == offline::MCP_SERVER) {
        offline::mcp_server().serve(std::io::stdin().lock(), std::io::stdout())?;
        return Ok(());
    }
    let stage = Stage::with_home(offline::model, offline::home)?;
    let (front_end, questions) = questions::front_end();
    let codex = Codex::builder()
        .process(|process| stage.process(process))
        .own_group() // Ctrl-C is for us alone
        .front_end(front_end)
        .start()
        .await?;
    // The agent may look at everything by itself, and asks for all else.
    let thread = codex
        .thread_start()
        .sandbox(SandboxMode::ReadOnly)
        .approval_policy(AskForApproval::OnRequest)
        .await?;
    let mut app = App { thread, questions, console: Console::open()?, spent: 0 };
    let outcome = app.run().await;
    // Turns that are running end here. Who has no time even for that presses Ctrl-C once more.
    select! {
        _ = codex.close() => {}
        _ = app.console.pressed() => {}
    }
    outcome
}

struct App {
    thread: Thread,
    questions: Questions,
    console: Console,
    /// Tokens that the turns so far have cost.
    spent: u64,
}

/// What is next after a turn.
#[derive(PartialEq)]
enum Next {
    Prompt,
    Quit,
}

impl App {
    /// One line after the other. All waiting for the user happens here and below, in one task: so prompts and
    /// questions take turns, though they share the input.
    async fn run(&mut self) -> anyhow::Result<()> {
        self.console.hint("Ctrl-C interrupts, Ctrl-D quits.");
        loop {
            let line = select! {
                heard = self.console.prompt() => match heard {
                    Heard::Line(line) => line,
                    Heard::End | Heard::CtrlC { .. } => return Ok(()),
                },
                // Something that runs on in the background asks.
                Some(question) = self.questions.recv() => {
                    decide(&mut self.console, question).await;
                    continue;
                }
            };
            if line.trim().is_empty() {
                continue;
            }
            let turn = self.thread.turn(line).await?;
            if self.follow(&turn).await? == Next::Quit {
                return Ok(());
            }
        }
    }

    /// Shows what a turn does, to its end.
    async fn follow(&mut self, turn: &Turn) -> anyhow::Result<Next> {
        let mut stream = turn.stream();
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
                    interrupt(turn);
                }
                event = stream.next() => match event {
                    Some(event) => self.show(&event?),
                    None => break,
                },
                Some(question) = self.questions.recv() => match decide(&mut self.console, question).await {
                    Outcome::Answered => self.console.wait("working"),
                    Outcome::Stop => interrupt(turn),
                    Outcome::Quit => return Ok(Next::Quit),
                },
            }
        }
        if self.console.was_pressed_twice() {
            return Ok(Next::Quit);
        }
        self.sum_up(&stream.result().context("the turn has no result")?);
        Ok(Next::Prompt)
    }

    fn show(&mut self, event: &Event) {
        match event.notification() {
            Some(Said::ItemAgentMessageDelta(said)) => self.console.text(&said.delta),
            Some(Said::ItemStarted(said)) => match &said.item {
                ThreadItem::CommandExecution(item) => self.console.wait(&item.command),
                ThreadItem::FileChange(_) => self.console.wait("changing files"),
                ThreadItem::McpToolCall(item) => self.console.wait(&format!("{}.{}", item.server, item.tool)),
                _ => {}
            },
            Some(Said::ItemCompleted(said)) => {
                match &said.item {
                    ThreadItem::CommandExecution(item) => {
                        self.console.line(&format!("$ {}: {}", item.command, item.status));
                    }
                    ThreadItem::FileChange(item) => {
                        for change in &item.changes {
                            self.console.line(&format!("{}: {}", change.path, item.status));
                        }
                    }
                    ThreadItem::McpToolCall(item) => {
                        self.console.line(&format!("{}.{}: {}", item.server, item.tool, item.status));
                    }
                    _ => self.console.end_line(),
                }
                self.console.wait("thinking");
            }
            Some(Said::Error(said)) if said.will_retry => {
                self.console.line(&format!("{}; trying again", said.error.message));
            }
            _ => {}
        }
    }

    /// How a turn ended, what it has cost with its sub-agents, and all turns so far.
    fn sum_up(&mut self, result: &TurnResult) {
        let mut text = format!("[{}", result.status);
        if let Some(error) = &result.error {
            text += &format!(": {}", error.message);
        }
        if let Some(usage) = result.turn_usage {
            let tokens = usage.sum().total;
            self.spent += tokens;
            text += &format!("; {tokens} tokens, {} in all", self.spent);
        }
        self.console.line(&(text + "]"));
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
