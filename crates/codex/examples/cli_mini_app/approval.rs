//! What the agent may not do by itself: questions on their way to the user, and decisions on their way back.

use codex_appserver::{ApprovalRequest, Approvals, Decision};
use tokio::sync::{mpsc, oneshot};

use crate::console::Heard;

/// Where the questions come out.
pub type Questions = mpsc::UnboundedReceiver<Question>;

/// A question of the agent. Dropping it declines.
pub struct Question {
    request: ApprovalRequest,
    decision: Option<oneshot::Sender<Decision>>,
}

/// What the user's answer means to the turn.
pub enum Answer {
    Decided,
    Stop,
    Quit,
}

/// Approvals that wait for somebody who takes the questions.
pub fn questions() -> (Approvals, Questions) {
    let (ask, questions) = mpsc::unbounded_channel();
    let approvals = Approvals::ask(move |request| {
        let (decision, decided) = oneshot::channel();
        // If nobody is there to take it, it is dropped, which declines.
        let _ = ask.send(Question { request, decision: Some(decision) });
        async move { decided.await.unwrap_or(Decision::Decline) }
    });
    (approvals, questions)
}

impl Question {
    /// All that somebody has to know who decides.
    pub fn text(&self) -> String {
        let mut text = match &self.request {
            ApprovalRequest::Command(_) => "The agent wants to run a command.\n".to_owned(),
            ApprovalRequest::FileChange(_) => "The agent wants to change files.\n".to_owned(),
            ApprovalRequest::Permissions(asked) => {
                format!("The agent wants to be allowed more: {:?}\n", asked.permissions)
            }
            _ => "The agent wants something that this program does not know.\n".to_owned(),
        };
        let diff = self.request.diff();
        let parts = [
            ("command", self.request.command()),
            ("folder", self.request.cwd()),
            ("reason", self.request.reason()),
            ("changes", diff.as_deref()),
        ];
        for (name, part) in parts {
            if let Some(part) = part {
                // All lines of a part are indented: none can pose as another part.
                text += &format!("  {name}: {}\n", part.trim_end().replace('\n', "\n    "));
            }
        }
        text
    }

    /// Ready when no answer is wanted any more.
    pub async fn withdrawn(&mut self) {
        match &mut self.decision {
            Some(decision) => decision.closed().await,
            None => std::future::pending().await,
        }
    }

    /// Passes on what the user said. None where that is no answer.
    pub fn answer(&mut self, heard: &Heard) -> Option<Answer> {
        let (decision, answer) = match heard {
            Heard::Line(line) => match line.trim().to_lowercase().as_str() {
                "y" | "yes" => (Decision::Accept, Answer::Decided),
                "a" | "always" => (Decision::AcceptForSession, Answer::Decided),
                "n" | "no" => (Decision::Decline, Answer::Decided),
                "q" | "quit" => (Decision::Cancel, Answer::Stop),
                _ => return None,
            },
            // Nobody is there to ask: the agent has to do without.
            Heard::End => (Decision::Decline, Answer::Decided),
            Heard::CtrlC { again: false } => (Decision::Cancel, Answer::Stop),
            Heard::CtrlC { again: true } => (Decision::Cancel, Answer::Quit),
        };
        if let Some(sender) = self.decision.take() {
            let _ = sender.send(decision);
        }
        Some(answer)
    }
}
