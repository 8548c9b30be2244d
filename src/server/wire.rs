//! The bytes of a connection, beneath TLS: here one sees when a request begins, when an answer is stuck, and when it has gone.

use std::{
    io,
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::server::pulse::{Phase, Pulse};

/// A client's stream that tells the pulse what passes through it.
pub(super) struct Wire {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    /// The client has sent its last byte.
    ended: bool,
    /// We have sent ours, and read away what came after it.
    closed: bool,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Wire {
        Wire {
            stream,
            pulse,
            ended: false,
            closed: false,
        }
    }

    /// Reads away what the client still sends, until it ends.
    ///
    /// A socket closed over unread bytes sends a reset, and a reset may overtake the answer that says why.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    /// Ends the sending with FIN, whatever lies above, and reads away what the client still sends.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A client that is gone already needs no FIN.
        if ready!(Pin::new(&mut self.stream).poll_shutdown(cx)).is_ok() && !self.ended {
            ready!(self.poll_linger(cx));
        }
        self.closed = true;
        Poll::Ready(())
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = written {
            self.pulse.progress();
        }
        written
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.pulse.is_severed() {
            // Closing then sends RST and drops what the system has not sent. Fails if the client has left already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // With `half_close`, hyper asks for bytes only once the answer before them has been flushed.
        self.pulse.pass(Phase::Answering, Phase::Idle);
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.pulse.pass(Phase::Idle, Phase::Head);
        } else {
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closed {
            if self.pulse.phase() != Phase::Lingering {
                ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                if !self.ended && self.pulse.unread() {
                    self.pulse.enter(Phase::Lingering);
                }
            }
            if self.pulse.phase() == Phase::Lingering {
                ready!(self.poll_linger(cx));
            }
            self.closed = true;
        }
        Poll::Ready(Ok(()))
    }
}
