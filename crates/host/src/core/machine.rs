//! The status of a task as a state machine without I/O: what each input makes of it.
//!
//! | input | queued | starting, working, waiting | completed, failed, cancelled |
//! |---|---|---|---|
//! | claimed | starting | starting, or waiting while a request is open | ignored |
//! | turn started | working, or waiting | working, or waiting | ignored |
//! | turn completed | ends | ends | ignored |
//! | final error, thread in `systemError` | – | as it is, and failed soon unless the turn's own end comes first | ignored |
//! | error that will be retried | – | as it is | ignored |
//! | thread status with flags | – | waiting, or back to where it was | ignored |
//! | request opened or closed | – | waiting until the last one is closed | ignored |
//! | interrupt asked for | cancelled | as it is: the server has the last word | ignored |
//! | start failed | failed | failed | ignored |
//! | turn lost | – | failed, queued again, or waiting for the user, as the task says | ignored |
//!
//! `–` is handled like the column beside it: the host may have missed that the turn started.

use super::status::{Class, IfLost, Status};

/// How a turn ended, in the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnEnd {
    /// `completed`.
    Completed,
    /// `interrupted`.
    Interrupted,
    /// `failed`, with the error if the server gave one.
    Failed(Option<String>),
    /// A status that these bindings do not know.
    Unknown(String),
}

/// Something that happened to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// The turn has started.
    TurnStarted,
    /// The turn has ended.
    TurnCompleted(TurnEnd),
    /// The turn met an error.
    Error {
        /// What the server says about it.
        message: String,
        /// Whether the server tries again on its own.
        will_retry: bool,
    },
    /// The thread is at work, and waits for an approval or for an answer as the server says.
    Active {
        /// Whether it waits for an approval.
        waits_for_approval: bool,
        /// Whether it waits for an answer to a question.
        waits_for_user_input: bool,
    },
    /// The thread is broken: `systemError`.
    SystemError,
    /// The turn could not be started.
    StartFailed {
        /// Why.
        error: String,
    },
    /// The turn is gone, with the server that ran it.
    TurnLost {
        /// How it was lost.
        reason: String,
    },
}

/// What only the store feeds in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// Something happened to the turn.
    Turn(&'a Input),
    /// A worker has taken the task.
    Claimed,
    /// A request waits for an answer.
    Opened(Class),
    /// A request does not wait any more.
    Closed(Class),
    /// A user wants the turn to end.
    InterruptAsked(&'a str),
    /// After a final error the turn's own end has not come in time.
    Settled,
    /// The user has said that a task goes on whose turn was lost, or that it does not.
    Resume { goes_on: bool, by: &'a str },
}

/// Everything that the status of a task depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub status: Status,
    /// What becomes of the task if its turn is lost.
    pub if_lost: IfLost,
    /// The flags of the thread, as the server last sent them.
    pub flags: Flags,
    /// How many requests are open, by whom they wait for.
    pub open: Open,
    /// Who asked first for an interrupt.
    pub interrupted_by: Option<String>,
    /// A final error after which the end of the turn has not come yet.
    pub failing: Option<String>,
    /// The task waits for the user without a turn, and no worker takes it.
    pub paused: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub approval: bool,
    pub input: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    pub approvals: u32,
    pub inputs: u32,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Who ended it: `server`, `host`, or the user who asked for the interrupt.
    pub by: String,
    pub error: Option<String>,
    pub note: Option<String>,
}

/// What an input has done, beyond the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The task has ended now.
    pub end: Option<End>,
    /// `Event::Settled` is due soon, unless the task ends before.
    pub settle: bool,
    /// The turn is over without an end of the task: its attempt was lost.
    pub lost: Option<String>,
}

/// Who ends a task whose turn ends by itself.
const SERVER: &str = "server";

/// Who ends a task that the server does not end.
const HOST: &str = "host";

const SYSTEM_ERROR: &str = "the thread has a system error";

impl State {
    #[cfg(test)]
    pub fn new(if_lost: IfLost) -> Self {
        Self {
            status: Status::Queued,
            if_lost,
            flags: Flags::default(),
            open: Open::default(),
            interrupted_by: None,
            failing: None,
            paused: false,
        }
    }

    /// Takes an input. A task that has ended stays as it is.
    pub fn apply(&mut self, event: &Event<'_>) -> Outcome {
        if self.status.is_terminal() {
            return Outcome::default();
        }
        match event {
            Event::Turn(input) => return self.turn(input),
            Event::Claimed => {
                // The flags are those that an earlier worker saw. The next one asks the server.
                self.flags = Flags::default();
                self.status = self.waiting().unwrap_or(Status::Starting);
            }
            Event::Opened(class) => {
                *self.count(*class) += 1;
                self.settle_status();
            }
            Event::Closed(class) => {
                let count = self.count(*class);
                *count = count.saturating_sub(1);
                self.settle_status();
            }
            Event::InterruptAsked(by) => {
                self.interrupted_by.get_or_insert_with(|| (*by).to_owned());
                if self.status == Status::Queued || self.paused {
                    return self.end(Status::Cancelled, by, None, None);
                }
            }
            Event::Settled => {
                let error = self.failing.take();
                let note = "the server sent a final error, and no end of the turn";
                return match error {
                    Some(error) => self.end(Status::Failed, SERVER, Some(error), Some(note)),
                    None => Outcome::default(),
                };
            }
            Event::Resume { goes_on, by } if self.paused => {
                self.paused = false;
                if !goes_on {
                    return self.end(Status::Failed, by, Some("the turn was lost".to_owned()), None);
                }
                self.status = Status::Queued;
            }
            Event::Resume { .. } => {}
        }
        Outcome::default()
    }

