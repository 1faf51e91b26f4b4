//! WebSocket frames, over TCP and Unix sockets.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;

use super::driver::{Sink, Source};
use crate::address::Address;
use crate::conn::{CHUNK, Link};
use crate::error::Error;
use crate::frames::{FrameReader, Frames, Handshake, failed, host_and_port, request};

/// A socket of either kind.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket for S {}

/// Connects and upgrades to WebSocket.
pub(super) async fn connect(
    address: &Address,
    bearer_token: Option<&str>,
    limit: usize,
) -> Result<(FrameSource, FrameSink), Error> {
    let request = request(address, bearer_token)?;
    let socket = open(address, &host_and_port(&request)).await;
    let mut socket = socket.map_err(|error| failed(address, error))?;
    let mut handshake = Handshake::begin(address, request, limit)?;
    let mut chunk = vec![0; CHUNK];
    let frames = loop {
        let exchanged = exchange(&mut socket, &handshake.outgoing(), &mut chunk).await;
        let length = exchanged.map_err(|error| failed(address, error))?;
        if let Some(frames) = handshake.push(&chunk[..length])? {
            break frames;
        }
    };
    let (reader, writer) = split(socket);
    let sink = FrameSink { frames: frames.clone(), writer, buffer: Vec::new() };
    Ok((FrameSource { frames, reader }, sink))
}

async fn open(address: &Address, host_and_port: &(String, u16)) -> io::Result<Box<dyn Socket>> {
    match address {
        Address::WebSocket(_) => {
            let (host, port) = host_and_port;
            let socket = TcpStream::connect((host.as_str(), *port)).await?;
            // Requests are small and wait for their answers.
            socket.set_nodelay(true)?;
            Ok(Box::new(socket))
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

async fn exchange(socket: &mut Box<dyn Socket>, out: &[u8], chunk: &mut [u8]) -> io::Result<usize> {
    socket.write_all(out).await?;
    socket.flush().await?;
    socket.read(chunk).await
}

pub(super) struct FrameSource {
    frames: Frames,
    reader: ReadHalf<Box<dyn Socket>>,
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
    writer: WriteHalf<Box<dyn Socket>>,
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
