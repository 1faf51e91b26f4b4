//! The ends of the pipes between a client and a scripted server in one process.
//!
//! On Unix they are sockets: unlike a pipe a socket can be shut down while another thread waits on it, so that
//! a server can end whatever its client does. Elsewhere they are pipes.

use std::io::{self, Read, Write};

#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::sync::Arc;

#[cfg(unix)]
type ReadEnd = UnixStream;
#[cfg(unix)]
type WriteEnd = UnixStream;
#[cfg(not(unix))]
type ReadEnd = io::PipeReader;
#[cfg(not(unix))]
type WriteEnd = io::PipeWriter;

/// How much can be written where [`has_room`]: a pipe that can be written takes this much.
#[cfg(unix)]
pub(super) const ROOM: usize = rustix::pipe::PIPE_BUF;
#[cfg(not(unix))]
pub(super) const ROOM: usize = 512;

/// What a scripted server writes: to be read by the client.
#[derive(Debug)]
pub struct ServerStdout(ReadEnd);

/// What a scripted server reads: to be written by the client. Dropping it is the end of the server's input.
#[derive(Debug)]
pub struct ServerStdin(WriteEnd);

impl Read for ServerStdout {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for ServerStdin {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Breaks off what is under way on both of the server's ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Hangup {
    #[cfg(unix)]
    ends: Arc<[UnixStream]>,
}

impl Hangup {
    pub(super) fn hang_up(&self) {
        #[cfg(unix)]
        for end in self.ends.iter() {
            // It may be shut down already.
            let _ = end.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// The server's end of its output. The socket is open as long as any handle of it is, and [`Hangup`] has one:
/// closing has to be said.
#[derive(Debug)]
pub(super) struct Output(WriteEnd);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(unix)]
impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether a write of [`ROOM`] bytes does not block.
#[cfg(unix)]
pub(super) fn has_room(output: &impl AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut ends = [PollFd::new(output, PollFlags::OUT)];
    let polled = poll(&mut ends, Some(&Timespec::default()));
    polled.is_ok() && ends[0].revents().contains(PollFlags::OUT)
}

/// Nothing tells.
#[cfg(not(unix))]
pub(super) fn has_room<O>(_: &O) -> bool {
    false
}

#[cfg(unix)]
impl Drop for Output {
    fn drop(&mut self) {
        // The client may be gone already.
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }
}

#[cfg(unix)]
pub(super) fn to_server() -> io::Result<(ReadEnd, ServerStdin)> {
    UnixStream::pair().map(|(reader, writer)| (reader, ServerStdin(writer)))
}

#[cfg(unix)]
pub(super) fn to_client() -> io::Result<(ServerStdout, Output)> {
    UnixStream::pair().map(|(reader, writer)| (ServerStdout(reader), Output(writer)))
}

#[cfg(not(unix))]
pub(super) fn to_server() -> io::Result<(ReadEnd, ServerStdin)> {
    io::pipe().map(|(reader, writer)| (reader, ServerStdin(writer)))
}

#[cfg(not(unix))]
pub(super) fn to_client() -> io::Result<(ServerStdout, Output)> {
    io::pipe().map(|(reader, writer)| (ServerStdout(reader), Output(writer)))
}

#[cfg(unix)]
pub(super) fn hangup(input: &ReadEnd, output: &Output) -> io::Result<Hangup> {
    Ok(Hangup { ends: Arc::new([input.try_clone()?, output.0.try_clone()?]) })
}

#[cfg(not(unix))]
pub(super) fn hangup(_: &ReadEnd, _: &Output) -> io::Result<Hangup> {
    Ok(Hangup::default())
}

#[cfg(unix)]
impl ServerStdout {
    pub(super) fn into_tokio(self) -> io::Result<tokio::net::UnixStream> {
        to_tokio(self.0)
    }
}

#[cfg(unix)]
impl ServerStdin {
    pub(super) fn into_tokio(self) -> io::Result<tokio::net::UnixStream> {
        to_tokio(self.0)
    }
}

#[cfg(unix)]
fn to_tokio(stream: UnixStream) -> io::Result<tokio::net::UnixStream> {
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}
