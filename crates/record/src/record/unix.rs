//! Streams, signals and the end of the command, on Unix.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Cause;

pub(super) type Input = File;
pub(super) type Output = File;

/// The four ends of the two directions.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) from_client: Input,
    pub(super) to_client: Output,
    pub(super) from_child: Input,
    pub(super) to_child: Output,
}

impl Streams {
    /// Takes the pipes of the child and our own standard streams. `/dev/null` takes the place of those, so
    /// that what we hold are the last handles: dropping one closes it for the peer.
    pub(super) fn take(child: &mut std::process::Child) -> io::Result<Self> {
        let (Some(to_child), Some(from_child)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the command has no pipes"));
        };
        let from_client = io::stdin().as_fd().try_clone_to_owned()?;
        let to_client = io::stdout().as_fd().try_clone_to_owned()?;
        let nothing = File::options().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdin(&nothing)?;
        rustix::stdio::dup2_stdout(&nothing)?;
        Ok(Self {
            from_client: from_client.into(),
            to_client: to_client.into(),
            from_child: OwnedFd::from(from_child).into(),
            to_child: OwnedFd::from(to_child).into(),
        })
    }
}

/// What a pump can do next.
#[derive(PartialEq, Eq)]
pub(super) enum Ready {
    /// Read: there is something, or the end.
    Read,
    /// Nothing more: nobody reads the output, or the command ended and left nothing.
    Stop,
}

/// Waits until there is something to read, and watches meanwhile whether anybody still reads the output. The
/// other end of `ended` is closed when the command has ended.
pub(super) fn ready(input: &Input, output: &Output, ended: Option<&PipeReader>) -> Ready {
    const GONE: PollFlags = PollFlags::ERR.union(PollFlags::HUP);
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        let over = ended.is_some_and(|ended| {
            let mut fds = [PollFd::new(ended, PollFlags::IN)];
            poll(&mut fds, Some(&now)).is_ok_and(|found| found > 0)
        });
        let mut fds = vec![PollFd::new(input, PollFlags::IN), PollFd::new(output, PollFlags::empty())];
        fds.extend(ended.filter(|_| !over).map(|ended| PollFd::new(ended, PollFlags::IN)));
        match poll(&mut fds, over.then_some(&now)) {
            Err(rustix::io::Errno::INTR) => continue,
            // Reading says what is wrong.
            Err(_) => return Ready::Read,
            Ok(_) => {}
        }
        if fds[1].revents().intersects(GONE) {
            return Ready::Stop;
        }
        if !fds[0].revents().is_empty() {
            return Ready::Read;
        }
        if over {
            return Ready::Stop;
        }
    }
}

/// Writes all, also where the peer made the stream one that does not block.
pub(super) fn write_all(output: &mut Output, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for_room(output.as_fd()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_for_room(output: BorrowedFd<'_>) {
    // An interrupted wait is tried again by the write that fails again.
    let _ = poll(&mut [PollFd::new(&output, PollFlags::OUT)], None);
}

/// The process of the command: `None` once it was reaped, when its number may be somebody else's.
#[derive(Clone)]
pub(super) struct Child(Arc<Mutex<Option<Pid>>>);

impl Child {
    pub(super) fn new(child: &std::process::Child) -> Self {
        Self(Arc::new(Mutex::new(Some(Pid::from_child(child)))))
    }

    /// Waits for the end. The process stays until nobody can signal it any more.
    pub(super) fn wait(&self, child: &mut std::process::Child) -> io::Result<ExitStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        rustix::io::retry_on_intr(|| waitid(WaitId::Pid(Pid::from_child(child)), options))?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        child.wait()
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // One that may not be signalled (another user's) goes on as it would without us.
            let _ = kill_process(pid, signal);
        }
    }
}

/// The signals that end a process, caught.
#[derive(Debug)]
pub(super) struct Signals(SignalsInfo<WithOrigin>);

impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        SignalsInfo::new([SIGINT, SIGTERM, SIGHUP]).map(Self)
    }

    /// Passes on to the child what was and will be caught, and says so. A Ctrl-C of the terminal is only
    /// said: the terminal gives it to the child as well, and two of them often mean "at once".
    pub(super) fn pass_to(mut self, child: Child, mut told: impl FnMut() + Send + 'static) {
        let run = move || {
            for origin in &mut self.0 {
                let signal = match origin.signal {
                    SIGINT => Signal::INT,
                    SIGHUP => Signal::HUP,
                    _ => Signal::TERM,
                };
                if !(signal == Signal::INT && matches!(origin.cause, Cause::Kernel)) {
                    child.signal(signal);
                }
                told();
            }
        };
        // Without the thread the signals stay caught and do nothing; the client can still close its side.
        if let Err(error) = super::spawn("signals", run) {
            let _ = writeln!(io::stderr(), "warning: signals are not passed on: {error}");
        }
    }
}

pub(super) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(2)
}
