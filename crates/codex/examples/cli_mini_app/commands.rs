//! What the user says: a command that begins with a slash, or words for the agent.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use codex_appserver::protocol::{
    AskForApproval, SandboxMode, SortDirection, ThreadStatus, TurnItemsView, TurnStatus,
};
use codex_appserver::{Codex, Error, Thread, Turn};
use tokio::select;

use crate::agents::Agents;
use crate::console::{Console, Heard};
use crate::decide::decide;
use crate::items;
use crate::questions::{Question, Questions};

const HELP: &str = "\
/threads: earlier threads of this folder, /more: the next page of them
/resume NUMBER or THREAD: go on with one, /new: begin another one
/agents: the sub-agents that are still at work
Ctrl-C interrupts, Ctrl-D quits.";

/// How many threads `/threads` shows at once.
const THREADS: u32 = 10;

/// How many items of a thread are shown when it is resumed. Its history may have thousands.
const ITEMS: u32 = 10;

pub struct App {
    codex: Codex,
    pub thread: Thread,
    pub questions: Questions,
    pub console: Console,
    pub agents: Agents,
    listed: Listed,
}

/// The threads that were listed last.
#[derive(Default)]
struct Listed {
    ids: Vec<String>,
    /// Where the next page begins.
    next: Option<String>,
}

/// What is next after a line of the user.
#[derive(PartialEq)]
pub enum Next {
    Prompt,
    Quit,
}

/// A new thread. The agent may look at everything by itself, and asks for all else.
pub async fn open(codex: &Codex) -> Result<Thread, Error> {
    let thread = codex.thread_start().sandbox(SandboxMode::ReadOnly);
    Ok(thread.approval_policy(AskForApproval::OnRequest).await?)
}

impl App {
    pub fn new(codex: Codex, thread: Thread, questions: Questions, console: Console) -> Self {
        Self { agents: Agents::of(&thread), codex, thread, questions, console, listed: Listed::default() }
    }

