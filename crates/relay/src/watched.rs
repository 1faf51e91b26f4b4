//! The two ends of a client, and how to notice at once that it no longer reads.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};

use crate::session::Ends;

/// The ends of a client whose output is watched while its input is read, and afterwards.
pub fn ends<I, O>(input: I, output: O) -> io::Result<Ends>
where
    I: Read + AsFd + Send + 'static,
    O: Write + AsFd + Send + 'static,
{
    let [watched, unread] = [output.as_fd().try_clone_to_owned()?, output.as_fd().try_clone_to_owned()?];
    Ok(Ends {
        input: Box::new(Watched { input, output: watched }),
        output: Box::new(output),
        unread: Some(Box::new(move || wait_until_closed(&unread))),
    })
}

/// An input that fails with `BrokenPipe` once no one reads the output any more. What is there to be read comes first: a
/// client that leaves at once has said it.
struct Watched<I> {
    input: I,
    output: OwnedFd,
}

impl<I: Read + AsFd> Read for Watched<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut fds =
            [PollFd::new(&self.input, PollFlags::IN), PollFd::new(&self.output, PollFlags::empty())];
        poll(&mut fds, None)?;
        let [input, output] = &fds;
        if !input.revents().is_empty() {
            return self.input.read(buffer);
        }
        match is_closed(output) {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

/// A pipe has an error then, a socket is hung up.
fn is_closed(output: &PollFd<'_>) -> bool {
    output.revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// Waits until the other side of a pipe is closed, or both halves of a socket are.
pub fn wait_until_closed(end: &impl AsFd) {
    let mut fds = [PollFd::new(end, PollFlags::empty())];
    loop {
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) if !is_closed(&fds[0]) => {}
            _ => return,
        }
    }
}