    fn turn(&mut self, input: &Input) -> Outcome {
        match input {
            Input::TurnStarted => {
                self.failing = None;
                self.status = self.waiting().unwrap_or(Status::Working);
                Outcome::default()
            }
            Input::TurnCompleted(end) => self.completed(end),
            Input::Error { will_retry: true, .. } => Outcome::default(),
            Input::Error { message, will_retry: false } => {
                self.failing = Some(message.clone());
                Outcome { settle: true, ..Outcome::default() }
            }
            Input::SystemError => {
                self.failing.get_or_insert_with(|| SYSTEM_ERROR.to_owned());
                Outcome { settle: true, ..Outcome::default() }
            }
            Input::Active { waits_for_approval, waits_for_user_input } => {
                self.flags = Flags { approval: *waits_for_approval, input: *waits_for_user_input };
                self.settle_status();
                Outcome::default()
            }
            Input::StartFailed { error } => match self.interrupted_by.clone() {
                Some(by) => self.end(Status::Cancelled, &by, Some(error.clone()), None),
                None => self.end(Status::Failed, HOST, Some(error.clone()), None),
            },
            Input::TurnLost { reason } => self.lost(reason),
        }
    }

    /// The server has the last word on how a turn ended.
    fn completed(&mut self, end: &TurnEnd) -> Outcome {
        let asked = self.interrupted_by.clone();
        match end {
            TurnEnd::Completed => {
                let note = asked.map(|by| format!("{by} asked for an interrupt, and the turn had completed"));
                self.end(Status::Completed, SERVER, None, note.as_deref())
            }
            TurnEnd::Interrupted => {
                let by = asked.as_deref().unwrap_or(SERVER);
                self.end(Status::Cancelled, by, self.failing.clone(), None)
            }
            TurnEnd::Failed(error) => {
                let error = error.clone().or_else(|| self.failing.clone());
                let error = error.unwrap_or_else(|| "the server gave no reason".to_owned());
                self.end(Status::Failed, SERVER, Some(error), None)
            }
            TurnEnd::Unknown(status) => {
                let error = format!("the server ended the turn with the unknown status `{status}`");
                self.end(Status::Failed, SERVER, Some(error), None)
            }
        }
    }

    fn lost(&mut self, reason: &str) -> Outcome {
        if let Some(by) = self.interrupted_by.clone() {
            return self.end(Status::Cancelled, &by, Some(reason.to_owned()), None);
        }
        if self.if_lost == IfLost::Fail {
            return self.end(Status::Failed, HOST, Some(reason.to_owned()), None);
        }
        self.flags = Flags::default();
        self.open = Open::default();
        self.failing = None;
        self.paused = self.if_lost == IfLost::Ask;
        self.status = if self.paused { Status::WaitingForUserInput } else { Status::Queued };
        Outcome { lost: Some(reason.to_owned()), ..Outcome::default() }
    }

    fn end(&mut self, status: Status, by: &str, error: Option<String>, note: Option<&str>) -> Outcome {
        self.status = status;
        self.flags = Flags::default();
        self.open = Open::default();
        self.failing = None;
        self.paused = false;
        let end = End { by: by.to_owned(), error, note: note.map(str::to_owned) };
        Outcome { end: Some(end), ..Outcome::default() }
    }

    /// The waiting status, while the server says that the turn waits or a request is open here.
    fn waiting(&self) -> Option<Status> {
        if self.flags.approval || self.open.approvals > 0 {
            Some(Status::WaitingForApproval)
        } else if self.flags.input || self.open.inputs > 0 {
            Some(Status::WaitingForUserInput)
        } else {
            None
        }
    }

    /// After what the turn waits for has changed. What was waiting goes on; what was starting still is.
    fn settle_status(&mut self) {
        if self.paused {
            return;
        }
        self.status = match (self.waiting(), self.status) {
            (Some(waiting), _) => waiting,
            (None, Status::WaitingForApproval | Status::WaitingForUserInput) => Status::Working,
            (None, status) => status,
        };
    }

    fn count(&mut self, class: Class) -> &mut u32 {
        match class {
            Class::Approval => &mut self.open.approvals,
            Class::Input => &mut self.open.inputs,
        }
    }
}

#[cfg(test)]
mod tests;
