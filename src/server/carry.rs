//! Carrying out what a failure mode has planned: a stream between hyper and the client that can speak for hyper.
//!
//! ```text
//! hyper ── a stand-in answer ──▶ Carry ─ swallowed
//!                                  └──── the script's bytes, waits and end ──▶ [tls] ── wire
//! ```
//!
//! Hyper is given a stand-in, and its flush of that is not done before the script is. So hyper counts the exchange as any other,
//! keeps the connection where the script ends with a written answer, and answers what was pipelined only then. Answers that
//! nobody bends pass through at the cost of one look at a flag.
//!
//! # How a script ends
//! - [`Do::Close`]: FIN. Over TLS no `close_notify` goes before it: a server that crashes sends none, and that is what the mode
//!   plays. What the client still sends is read and dropped for [`Limits::linger`](crate::server::Limits::linger).
//! - [`Do::Reset`]: RST, over TLS without an alert. What was written before is handed to the system first, and reaches the
//!   client unless its own receive window was full.
//! - [`Do::Hang`]: until the client ends its sending half or resets, or the server stops.
//!
//! While an answer waits, the end of the client's sending half is no reason to forget it: a client may wait for the answer with
//! half of its connection closed, and looks no different from one that is gone until something is sent. A reset ends the wait.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use crate::{
    clock::{Age, Clock},
    failure::WireStep,
    server::{
        pulse::{Phase, Pulse},
        wire::Wire,
    },
};

/// A stream that carries out the script which the pulse holds, instead of writing what it is given.
pub(super) struct Carry<S, F> {
    stream: S,
    /// Told whenever all that was written has gone.
    flushed: F,
    pulse: Arc<Pulse>,
    clock: Clock,
    /// What the client sent while its answer was held back.
    early: VecDeque<u8>,
    /// The client has ended its sending half.
    ended: bool,
    running: Option<Running>,
    /// Something was written since the last flush.
    unflushed: bool,
}

/// A script that is being carried out.
struct Running {
    todo: VecDeque<WireStep>,
    step: Step,
    /// When the next step is due: waits are added up, so that a pace is kept.
    due: Age,
}

enum Step {
    Closing,
    Flushing,
    Hanging,
    Next,
    Waiting(Pin<Box<dyn Future<Output = ()> + Send>>),
    Writing(Bytes),
}

/// A stream that knows the wire beneath it.
pub(super) trait Above: AsyncRead + AsyncWrite + Send + Unpin {
    /// Returns the wire.
    fn wire(&mut self) -> &mut Wire;
}

impl Above for Wire {
    fn wire(&mut self) -> &mut Wire {
        self
    }
}

impl Above for TlsStream<Wire> {
    fn wire(&mut self) -> &mut Wire {
        self.get_mut().0
    }
}

impl<S: Above, F: Fn() + Unpin> Carry<S, F> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>, clock: Clock, flushed: F) -> Carry<S, F> {
        Carry {
            stream,
            flushed,
            pulse,
            clock,
            early: VecDeque::new(),
            ended: false,
            running: None,
            unflushed: false,
        }
    }

    /// Tells whether what hyper writes is a stand-in, and begins the script if so.
    fn swallows(&mut self) -> bool {
        if self.running.is_none()
            && let Some((script, asked)) = self.pulse.take_script()
        {
            self.running = Some(Running {
                todo: script.into(),
                step: Step::Next,
                due: asked,
            });
        }
        self.running.is_some()
    }

    /// Goes on with the script; ready when the connection is hyper's again. An error ends the connection.
    fn poll_script(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Some(running) = &mut self.running else {
                return Poll::Ready(Ok(()));
            };
            match &mut running.step {
                Step::Next => match running.todo.pop_front() {
                    None => {
                        self.running = None;
                        self.pulse.pass(Phase::Held, Phase::Answering);
                    }
                    Some(next) => {
                        running.step = begin(next, &mut running.due, &self.clock, &self.pulse)?
                    }
                },
                Step::Waiting(over) => {
                    if over.as_mut().poll(cx).is_ready() {
                        running.step = Step::Next;
                    } else {
                        self.poll_client(cx)?;
                        return Poll::Pending;
                    }
                }
                Step::Writing(bytes) if bytes.is_empty() => running.step = Step::Flushing,
                Step::Writing(bytes) => {
                    match ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))? {
                        0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                        count => bytes.advance(count),
                    }
                }
                Step::Flushing => {
                    ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
                    running.step = Step::Next;
                }
                Step::Hanging => {
                    self.poll_client(cx)?;
                    return if self.ended {
                        Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
                    } else {
                        Poll::Pending
                    };
                }
                Step::Closing => {
                    ready!(self.stream.wire().poll_close(cx));
                    return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                }
            }
        }
    }

    /// Looks whether the client is still there, keeping what it sends for later.
    fn poll_client(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.ended && self.early.len() < MOST_EARLY {
            let mut space = [0; 1024];
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) => {
                    self.ended = buffer.filled().is_empty();
                    self.early.extend(buffer.filled());
                }
                // The end of a TLS client that said no goodbye.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.ended = true
                }
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

fn begin(next: WireStep, due: &mut Age, clock: &Clock, pulse: &Pulse) -> io::Result<Step> {
    Ok(match next {
        WireStep::Close => {
            pulse.end_it();
            pulse.enter(Phase::Lingering);
            Step::Closing
        }
        WireStep::Hang => {
            pulse.enter(Phase::Held);
            Step::Hanging
        }
        WireStep::Reset => {
            pulse.sever();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        WireStep::Wait(time) => {
            pulse.enter(Phase::Held);
            *due = due.plus(time);
            Step::Waiting(Box::pin(clock.sleep_until_age(*due)))
        }
        WireStep::Write(bytes) => {
            // From here on a client that takes nothing is one that stalls.
            pulse.enter(Phase::Answering);
            Step::Writing(bytes)
        }
    })
}

impl<S: Above, F: Fn() + Unpin> AsyncRead for Carry<S, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.early.is_empty() {
            // What the wire tells the pulse when bytes arrive; these arrived before their time.
            this.pulse.pass(Phase::Answering, Phase::Idle);
            this.pulse.pass(Phase::Idle, Phase::Head);
            let (front, _) = this.early.as_slices();
            let count = front.len().min(buffer.remaining());
            buffer.put_slice(&front[..count]);
            this.early.drain(..count);
            return Poll::Ready(Ok(()));
        }
        if this.ended {
            this.pulse.pass(Phase::Answering, Phase::Idle);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_read(cx, buffer)
    }
}

impl<S: Above, F: Fn() + Unpin> AsyncWrite for Carry<S, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unflushed = true;
        if self.swallows() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Hyper flushes several times a request.
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_script(cx))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unflushed = false;
        (self.flushed)();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_script(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How many bytes are read ahead of an answer that is held back: beyond that the client waits, and its leaving shows later.
const MOST_EARLY: usize = 64 * 1024;
