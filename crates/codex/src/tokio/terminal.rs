//! Questions in the terminal, awaited.

use std::future::poll_fn;
use std::task::Poll;

use codex_appserver_client::{Context, Tokio};

use crate::approvals::{Approvals, Decision};
use crate::terminal::{Asking, Terminal, decision, question};

/// On tokio.
impl Terminal<Tokio> {
    /// Shows a question when it is its turn, and waits for the line that answers it; none at the end of the input. Dropping
    /// the future gives the question up.
    pub async fn ask(&self, question: &str) -> Option<String> {
        let asking = self.question(question);
        poll_fn(|context| asking.poll(context, |line| Some(line.to_owned()))).await
    }

    /// The same about a request of the server; none also when the request is withdrawn.
    pub async fn ask_about(&self, question: &str, request: &Context) -> Option<String> {
        answer(self.question(question), request, |line| Some(line.to_owned())).await
    }

    /// Asks as [`ask`](Self::ask) does for something that is not to be seen, such as a password: the terminal does not
    /// show what is typed.
    pub async fn ask_secret(&self, question: &str) -> Option<String> {
        let asking = self.secret_question(question);
        poll_fn(|context| asking.poll(context, |line| Some(line.to_owned()))).await
    }

    /// The same about a request of the server, such as a question with `is_secret`; none also when the request is
    /// withdrawn.
    pub async fn ask_secret_about(&self, question: &str, request: &Context) -> Option<String> {
        answer(self.secret_question(question), request, |line| Some(line.to_owned())).await
    }
}

/// What the user's answer means. The question is shown until it means something.
async fn answer<T>(asking: Asking, request: &Context, meaning: impl Fn(&str) -> Option<T>) -> Option<T> {
    poll_fn(|context| match request.poll_resolved(context) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => asking.poll(context, &meaning),
    })
    .await
}

/// On tokio.
impl Approvals<Tokio> {
    /// Asks the user in the terminal, one question at a time. The end of the input declines.
    pub fn in_terminal(terminal: Terminal<Tokio>) -> Self {
        Self::new(move |request, context| {
            let terminal = terminal.clone();
            Box::pin(async move {
                let decided = answer(terminal.question(&question(&request)), &context, decision).await;
                Ok(decided.unwrap_or(Decision::Decline))
            })
        })
    }
}
