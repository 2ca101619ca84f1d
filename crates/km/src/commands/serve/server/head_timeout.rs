//! A stream that fails when the head of a request takes too long after its first byte.
//!
//! hyper's timeout for heads starts when the previous response ends, so that it also limits how
//! long a connection may be idle. Here the two limits differ.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The phase of a connection: idle, reading a head, or executing a request. The service of the
/// connection reports the requests, because the connection may not read while it executes one.
#[derive(Debug, Default)]
pub(super) struct Phase {
    executing: AtomicBool,
    /// Whether the first byte of a head was read, but not yet all of it.
    reading_head: AtomicBool,
}

impl Phase {
    pub(super) fn begin_request(&self) {
        self.executing.store(true, Relaxed);
        self.reading_head.store(false, Relaxed);
    }

    pub(super) fn end_request(&self) {
        self.executing.store(false, Relaxed);
    }
}

/// A stream with a time limit for the head of each request.
#[derive(Debug)]
pub(super) struct HeadTimeout<S> {
    stream: S,
    phase: Arc<Phase>,
    limit: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl<S> HeadTimeout<S> {
    pub(super) fn new(stream: S, phase: Arc<Phase>, limit: Duration) -> Self {
        Self { stream, phase, limit, deadline: Box::pin(sleep(limit)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.phase.executing.load(Relaxed) {
            return read;
        }
        if buffer.filled().len() > before && !self.phase.reading_head.swap(true, Relaxed) {
            let deadline = Instant::now() + self.limit;
            self.deadline.as_mut().reset(deadline);
        }
        if self.phase.reading_head.load(Relaxed) && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn requests_that_end_before_the_next_read_do_not_close_the_connection() {
        let (mut client, server) = duplex(64);
        let phase = Arc::new(Phase::default());
        let mut server = HeadTimeout::new(server, Arc::clone(&phase), LIMIT);
        let mut byte = [0; 1];
        for _ in 0..30 {
            client.write_all(b"x").await.unwrap();
            server.read_exact(&mut byte).await.unwrap();
            phase.begin_request();
            phase.end_request();
            // Idle, while the connection waits for the next request.
            let idle = tokio::time::timeout(LIMIT / 5, server.read_exact(&mut byte)).await;
            assert!(idle.is_err(), "{idle:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn head_that_takes_too_long_fails_and_idle_time_does_not_count() {
        let (mut client, server) = duplex(64);
        let phase = Arc::new(Phase::default());
        let mut server = HeadTimeout::new(server, Arc::clone(&phase), LIMIT);
        let mut byte = [0; 1];
        for _ in 0..3 {
            // Idle for longer than the limit.
            tokio::time::sleep(LIMIT * 2).await;
            client.write_all(b"x").await.unwrap();
            server.read_exact(&mut byte).await.unwrap();
            phase.begin_request();
            tokio::time::sleep(LIMIT * 2).await;
            client.write_all(b"y").await.unwrap();
            server.read_exact(&mut byte).await.unwrap();
            phase.end_request();
        }
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut byte).await.unwrap();
        let began = Instant::now();
        // One byte every second does not extend it.
        let read = loop {
            tokio::select! {
                read = server.read_exact(&mut byte) => if let Err(error) = read { break error },
                () = sleep(Duration::from_secs(1)) => client.write_all(b"x").await.unwrap(),
            }
        };
        assert_eq!(read.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), LIMIT.as_secs());
    }
}
