//! One connection: handshake, then hyper, both held to the deadlines of what they are doing.

use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

use crate::server::Limits;
use crate::server::Service;
use crate::server::exchange::Exchange;
use crate::server::handshake;
use crate::server::limits::Permit;
use crate::server::pulse::Phase;
use crate::server::pulse::Watch;
use crate::server::wire::Wire;

/// All that a connection needs besides its stream.
pub(super) struct Connection<S> {
    pub(super) acceptor: Option<TlsAcceptor>,
    pub(super) exchange: Exchange<S>,
}

impl<S: Service> Connection<S> {
    /// Serves the client until it leaves, a limit ends it, or the server stops.
    pub(super) async fn serve(self, stream: TcpStream, _place: Permit) {
        let wire = Wire::new(stream, Arc::clone(&self.exchange.pulse));
        let Some(acceptor) = &self.acceptor else {
            return self.converse(wire).await;
        };
        match tokio::time::timeout(self.exchange.limits.handshake, acceptor.accept(wire)).await {
            Ok(Ok(stream)) => self.converse(stream).await,
            Ok(Err(error)) => self.exchange.limits.log.line(&handshake::failure(self.exchange.source, &error)),
            Err(_) => self.exchange.limits.log.line(&handshake::overdue(self.exchange.source, self.exchange.limits.handshake)),
        }
    }

    /// Speaks HTTP until either side has had enough, and ends it in time.
    async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        self.exchange.pulse.enter(Phase::Idle);
        let mut talk = pin!(self.talk(stream));
        let mut deadline: Option<Deadline> = None;
        poll_fn(|cx| {
            loop {
                if talk.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                match self.exchange.pulse.watch(deadline.as_ref().map(|deadline| deadline.step), &self.exchange.limits) {
                    Watch::Leave => return Poll::Ready(()),
                    Watch::Same => {}
                    Watch::Anew(step, limit) => Deadline::renew(&mut deadline, step, Instant::now() + limit),
                }
                if deadline.as_mut().is_none_or(|deadline| deadline.poll_passed(cx).is_pending()) {
                    return Poll::Pending;
                }
                match self.exchange.pulse.phase() {
                    // The exchange finds this at its next poll, and words the refusal.
                    Phase::Body => self.exchange.pulse.enter(Phase::Overdue),
                    Phase::Idle => self.exchange.pulse.enter(Phase::Parting),
                    Phase::Handshake | Phase::Head | Phase::Overdue | Phase::Answering | Phase::Parting | Phase::Lingering => return Poll::Ready(()),
                }
            }
        })
        .await;
    }

    async fn talk(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let serve = service_fn(|request| self.exchange.respond(request));
        let mut hyper = builder(&self.exchange.limits).serve_connection(TokioIo::new(stream), serve);
        let end = poll_fn(|cx| {
            if self.exchange.pulse.phase() == Phase::Parting {
                Pin::new(&mut hyper).graceful_shutdown();
            }
            Pin::new(&mut hyper).poll(cx)
        });
        // An error is the client's (it left, or broke the protocol), and hyper has answered what can be answered.
        if end.await.is_ok() {
            // Done already, unless the client spoke of an upgrade: hyper then leaves the stream as it is.
            let _ = hyper.into_parts().io.into_inner().shutdown().await;
        }
    }
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    // What hyper hands over above our limit gets the service's answer, what is above this gets hyper's.
    // It must stay below 65,536: hyper panics in debug builds on a header name longer than that.
    let most = limits.head_bytes.saturating_mul(2).clamp(8192, 65_000);
    // A client may close its sending half and still wait for its answer.
    builder.half_close(true).max_buf_size(most).max_header_size(most);
    // Hyper counts this from the end of the last answer, and idle connections with it. Ours starts with the first byte.
    builder.header_read_timeout(None);
    builder
}

/// A deadline that moves with every request and costs a timer almost none of them.
///
/// A later deadline only changes `at`: the timer then fires early, once, and is set again. Only an earlier one sets it anew.
struct Deadline {
    step: u32,
    at: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    fn renew(deadline: &mut Option<Deadline>, step: u32, at: Instant) {
        match deadline {
            None => *deadline = Some(Deadline { step, at, timer: Box::pin(tokio::time::sleep_until(at)) }),
            Some(deadline) => {
                deadline.step = step;
                deadline.at = at;
                if at < deadline.timer.deadline() {
                    deadline.timer.as_mut().reset(at);
                }
            }
        }
    }

    fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.timer.deadline() >= self.at {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.at);
        }
        Poll::Pending
    }
}
