//! The bytes of a connection, beneath TLS: when a request begins, when an answer is stuck, and when it was sent.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use crate::server::connection_state::{ConnectionState, Phase};

/// A client's socket that reports to the connection's state.
pub(super) struct TrackedStream {
    stream: TcpStream,
    state: Arc<ConnectionState>,
    /// The client has sent its last byte.
    is_ended: bool,
    /// The server has sent its last byte, and read what came after it.
    is_closed: bool,
}

/// A connection with or without TLS.
pub(super) enum Transport {
    Plain(TrackedStream),
    Tls(Box<TlsStream<TrackedStream>>),
}

impl TrackedStream {
    pub(super) fn new(stream: TcpStream, state: Arc<ConnectionState>) -> TrackedStream {
        TrackedStream {
            stream,
            state,
            is_ended: false,
            is_closed: false,
        }
    }

    /// Reads and drops what the client still sends, until it ends.
    ///
    /// A socket closed over unread bytes sends a reset, which may overtake the answer that says why.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    /// Ends the sending with FIN, whatever lies above, and drops what the client still sends.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A client that has left needs no FIN.
        if ready!(Pin::new(&mut self.stream).poll_shutdown(cx)).is_ok() && !self.is_ended {
            ready!(self.poll_drain(cx));
        }
        self.is_closed = true;
        Poll::Ready(())
    }
}

impl Drop for TrackedStream {
    fn drop(&mut self) {
        if self.state.is_reset() {
            // Closing then sends RST and drops what is unsent. Fails if the client has left.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // With `half_close`, hyper reads only once the answer before was flushed.
        self.state.transition(Phase::Answering, Phase::Idle);
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.state.transition(Phase::Idle, Phase::Head);
        } else {
            self.is_ended = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(1..)) = written {
            self.state.progress();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_closed {
            return Poll::Ready(Ok(()));
        }
        if self.state.phase() != Phase::Draining {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if !self.is_ended && self.state.is_unread() {
                self.state.set(Phase::Draining);
            }
        }
        if self.state.phase() == Phase::Draining {
            ready!(self.poll_drain(cx));
        }
        self.is_closed = true;
        Poll::Ready(Ok(()))
    }
}

impl Transport {
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    /// Ends the sending with FIN and without a `close_notify`.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Transport::Plain(stream) => stream.poll_close(cx),
            Transport::Tls(stream) => stream.get_mut().0.poll_close(cx),
        }
    }
}
