//! The stream between hyper and the client, which sends what a failure mode has planned.
//!
//! ```text
//! hyper ── a placeholder ──▶ ScriptedStream ─ dropped
//!                                  └──── the script's bytes, waits and end ──▶ [TLS] ── socket
//! ```
//!
//! Hyper is given a placeholder, and its flush of that is not done before the script is. So hyper
//! keeps the connection where the script ends with a written answer, and answers what was pipelined
//! only then. Other answers pass through.
//!
//! # How a script ends
//! - [`WireStep::Close`]: FIN. Over TLS no `close_notify` goes before it, as of a server that crashes.
//!   What the client still sends is dropped for [`Limits::linger`](crate::server::Limits::linger).
//! - [`WireStep::Reset`]: RST, over TLS without an alert. What was written before reaches the client
//!   unless its receive window was full.
//! - [`WireStep::Hang`]: until the client ends its sending half or resets, or the server stops.
//!
//! While an answer waits, the end of the client's sending half does not end the connection: a
//! client may wait for the answer with half of its connection closed. A reset ends the wait.

use std::{
    future::pending,
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::{
    failure::WireStep,
    journal::Progress,
    server::{
        connection::{Connection, ConnectionPhase, WireScript},
        stream::Transport,
    },
};

/// A stream that carries out a script instead of writing what it is given.
pub(super) struct ScriptedStream {
    turn: Turn,
    connection: Arc<Connection>,
    /// Something was written since the last flush.
    is_unflushed: bool,
}

/// Who has the client's stream.
enum Turn {
    Hyper(ClientStream),
    /// A script, which gives it back, or ends the connection with an error.
    Script(Pin<Box<dyn Future<Output = io::Result<ClientStream>> + Send>>),
    /// Nobody: the connection has ended.
    Ended,
}

struct ClientStream {
    transport: Box<dyn Transport>,
    /// What the client sent while its answer was delayed.
    read_ahead: BytesMut,
    /// The client has ended its sending half.
    is_ended: bool,
}

impl ScriptedStream {
    pub(super) fn new(
        transport: Box<dyn Transport>,
        connection: Arc<Connection>,
    ) -> ScriptedStream {
        ScriptedStream {
            turn: Turn::Hyper(ClientStream {
                transport,
                read_ahead: BytesMut::new(),
                is_ended: false,
            }),
            connection,
            is_unflushed: false,
        }
    }
}

impl Turn {
    /// Returns the client's stream once no script has it.
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut ClientStream>> {
        if let Turn::Script(script) = self {
            let end = ready!(script.as_mut().poll(cx));
            *self = Turn::Ended;
            *self = Turn::Hyper(end?);
        }
        Poll::Ready(match self {
            Turn::Hyper(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl ClientStream {
    /// Carries out a script. An error ends the connection.
    async fn run(mut self, script: WireScript, connection: Arc<Connection>) -> io::Result<Self> {
        // Waits are added up, so that a pace is kept.
        let mut due = script.received;
        for step in script.steps {
            match step {
                WireStep::Close => {
                    connection.state().is_closed_by_server = true;
                    connection.state().set(ConnectionPhase::Draining);
                    self.transport.socket().close().await;
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                WireStep::Hang => {
                    connection.state().set(ConnectionPhase::Delayed);
                    // Nothing further is answered: what comes is dropped, so that the end is seen behind it.
                    while !self.is_ended {
                        self.read_ahead.clear();
                        self.read_some().await?;
                    }
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                WireStep::Reset => {
                    connection.state().reset();
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                WireStep::Wait(time) => {
                    connection.state().set(ConnectionPhase::Delayed);
                    due = due.saturating_add(time);
                    tokio::select! {
                        biased;
                        () = connection.service.clock().sleep_until_age(due) => {}
                        Err(error) = self.read_ahead() => return Err(error),
                    }
                }
                WireStep::Write(bytes) => {
                    // From here on a client that takes nothing stalls.
                    connection.state().set(ConnectionPhase::Answering);
                    self.transport.write_all(&bytes).await?;
                    self.transport.flush().await?;
                }
            }
        }
        let mut state = connection.state();
        state.transition(ConnectionPhase::Delayed, ConnectionPhase::Answering);
        Ok(self)
    }

    /// Keeps what the client sends for later, until it ends its sending half.
    async fn read_ahead(&mut self) -> io::Result<()> {
        while !self.is_ended {
            if self.read_ahead.len() >= MAX_READ_AHEAD {
                return pending().await;
            }
            self.read_some().await?;
        }
        Ok(())
    }

    /// Keeps what has come, or notes the end.
    async fn read_some(&mut self) -> io::Result<()> {
        match self.transport.read_buf(&mut self.read_ahead).await {
            Ok(count) => self.is_ended = count == 0,
            // The end of a TLS client that sent no `close_notify`.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.is_ended = true,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl AsyncRead for ScriptedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let stream = ready!(this.turn.poll_stream(cx))?;
        let before = buffer.filled().len();
        if stream.read_ahead.is_empty() && !stream.is_ended {
            ready!(Pin::new(&mut stream.transport).poll_read(cx, buffer))?;
            this.connection.state().read(&buffer.filled()[before..]);
            return Poll::Ready(Ok(()));
        }
        // The phases that the socket reports when bytes arrive; these arrived before.
        let mut state = this.connection.state();
        state.transition(ConnectionPhase::Answering, ConnectionPhase::Idle);
        if !stream.read_ahead.is_empty() {
            state.transition(ConnectionPhase::Idle, ConnectionPhase::Head);
            let count = stream.read_ahead.len().min(buffer.remaining());
            buffer.put_slice(&stream.read_ahead.split_to(count));
            state.read(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ScriptedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.is_unflushed = true;
        let script = this.connection.state().script.take();
        this.turn = match (mem::replace(&mut this.turn, Turn::Ended), script) {
            (Turn::Hyper(stream), Some(script)) => {
                Turn::Script(Box::pin(stream.run(script, Arc::clone(&this.connection))))
            }
            (turn, _) => turn,
        };
        match &mut this.turn {
            Turn::Hyper(stream) => Pin::new(&mut stream.transport).poll_write(cx, bytes),
            // The placeholder.
            Turn::Script(_) => Poll::Ready(Ok(bytes.len())),
            Turn::Ended => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Hyper flushes several times a request.
        if !self.is_unflushed {
            return Poll::Ready(Ok(()));
        }
        let stream = ready!(self.turn.poll_stream(cx))?;
        ready!(Pin::new(&mut stream.transport).poll_flush(cx))?;
        self.is_unflushed = false;
        self.connection.complete_pending(Progress::Done);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = ready!(self.turn.poll_stream(cx))?;
        Pin::new(&mut stream.transport).poll_shutdown(cx)
    }
}

/// How many bytes are read ahead of a delayed answer; beyond that the client waits.
const MAX_READ_AHEAD: usize = 64 * 1024;
