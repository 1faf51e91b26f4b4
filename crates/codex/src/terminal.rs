//! The terminal, in which several tasks or threads may ask at once.

use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal, Write};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::approvals::harmless;
use crate::approvals::{ApprovalRequest, Decision};
use crate::hidden_input::HiddenInput;
use crate::runtime::Runtime;

/// The terminal, or what stands in for it, for one question at a time.
///
/// Any number of tasks or threads may [`ask`](Self::ask) at once. Their questions are shown in the order in which they
/// came, each when the one before it is done, and the next line is its answer. A question that is given up, as by an
/// interrupt, makes room for the next one.
///
/// One OS thread reads all of the input from the start. So read the lines that your program wants by `ask` as well. At a
/// terminal, what was typed before a question was shown is no answer to it and is dropped; from a pipe it is kept.
///
/// The answers to [`ask_secret`](Self::ask_secret) are not shown while they are typed, if standard input is a terminal. On
/// Windows they are, and the user is told so.
pub struct Terminal<R: Runtime> {
    shared: Arc<Shared>,
    runtime: PhantomData<fn() -> R>,
}

/// What all clones share.
pub(crate) struct Shared(Mutex<State>);

struct State {
    output: Box<dyn Write + Send>,
    /// A user types, and not a program at the other end of a pipe.
    is_interactive: bool,
    /// Hides what is typed.
    hide: Hide,
    /// What is typed is hidden: the question that is shown asks for a secret.
    hidden: Option<HiddenInput>,
    lines: VecDeque<String>,
    /// There will be no more lines.
    is_over: bool,
    /// The questions; the first one is shown.
    questions: VecDeque<Question>,
    /// How many questions there were.
    count: u64,
}

type Hide = Box<dyn Fn() -> io::Result<HiddenInput> + Send>;

struct Question {
    number: u64,
    text: String,
    /// The answer is not to be seen.
    is_secret: bool,
    is_shown: bool,
    waker: Option<Waker>,
}

impl<R: Runtime> Terminal<R> {
    /// Standard input and output. All such terminals of a program are one.
    pub fn stdio() -> Self {
        static STDIO: OnceLock<Arc<Shared>> = OnceLock::new();
        let open = || {
            let (input, output) = (io::BufReader::new(io::stdin()), io::stdout());
            Shared::open(input, output, io::stdin().is_terminal(), HiddenInput::stdin)
        };
        Self { shared: STDIO.get_or_init(open).clone(), runtime: PhantomData }
    }

    /// Any other input and output. With a user, what was typed before a question is no answer to it. Secret answers are
    /// not hidden: whether they are seen is up to what the input comes from.
    pub fn new(
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
        is_interactive: bool,
    ) -> Self {
        let shared = Shared::open(input, output, is_interactive, || Ok(HiddenInput::nothing()));
        Self { shared, runtime: PhantomData }
    }

    /// A question that is to be asked when it is its turn. Control characters in it are replaced.
    pub(crate) fn question(&self, text: &str) -> Asking {
        self.shared.question(text, false)
    }

    /// The same where the answer is not to be seen.
    pub(crate) fn secret_question(&self, text: &str) -> Asking {
        self.shared.question(text, true)
    }
}

impl Shared {
    pub(crate) fn question(self: &Arc<Self>, text: &str, is_secret: bool) -> Asking {
        let mut state = self.lock();
        let number = state.count;
        state.count += 1;
        let text = harmless(text);
        state.questions.push_back(Question { number, text, is_secret, is_shown: false, waker: None });
        Asking { shared: self.clone(), number }
    }

    pub(crate) fn open(
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
        is_interactive: bool,
        hide: impl Fn() -> io::Result<HiddenInput> + Send + 'static,
    ) -> Arc<Self> {
        let state = State {
            output: Box::new(output),
            is_interactive,
            hide: Box::new(hide),
            hidden: None,
            lines: VecDeque::new(),
            is_over: false,
            questions: VecDeque::new(),
            count: 0,
        };
        let shared = Arc::new(Self(Mutex::new(state)));
        let reader = Arc::downgrade(&shared);
        // To read from a terminal blocks, and nothing can end it but the end of the program.
        let read = move || {
            for line in input.split(b'\n') {
                let Some(shared) = reader.upgrade() else { return };
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                shared.with(|state| state.lines.push_back(line));
            }
            if let Some(shared) = reader.upgrade() {
                shared.with(|state| state.is_over = true);
            }
        };
        if thread::Builder::new().name("codex terminal".into()).spawn(read).is_err() {
            shared.with(|state| state.is_over = true);
        }
        shared
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something that the first question waits for.
    fn with(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.lock();
            change(&mut state);
            state.questions.front_mut().and_then(|question| question.waker.take())
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

/// A question that waits for its turn, or for its answer. Dropping it makes room for the next one.
pub(crate) struct Asking {
    shared: Arc<Shared>,
    number: u64,
}

impl Asking {
    /// What the line that answers it means; none at the end of the input. After a line that means nothing the question is
    /// shown again.
    pub(crate) fn poll<T>(
        &self,
        context: &Context<'_>,
        meaning: impl Fn(&str) -> Option<T>,
    ) -> Poll<Option<T>> {
        let mut state = self.shared.lock();
        let State { output, is_interactive, hide, hidden, lines, is_over, questions, .. } = &mut *state;
        let Some(at) = questions.iter().position(|question| question.number == self.number) else {
            return Poll::Ready(None);
        };
        let question = &mut questions[at];
        question.waker = Some(context.waker().clone());
        if at > 0 {
            return Poll::Pending;
        }
        if *is_interactive && !question.is_shown {
            lines.clear();
        }
        if question.is_secret && !question.is_shown {
            match hide() {
                Ok(input) => *hidden = Some(input),
                Err(_) => question.text.insert_str(0, "The terminal shows what you type.\n"),
            }
        }
        let answer = loop {
            if !question.is_shown {
                question.is_shown = true;
                // What cannot be shown cannot be answered.
                *is_over |= output.write_all(question.text.as_bytes()).and_then(|()| output.flush()).is_err();
            }
            match lines.pop_front() {
                Some(line) => match meaning(&line) {
                    Some(answer) => break Some(answer),
                    None => question.is_shown = false,
                },
                None if *is_over => break None,
                None => return Poll::Pending,
            }
        };
        drop(state);
        self.leave(false);
        Poll::Ready(answer)
    }

    fn leave(&self, was_withdrawn: bool) {
        self.shared.with(|state| {
            let Some(at) = state.questions.iter().position(|question| question.number == self.number) else {
                return;
            };
            let question = state.questions.remove(at);
            if at == 0 {
                state.hidden = None;
            }
            if was_withdrawn && question.is_some_and(|question| question.is_shown) {
                let said = state.output.write_all(b"\nThe question was withdrawn.\n");
                let _ = said.and_then(|()| state.output.flush());
            }
        });
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.leave(true);
    }
}

/// The question about an approval.
pub(crate) fn question(request: &ApprovalRequest) -> String {
    format!("{request}Allow it? [y]es, [a]lways in this session, [n]o, [q] stop the turn: ")
}

/// The decision that a line means; none where it means none.
pub(crate) fn decision(line: &str) -> Option<Decision> {
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Some(Decision::Accept),
        "a" | "always" => Some(Decision::AcceptForSession),
        "n" | "no" => Some(Decision::Decline),
        "q" | "quit" => Some(Decision::Cancel),
        _ => None,
    }
}

impl<R: Runtime> Clone for Terminal<R> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), runtime: PhantomData }
    }
}

impl<R: Runtime> std::fmt::Debug for Terminal<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}
