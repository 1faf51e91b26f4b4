//! Questions in the terminal, which block.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use codex_appserver_client::{OsThreads, blocking};

use crate::approvals::{Approvals, Decision};
use crate::terminal::{Asking, Terminal, decision, question};

/// On threads.
impl Terminal<OsThreads> {
    /// Shows a question when it is its turn, and waits for the line that answers it; none at the end of the input.
    pub fn ask(&self, question: &str) -> Option<String> {
        let asking = self.question(question);
        block_on(|context| asking.poll(context, |line| Some(line.to_owned())))
    }

    /// The same about a request of the server; none also when the request is withdrawn.
    pub fn ask_about(&self, question: &str, request: &blocking::Context) -> Option<String> {
        answer(&self.question(question), request, |line| Some(line.to_owned()))
    }

    /// Asks as [`ask`](Self::ask) does for something that is not to be seen, such as a password: the terminal does not
    /// show what is typed.
    pub fn ask_secret(&self, question: &str) -> Option<String> {
        let asking = self.secret_question(question);
        block_on(|context| asking.poll(context, |line| Some(line.to_owned())))
    }

    /// The same about a request of the server, such as a question with `is_secret`; none also when the request is
    /// withdrawn.
    pub fn ask_secret_about(&self, question: &str, request: &blocking::Context) -> Option<String> {
        answer(&self.secret_question(question), request, |line| Some(line.to_owned()))
    }
}

/// What the user's answer means. The question is shown until it means something.
fn answer<T>(asking: &Asking, request: &blocking::Context, meaning: impl Fn(&str) -> Option<T>) -> Option<T> {
    block_on(|context| match request.poll_resolved(context) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => asking.poll(context, &meaning),
    })
}

/// On threads.
impl Approvals<OsThreads> {
    /// Asks the user in the terminal, one question at a time. The end of the input declines.
    pub fn in_terminal(terminal: Terminal<OsThreads>) -> Self {
        Self::new(move |request, context| {
            let decided = answer(&terminal.question(&question(&request)), &context, decision);
            Ok(decided.unwrap_or(Decision::Decline))
        })
    }
}

/// Polls on this thread until it is ready.
fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
