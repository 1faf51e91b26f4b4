//! Standard input and output, and signals.

use std::fs::File;
use std::io;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result};

use crate::session::{Ends, Event};

/// Standard input and output, neither of them buffered here.
pub fn ends() -> Result<Ends> {
    let (input, output) = files().context("failed to use standard input and output")?;
    #[cfg(unix)]
    let input = watched::Watched { input, output: output.try_clone()? };
    Ok(Ends { input: Box::new(input), output: Box::new(output) })
}

#[cfg(unix)]
pub fn files() -> io::Result<(File, File)> {
    use std::os::fd::AsFd;
    Ok((io::stdin().as_fd().try_clone_to_owned()?.into(), io::stdout().as_fd().try_clone_to_owned()?.into()))
}

#[cfg(windows)]
pub fn files() -> io::Result<(File, File)> {
    use std::os::windows::io::AsHandle;
    Ok((
        io::stdin().as_handle().try_clone_to_owned()?.into(),
        io::stdout().as_handle().try_clone_to_owned()?.into(),
    ))
}

/// Has SIGTERM tell the session that it is to end.
#[cfg(unix)]
pub fn tell_of_signals(events: Sender<Event>) -> Result<()> {
    use signal_hook::consts::SIGTERM;
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGTERM]).context("failed to wait for signals")?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for _ in signals.forever() {
                // The session may be over already.
                let _ = events.send(Event::Terminate);
            }
        })
        .context("failed to start a thread")?;
    Ok(())
}

#[cfg(not(unix))]
pub fn tell_of_signals(_: Sender<Event>) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
mod watched {
    use std::fs::File;
    use std::io::{self, Read};

    use rustix::event::{PollFd, PollFlags, poll};

    /// An input that fails with `BrokenPipe` as soon as no one reads the output any more.
    pub struct Watched {
        pub input: File,
        pub output: File,
    }

    impl Read for Watched {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let mut fds =
                [PollFd::new(&self.input, PollFlags::IN), PollFd::new(&self.output, PollFlags::empty())];
            poll(&mut fds, None)?;
            let [input, output] = &fds;
            if output.revents().contains(PollFlags::ERR) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if input.revents().is_empty() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            self.input.read(buffer)
        }
    }
}
