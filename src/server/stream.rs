//! The bytes of a connection, beneath TLS: when a request begins, when an answer is stuck, and when it was sent.

use std::{
    future::poll_fn,
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use crate::server::connection::{Connection, ConnectionPhase};

/// A connection with or without TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {
    /// Returns the socket, beneath TLS.
    fn socket(&mut self) -> &mut TrackedStream;
}

impl Transport for TrackedStream {
    fn socket(&mut self) -> &mut TrackedStream {
        self
    }
}

impl Transport for TlsStream<TrackedStream> {
    fn socket(&mut self) -> &mut TrackedStream {
        self.get_mut().0
    }
}

/// A client's socket that reports to the connection's state.
pub(super) struct TrackedStream {
    stream: TcpStream,
    connection: Arc<Connection>,
    /// The client has sent its last byte.
    is_ended: bool,
    /// The server has sent its last byte, and read what came after it.
    is_closed: bool,
}

impl TrackedStream {
    pub(super) fn new(stream: TcpStream, connection: Arc<Connection>) -> TrackedStream {
        TrackedStream {
            stream,
            connection,
            is_ended: false,
            is_closed: false,
        }
    }

    /// Moves the connection on from a phase, if it is in it.
    fn transition(&self, from: ConnectionPhase, to: ConnectionPhase) {
        self.connection.state().transition(from, to);
    }

    /// Returns the address of this machine that the client has connected to; none if it has left.
    pub(super) fn local_address(&self) -> Option<IpAddr> {
        Some(self.stream.local_addr().ok()?.ip())
    }

    /// Reads and drops what the client still sends, until it ends.
    ///
    /// A socket closed over unread bytes sends a reset, which may overtake the answer that says why.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    /// Ends the sending with FIN, without a `close_notify`, and drops what the client still sends.
    pub(super) async fn close(&mut self) {
        // A client that has left needs no FIN.
        if self.stream.shutdown().await.is_ok() && !self.is_ended {
            poll_fn(|cx| self.poll_drain(cx)).await;
        }
        self.is_closed = true;
    }
}

impl Drop for TrackedStream {
    fn drop(&mut self) {
        if self.connection.state().is_reset {
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
        self.transition(ConnectionPhase::Answering, ConnectionPhase::Idle);
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.transition(ConnectionPhase::Idle, ConnectionPhase::Head);
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
            // Some of an answer was sent: its limit starts again.
            self.transition(ConnectionPhase::Answering, ConnectionPhase::Answering);
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
        if self.connection.state().phase != ConnectionPhase::Draining {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            let mut state = self.connection.state();
            // The client may still be sending a request that nobody reads.
            if !self.is_ended && (state.is_refused || state.phase == ConnectionPhase::Head) {
                state.set(ConnectionPhase::Draining);
            }
        }
        if self.connection.state().phase == ConnectionPhase::Draining {
            ready!(self.poll_drain(cx));
        }
        self.is_closed = true;
        Poll::Ready(Ok(()))
    }
}