    /// One line after the other. All waiting for the user happens here and in `follow`, in one task: so prompts and
    /// questions take turns, though they share the input.
    pub async fn run(&mut self, resumed: Option<String>) -> anyhow::Result<()> {
        self.console.hint("/help lists the commands. Ctrl-C interrupts, Ctrl-D quits.");
        if let Some(id) = resumed
            && self.resume(&id).await? == Next::Quit
        {
            return Ok(());
        }
        loop {
            let line = select! {
                heard = self.console.prompt() => match heard {
                    Heard::Line(line) => line,
                    Heard::End | Heard::CtrlC { .. } => return Ok(()),
                },
                // A sub-agent that works on in the background asks, or does something.
                Some(question) = self.questions.recv() => {
                    self.introduce(&question);
                    decide(&mut self.console, question).await;
                    continue;
                }
                news = self.agents.news() => {
                    self.console.line(&news);
                    continue;
                }
            };
            match self.obey(line.trim()).await {
                Ok(Next::Prompt) => {}
                Ok(Next::Quit) => return Ok(()),
                // What the server refuses is told, and the chat goes on.
                Err(error) if self.codex.client().closed().is_none() => {
                    self.console.line(&format!("{error:#}"))
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn obey(&mut self, line: &str) -> anyhow::Result<Next> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, rest.trim()) {
            ("", _) => {}
            ("/threads", "") => {
                self.listed = Listed::default();
                self.list().await?;
            }
            ("/more", "") if self.listed.next.is_some() => self.list().await?,
            ("/more", "") => self.console.line("There are no more threads."),
            ("/resume", id) if !id.is_empty() => return self.resume(id).await,
            ("/new", "") => {
                let thread = open(&self.codex).await?;
                self.go_on_with(thread);
            }
            ("/agents", "") => self.console.line(&self.agents.at_work()),
            (word, _) if word.starts_with('/') => self.console.line(HELP),
            _ => {
                let turn = self.thread.turn(line).await?;
                return self.follow(turn, HashSet::new()).await;
            }
        }
        Ok(Next::Prompt)
    }

    /// Says which sub-agent asks, if it is one.
    pub fn introduce(&mut self, question: &Question) {
        let Some(id) = question.thread_id().filter(|id| *id != self.thread.id()) else { return };
        if let Some(news) = self.agents.changes() {
            self.console.line(&news);
        }
        let name = self.agents.name(id).unwrap_or_else(|| format!("thread {id}"));
        self.console.line(&format!("[{name}] asks:"));
    }

    /// Shows one page of the threads of this folder, the last one that was used first.
    async fn list(&mut self) -> anyhow::Result<()> {
        let mut call = self.codex.thread_list().limit(THREADS);
        if let Some(folder) = self.thread.cwd() {
            call = call.cwd(folder.to_owned());
        }
        if let Some(cursor) = self.listed.next.take() {
            call = call.cursor(cursor);
        }
        let page = call.await?;
        for thread in page.data {
            let name = thread.name.as_ref().unwrap_or(&thread.preview);
            let (number, ago) = (self.listed.ids.len() + 1, ago(thread.updated_at));
            self.console.line(&format!("{number}: {} ({ago}, {})", items::brief(name), thread.id));
            self.listed.ids.push(thread.id);
        }
        self.listed.next = page.next_cursor;
        match (self.listed.next.is_some(), self.listed.ids.is_empty()) {
            (true, _) => self.console.line("/more shows more."),
            (_, true) => self.console.line("There are no threads in this folder."),
            _ => {}
        }
        Ok(())
    }

    /// Goes on with an earlier thread, by its id or its number in the list. Of its history only the end is read.
    ///
    /// On an app-server that is shared, the thread may be at work: then its turn is followed. The server repeats the
    /// questions that are open, and their answers count. On one of our own there are none: a turn, with its questions,
    /// ended as interrupted with the app-server that it ran on.
    async fn resume(&mut self, which: &str) -> anyhow::Result<Next> {
        let number = which.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let id = number.and_then(|number| self.listed.ids.get(number)).map_or(which, String::as_str);
        let call = self.codex.thread_resume(id).sandbox(SandboxMode::ReadOnly);
        let thread = call.approval_policy(AskForApproval::OnRequest).await?;
        self.go_on_with(thread);
        // The turn is followed before the items are read, so that none is missed; those that come twice are known.
        let turn = at_work(&self.thread).await?;
        let page = self.thread.items().limit(ITEMS).sort_direction(SortDirection::Desc).await?;
        if page.next_cursor.is_some() {
            self.console.line("(what was before is not shown)");
        }
        let mut known = HashSet::new();
        for entry in page.data.into_iter().rev() {
            known.extend(entry.item.id().map(str::to_owned));
            if let Some(text) = items::kept(&entry.item) {
                self.console.line(&text);
            }
        }
        match turn {
            Some(turn) => self.follow(turn, known).await,
            None => Ok(Next::Prompt),
        }
    }

    fn go_on_with(&mut self, thread: Thread) {
        self.console.line(&format!("This is thread {}.", thread.id()));
        self.agents.turn_to(&thread);
        self.thread = thread;
    }
}

/// The turn that runs on a thread, such as one that another client has started.
async fn at_work(thread: &Thread) -> anyhow::Result<Option<Turn>> {
    if !matches!(thread.read().await?.thread.status, ThreadStatus::Active(_)) {
        return Ok(None);
    }
    let newest = thread.turns().limit(1_u32).items_view(TurnItemsView::NotLoaded).await?.data;
    let turn = newest.into_iter().find(|turn| turn.status == TurnStatus::InProgress);
    Ok(turn.map(|turn| thread.follow(turn.id)))
}

/// How long ago this was, in seconds since 1970.
fn ago(seconds: i64) -> String {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    match SystemTime::now().duration_since(then).unwrap_or_default().as_secs() / 60 {
        0 => "just now".to_owned(),
        minutes @ 1..120 => format!("{minutes} min ago"),
        minutes @ 120..2880 => format!("{} h ago", minutes / 60),
        minutes => format!("{} days ago", minutes / 1440),
    }
}
