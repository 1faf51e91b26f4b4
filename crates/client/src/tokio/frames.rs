//! WebSocket frames, over sockets and the pipes of a child process.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::child::Child;
use super::driver::{Sink, Source};
use crate::conn::{CHUNK, GRACE, Link};
use crate::connect_error::{broken, late, not_opened, with_end};
use crate::dial::{Dial, Target};
use crate::error::Error;
use crate::frames::{FrameReader, Frames, Handshake};

/// The two halves of whatever leads to the server.
type Reader = Box<dyn AsyncRead + Unpin + Send>;
type Writer = Box<dyn AsyncWrite + Unpin + Send>;

/// A connected WebSocket.
pub(super) struct Connected {
    pub(super) source: FrameSource,
    pub(super) sink: FrameSink,
    /// The program that leads to the server.
    pub(super) child: Option<Child>,
}

/// Connects and upgrades to WebSocket.
pub(super) async fn connect(dial: Dial) -> Result<Connected, Error> {
    let Dial { address, target, mut handshake, timeout: patience } = dial;
    let answer = handshake.answer().clone();
    let mut child = None;
    let opening = async {
        let opened = open(target, &mut child).await;
        let (mut reader, mut writer) = opened.map_err(|error| match error {
            Unopened::Start(error) => error,
            Unopened::Io(error) => not_opened(&address, error),
        })?;
        let frames =
            upgrade(&mut handshake, &mut reader, &mut writer, |error| broken(&address, error)).await?;
        let sink = FrameSink { frames: frames.clone(), writer, buffer: Vec::new() };
        Ok((FrameSource { frames, reader }, sink))
    };
    let (opened, is_late) = match patience {
        None => (opening.await, false),
        Some(patience) => match timeout(patience, opening).await {
            Ok(opened) => (opened, false),
            Err(_) => {
                let sent = answer.lock().unwrap_or_else(PoisonError::into_inner);
                (Err(late(&address, patience, &sent)), true)
            }
        },
    };
    match (opened, child) {
        (Ok((source, sink)), child) => Ok(Connected { source, sink, child }),
        (Err(error), None) => Err(error),
        (Err(error), Some(child)) => {
            // One that is late is killed: how it ends says nothing.
            let (status, stderr) = child.see_off(if is_late { Duration::ZERO } else { GRACE }).await;
            Err(with_end(error, status.filter(|_| !is_late), &stderr))
        }
    }
}

/// Why there is nothing to shake hands over.
enum Unopened {
    Start(Error),
    Io(io::Error),
}

impl From<io::Error> for Unopened {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a socket, or starts the program.
async fn open(target: Target, child: &mut Option<Child>) -> Result<(Reader, Writer), Unopened> {
    match target {
        Target::Tcp { host, port } => {
            let socket = TcpStream::connect((host.as_str(), port)).await?;
            // Requests are small and wait for their answers.
            socket.set_nodelay(true)?;
            Ok(halves(socket))
        }
        #[cfg(unix)]
        Target::Unix(path) => Ok(halves(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Target::Unix(_) => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        Target::Command(process) => {
            let (started, stdin, stdout) = Child::start(&process).map_err(Unopened::Start)?;
            *child = Some(started);
            Ok((Box::new(stdout), Box::new(stdin)))
        }
    }
}

fn halves(socket: impl AsyncRead + AsyncWrite + Send + 'static) -> (Reader, Writer) {
    let (reader, writer) = split(socket);
    (Box::new(reader), Box::new(writer))
}

async fn upgrade(
    handshake: &mut Handshake,
    reader: &mut Reader,
    writer: &mut Writer,
    failed: impl Fn(io::Error) -> Error,
) -> Result<Frames, Error> {
    let mut chunk = vec![0; CHUNK];
    loop {
        // What is not written shows in what is read: a program that has ended may have said why.
        let written = write(writer, &handshake.outgoing()?).await;
        let length = match (reader.read(&mut chunk).await, written) {
            (Ok(0), Err(error)) | (Err(error), _) => return Err(failed(error)),
            (Ok(length), _) => length,
        };
        if let Some(frames) = handshake.push(&chunk[..length])? {
            return Ok(frames);
        }
    }
}

async fn write(writer: &mut Writer, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

pub(super) struct FrameSource {
    frames: Frames,
    reader: Reader,
}

impl Source for FrameSource {
    async fn read(&mut self, link: &Arc<Link>) -> io::Result<()> {
        let mut messages = FrameReader::new(self.frames.clone(), link.clone());
        let mut chunk = vec![0; CHUNK];
        // The first messages may have come with the handshake.
        let mut length = 0;
        while messages.push(&chunk[..length])? {
            length = self.reader.read(&mut chunk).await?;
            if length == 0 {
                break;
            }
        }
        Ok(())
    }
}

pub(super) struct FrameSink {
    frames: Frames,
    writer: Writer,
    buffer: Vec<u8>,
}

impl Sink for FrameSink {
    async fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.frames.encode(lines, &mut self.buffer)?;
        self.writer.write_all(&self.buffer).await?;
        self.buffer.clear();
        self.writer.flush().await
    }

    async fn close(mut self) -> io::Result<()> {
        self.frames.close(&mut self.buffer)?;
        self.writer.write_all(&self.buffer).await?;
        self.writer.shutdown().await
    }
}
