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
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    clock::ClockAge,
    failure::WireStep,
    journal::Progress,
    server::{
        connection::Connection,
        connection_state::{Phase, Script},
        stream::Transport,
    },
};

/// A stream that carries out a script instead of writing what it is given.
pub(super) struct ScriptedStream {
    transport: Transport,
    connection: Arc<Connection>,
    /// What the client sent while its answer was delayed.
    read_ahead: VecDeque<u8>,
    /// The client has ended its sending half.
    is_ended: bool,
    script: Option<ScriptState>,
    /// Something was written since the last flush.
    is_unflushed: bool,
}

/// A script that is being carried out.
struct ScriptState {
    steps: VecDeque<WireStep>,
    step: Step,
    /// When the next step is due: waits are added up, so that a pace is kept.
    due: ClockAge,
}

enum Step {
    Closing,
    Flushing,
    Hanging,
    Next,
    Waiting(Pin<Box<dyn Future<Output = ()> + Send>>),
    Writing(Bytes),
}

impl ScriptedStream {
    pub(super) fn new(transport: Transport, connection: Arc<Connection>) -> ScriptedStream {
        ScriptedStream {
            transport,
            connection,
            read_ahead: VecDeque::new(),
            is_ended: false,
            script: None,
            is_unflushed: false,
        }
    }

    /// Goes on with the script; ready when hyper has the connection again. An error ends the connection.
    fn poll_script(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(script) = &mut self.script {
            match &mut script.step {
                Step::Next => match script.steps.pop_front() {
                    Some(next) => script.begin(next, &self.connection)?,
                    None => {
                        self.script = None;
                        let state = &self.connection.state;
                        state.transition(Phase::Delayed, Phase::Answering);
                    }
                },
                Step::Waiting(wait) => {
                    if wait.as_mut().poll(cx).is_pending() {
                        self.read_ahead(cx)?;
                        return Poll::Pending;
                    }
                    script.step = Step::Next;
                }
                Step::Writing(bytes) if bytes.is_empty() => script.step = Step::Flushing,
                Step::Writing(bytes) => match ready!(self.transport.poll_write(cx, bytes))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => bytes.advance(count),
                },
                Step::Flushing => {
                    ready!(self.transport.poll_flush(cx))?;
                    script.step = Step::Next;
                }
                Step::Hanging => {
                    self.read_ahead(cx)?;
                    return if self.is_ended {
                        Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
                    } else {
                        Poll::Pending
                    };
                }
                Step::Closing => {
                    ready!(self.transport.poll_close(cx));
                    return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Looks whether the client is still there, keeping what it sends for later.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.is_ended && self.read_ahead.len() < MAX_READ_AHEAD {
            let mut space = [0; 1024];
            let mut buffer = ReadBuf::new(&mut space);
            match self.transport.poll_read(cx, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) => {
                    self.is_ended = buffer.filled().is_empty();
                    self.read_ahead.extend(buffer.filled());
                }
                // The end of a TLS client that sent no `close_notify`.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.is_ended = true;
                }
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

impl ScriptState {
    fn new(Script { steps, received }: Script) -> ScriptState {
        ScriptState {
            steps: steps.into(),
            step: Step::Next,
            due: received,
        }
    }

    fn begin(&mut self, next: WireStep, connection: &Connection) -> io::Result<()> {
        let state = &connection.state;
        self.step = match next {
            WireStep::Close => {
                state.close_by_server();
                state.set(Phase::Draining);
                Step::Closing
            }
            WireStep::Hang => {
                state.set(Phase::Delayed);
                Step::Hanging
            }
            WireStep::Reset => {
                state.reset();
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            WireStep::Wait(time) => {
                state.set(Phase::Delayed);
                self.due = self.due.plus(time);
                let clock = connection.service.clock();
                Step::Waiting(Box::pin(clock.sleep_until_age(self.due)))
            }
            WireStep::Write(bytes) => {
                // From here on a client that takes nothing stalls.
                state.set(Phase::Answering);
                Step::Writing(bytes)
            }
        };
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
        if this.read_ahead.is_empty() && !this.is_ended {
            return this.transport.poll_read(cx, buffer);
        }
        // The phases that the socket reports when bytes arrive; these arrived before.
        let state = &this.connection.state;
        state.transition(Phase::Answering, Phase::Idle);
        if !this.read_ahead.is_empty() {
            state.transition(Phase::Idle, Phase::Head);
            let (front, _) = this.read_ahead.as_slices();
            let count = front.len().min(buffer.remaining());
            buffer.put_slice(&front[..count]);
            this.read_ahead.drain(..count);
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
        if this.script.is_none() {
            this.script = this.connection.state.take_script().map(ScriptState::new);
        }
        if this.script.is_some() {
            // The placeholder.
            return Poll::Ready(Ok(bytes.len()));
        }
        this.transport.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Hyper flushes several times a request.
        if !self.is_unflushed {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_script(cx))?;
        ready!(self.transport.poll_flush(cx))?;
        self.is_unflushed = false;
        self.connection.complete_pending(Progress::Done);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_script(cx))?;
        self.transport.poll_shutdown(cx)
    }
}

/// How many bytes are read ahead of a delayed answer; beyond that the client waits.
const MAX_READ_AHEAD: usize = 64 * 1024;
