//! Lines over any pair of byte streams.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::driver::{Sink, Source};
use crate::conn::{CHUNK, Link};
use crate::lines::LineReader;

pub(super) struct LineSource<R>(pub(super) R);

impl<R: AsyncRead + Unpin + Send + 'static> Source for LineSource<R> {
    async fn read(&mut self, link: &Arc<Link>) -> io::Result<()> {
        let mut lines = LineReader::new(link.clone());
        let mut chunk = vec![0; CHUNK];
        loop {
            match self.0.read(&mut chunk).await? {
                0 => break,
                length => lines.push(&chunk[..length]),
            }
        }
        lines.finish();
        Ok(())
    }
}

pub(super) struct LineSink<W>(pub(super) W);

impl<W: AsyncWrite + Unpin + Send + 'static> Sink for LineSink<W> {
    async fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.0.write_all(lines).await?;
        self.0.flush().await
    }

    async fn close(mut self) -> io::Result<()> {
        self.0.shutdown().await
    }
}
