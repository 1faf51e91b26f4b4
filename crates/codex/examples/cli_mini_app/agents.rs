//! The sub-agents: who there are, what they do, and what the turns cost with them.
//!
//! A sub-agent may outlive its turn, so turns are kept until all that work for them are done.

use codex_appserver::client::notification_method::TurnCompleted;
use codex_appserver::client::wire::Notification;
use codex_appserver::client::{EventSettings, Events};
use codex_appserver::{Agent, AgentState, Filter, Thread, Turn};

use crate::items::brief;

pub struct Agents {
    /// Their threads, in the order in which they were heard of: the first one is called agent 1.
    threads: Vec<String>,
    /// The turns for which something goes on.
    turns: Vec<Family>,
    /// Tokens of all other turns, their sub-agents included.
    spent: u64,
    /// The ends of turns, those of sub-agents included.
    ends: Events,
}

/// A turn, and its sub-agents as they were shown last.
struct Family {
    turn: Turn,
    shown: Vec<Agent>,
}

impl Agents {
    /// Those that work for turns of this thread.
    pub fn of(thread: &Thread) -> Self {
        Self { threads: Vec::new(), turns: Vec::new(), spent: 0, ends: ends(thread) }
    }

    /// Looks after the turns of another thread from now on. Those that go on are not forgotten.
    pub fn turn_to(&mut self, thread: &Thread) {
        self.ends = ends(thread);
    }

    /// Looks after a turn.
    pub fn add(&mut self, turn: &Turn) {
        // While a turn runs, what is said to the thread joins it.
        if self.turns.iter().all(|family| family.turn.id() != turn.id()) {
            self.turns.push(Family { turn: turn.clone(), shown: Vec::new() });
        }
    }

    /// The name of the sub-agent that has this thread.
    pub fn name(&self, thread_id: &str) -> Option<String> {
        let number = self.threads.iter().position(|known| known == thread_id)?;
        Some(format!("agent {}", number + 1))
    }

    /// What has changed since the last call; none if nothing has.
    pub fn changes(&mut self) -> Option<String> {
        let mut lines = Vec::new();
        for family in &mut self.turns {
            let agents = family.turn.agents();
            for agent in &agents {
                if !self.threads.contains(&agent.thread_id) {
                    self.threads.push(agent.thread_id.clone());
                }
                let before = family.shown.iter().find(|shown| shown.thread_id == agent.thread_id);
                let text = summary(agent);
                if before.is_none_or(|before| summary(before) != text) {
                    lines.push((agent.thread_id.clone(), text));
                }
            }
            family.shown = agents;
        }
        self.settle();
        let named = |(id, text): (String, String)| format!("[{}] {text}", self.name(&id).unwrap_or(id));
        let lines: Vec<_> = lines.into_iter().map(named).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Waits for a change after the end of a turn. While a turn runs, its stream tells.
    pub async fn news(&mut self) -> String {
        loop {
            if self.ends.next().await.is_none() {
                // The connection has ended, which the next call tells.
                std::future::pending::<()>().await;
            }
            if let Some(news) = self.changes() {
                return news;
            }
        }
    }

    /// Takes the turns away for which nothing goes on any more, and counts their tokens.
    fn settle(&mut self) {
        let is_done = |family: &mut Family| {
            family.turn.result().is_some() && family.shown.iter().all(|agent| !agent.state.is_active())
        };
        self.spent += self.turns.extract_if(.., is_done).map(|family| family.cost()).sum::<u64>();
    }

    /// Tokens of all turns so far. Those of sub-agents that work on are counted up to now.
    pub fn cost(&self) -> u64 {
        self.spent + self.turns.iter().map(Family::cost).sum::<u64>()
    }

    /// The sub-agents of a turn as a tree, each with what it was told and what it answered.
    pub fn tree(&self, turn: &Turn) -> String {
        let agents = turn.agents();
        let is_root = |agent: &&Agent| {
            let parent = agent.parent_thread_id.as_deref();
            agents.iter().all(|other| parent != Some(&*other.thread_id))
        };
        agents.iter().filter(is_root).map(|agent| self.branch(agent, &agents, 1)).collect()
    }

    fn branch(&self, agent: &Agent, agents: &[Agent], depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let name = self.name(&agent.thread_id).unwrap_or_default();
        let cost = agent.usage.map(|usage| format!(", {} tokens", usage.total)).unwrap_or_default();
        let mut text = format!("{indent}{name}: {}{cost}\n", word(agent.state));
        for (what, words) in [("asked", &agent.prompt), ("answered", &agent.result), ("failed", &agent.error)]
        {
            if let Some(words) = words {
                text += &format!("{indent}  {what}: {}\n", brief(words));
            }
        }
        for file in &agent.files_changed {
            text += &format!("{indent}  changed: {}\n", file.path);
        }
        let is_child = |other: &&Agent| other.parent_thread_id.as_deref() == Some(&*agent.thread_id);
        let children = agents.iter().filter(is_child);
        text + &children.map(|child| self.branch(child, agents, depth + 1)).collect::<String>()
    }

    /// The trees of the turns for which something goes on.
    pub fn at_work(&self) -> String {
        let trees: String = self.turns.iter().map(|family| self.tree(&family.turn)).collect();
        if trees.is_empty() { "No sub-agent is at work.".to_owned() } else { trees }
    }
}

impl Family {
    fn cost(&self) -> u64 {
        let usage = self.turn.result().and_then(|result| result.turn_usage);
        usage.map_or(0, |usage| usage.sum().total)
    }
}

fn ends(thread: &Thread) -> Events {
    const METHODS: &[&str] = &[TurnCompleted::METHOD];
    let settings = EventSettings::default().methods(METHODS);
    thread.codex().client().events_with(Filter::thread_tree(thread.id()), settings)
}

/// How far a sub-agent is, and what that is about.
fn summary(agent: &Agent) -> String {
    let about = match agent.state {
        AgentState::Starting | AgentState::Running => &agent.prompt,
        AgentState::Failed => &agent.error,
        _ => &agent.result,
    };
    match about {
        Some(about) => format!("{}: {}", word(agent.state), brief(about)),
        None => word(agent.state).to_owned(),
    }
}

fn word(state: AgentState) -> &'static str {
    match state {
        AgentState::Starting => "starting",
        AgentState::Running => "running",
        AgentState::Completed => "completed",
        AgentState::Interrupted => "interrupted",
        AgentState::Failed => "failed",
        _ => "in an unknown state",
    }
}
