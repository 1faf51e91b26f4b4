//! Items of a thread as lines of text.

use codex_appserver::protocol::{ThreadItem, UserInput};

/// What the agent did, once it is done; none of what has no line of its own, and of messages.
pub fn done(item: &ThreadItem) -> Option<String> {
    match item {
        ThreadItem::CommandExecution(item) => Some(format!("$ {}: {}", item.command, item.status)),
        ThreadItem::FileChange(item) => {
            let line = |path: &str| format!("{path}: {}", item.status);
            let lines: Vec<_> = item.changes.iter().map(|change| line(&change.path)).collect();
            Some(lines.join("\n"))
        }
        ThreadItem::McpToolCall(item) => Some(format!("{}.{}: {}", item.server, item.tool, item.status)),
        _ => None,
    }
}

/// What the agent does, while it does it.
pub fn begun(item: &ThreadItem) -> Option<String> {
    match item {
        ThreadItem::CommandExecution(item) => Some(item.command.clone()),
        ThreadItem::FileChange(_) => Some("changing files".to_owned()),
        ThreadItem::McpToolCall(item) => Some(format!("{}.{}", item.server, item.tool)),
        _ => None,
    }
}

/// An item of a thread that was resumed: messages of both sides, and what the agent did.
pub fn kept(item: &ThreadItem) -> Option<String> {
    match item {
        ThreadItem::UserMessage(item) => {
            let texts = item.content.iter().filter_map(|input| match input {
                UserInput::Text(text) => Some(text.text.as_str()),
                _ => None,
            });
            let text = texts.collect::<Vec<_>>().join("\n");
            Some(format!("> {}", text.trim_end().replace('\n', "\n> ")))
        }
        ThreadItem::AgentMessage(item) => Some(item.text.clone()),
        item => done(item),
    }
}

/// The beginning of a text, on one line.
pub fn brief(text: &str) -> String {
    const LENGTH: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
