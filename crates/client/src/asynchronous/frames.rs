//! WebSocket frames, over TCP and Unix sockets.

use std::io;
use std::sync::Arc;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tungstenite::Message;

use super::driver::{Sink, Source};
use crate::address::Address;
use crate::core::Wakes;
use crate::error::Error;
use crate::frames::{config, failed, fragments, host_and_port, io_error, refused, request};
use crate::link::Link;

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
    let socket = match open(address, &host_and_port(&request)).await {
        Ok(socket) => socket,
        Err(error) => return Err(failed(address, error)),
    };
    let upgraded = client_async_with_config(request, socket, Some(config(limit))).await;
    let (socket, _) = upgraded.map_err(|error| refused(address, error))?;
    let (sink, source) = socket.split();
    Ok((FrameSource(source), FrameSink(sink)))
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

pub(super) struct FrameSource(SplitStream<WebSocketStream<Box<dyn Socket>>>);

impl Source for FrameSource {
    async fn read(&mut self, link: &Arc<Link>) -> io::Result<()> {
        let mut wakes = Wakes::new();
        while let Some(message) = self.0.next().await {
            match message.map_err(io_error)? {
                Message::Text(text) => link.receive(Ok(text.as_str()), &mut wakes),
                Message::Close(_) => break,
                // The server sends no binary frames; pings are answered by the library.
                _ => {}
            }
        }
        Ok(())
    }
}

pub(super) struct FrameSink(SplitSink<WebSocketStream<Box<dyn Socket>>, Message>);

impl Sink for FrameSink {
    async fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        for message in fragments(lines) {
            self.0.feed(message).await.map_err(io_error)?;
        }
        self.0.flush().await.map_err(io_error)
    }

    async fn close(mut self) -> io::Result<()> {
        self.0.close().await.map_err(io_error)
    }
}
