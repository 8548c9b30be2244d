//! One connection: its greeting, the handshake, then hyper, all held to the deadlines of what they are doing.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use hyper::{server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Sleep};
use tokio_rustls::TlsAcceptor;

use crate::{
    clock,
    failure::{Handshake, TlsFailure},
    journal::Wall,
    server::{
        Limits, Service,
        bell::Bells,
        carry::{Above, Carry},
        exchange,
        exchange::Exchange,
        handshake,
        limits::Permit,
        pulse::{Phase, Watch},
        tls::Identity,
        wire::Wire,
    },
};

/// All that a connection needs besides its stream.
pub(super) struct Connection<S: Service> {
    pub(super) tls: Option<Tls>,
    pub(super) exchange: Exchange<S>,
    /// What a failure mode does before any request.
    pub(super) greeting: Option<TlsFailure>,
}

/// How a server speaks TLS: as it should, and as whom it can misbehave.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    pub(super) identity: Identity,
}

impl<S: Service> Connection<S> {
    /// Serves the client until it leaves, a limit ends it, or the server stops.
    pub(super) async fn serve(self, stream: TcpStream, _place: Permit) {
        let mut wire = Wire::new(stream, Arc::clone(&self.exchange.pulse));
        let Some(tls) = &self.tls else {
            return self.converse(wire).await;
        };
        let acceptor = match &self.greeting {
            None => tls.acceptor.clone(),
            Some(greeting) => match greeting.handshake {
                // A client that says nothing is not waited for longer than any other.
                Some(Handshake::Abort) => {
                    if tokio::time::timeout(
                        self.exchange.limits.handshake,
                        handshake::hello(&mut wire),
                    )
                    .await
                    .is_ok()
                    {
                        self.exchange.pulse.sever();
                    }
                    return;
                }
                Some(Handshake::Plaintext) => return self.converse(wire).await,
                // The limit of a handshake is a promise of a server that is well.
                Some(Handshake::Stall) => return handshake::drain(&mut wire).await,
                None => match tls.identity.misbehaving(greeting) {
                    Ok(config) => TlsAcceptor::from(config),
                    Err(error) => {
                        return self.exchange.limits.log.line(&format!(
                            "TLS handshake with {}: {error}",
                            self.exchange.client.source
                        ));
                    }
                },
            },
        };
        match tokio::time::timeout(self.exchange.limits.handshake, acceptor.accept(wire)).await {
            Ok(Ok(stream)) => self.converse(stream).await,
            Ok(Err(error)) => self
                .exchange
                .limits
                .log
                .line(&handshake::failure(self.exchange.client.source, &error)),
            Err(_) => self.exchange.limits.log.line(&handshake::overdue(
                self.exchange.client.source,
                self.exchange.limits.handshake,
            )),
        }
    }

    /// Speaks HTTP until either side has had enough, and ends it in time.
    async fn converse(&self, stream: impl Above) {
        self.exchange.pulse.enter(Phase::Idle);
        let mut talk = pin!(self.talk(stream));
        let mut deadline: Option<Deadline> = None;
        let mut bells = Bells::default();
        poll_fn(|cx| {
            loop {
                if bells
                    .poll(talk.as_mut(), cx, || {
                        self.exchange.pulse.take_rung_for_nothing()
                    })
                    .is_ready()
                {
                    return Poll::Ready(());
                }
                // An answer that has just gone has asked the time already.
                let gone = self.exchange.owed.take_gone();
                match self.exchange.pulse.watch(
                    deadline.as_ref().map(|deadline| deadline.step),
                    &self.exchange.limits,
                ) {
                    Watch::Leave => return Poll::Ready(()),
                    Watch::Same => {}
                    Watch::Anew(step, limit) => Deadline::renew(
                        &mut deadline,
                        step,
                        gone.unwrap_or_else(clock::wall).plus(limit),
                    ),
                }
                if deadline
                    .as_mut()
                    .is_none_or(|deadline| deadline.poll_passed(cx).is_pending())
                {
                    return Poll::Pending;
                }
                match self.exchange.pulse.phase() {
                    // The exchange finds this at its next poll, and words the refusal.
                    Phase::Body => self.exchange.pulse.enter(Phase::Overdue),
                    Phase::Idle => self.exchange.pulse.enter(Phase::Parting),
                    Phase::Handshake
                    | Phase::Head
                    | Phase::Overdue
                    | Phase::Answering
                    | Phase::Held
                    | Phase::Parting
                    | Phase::Lingering => {
                        self.exchange.pulse.end_it();
                        return Poll::Ready(());
                    }
                }
            }
        })
        .await;
    }

    async fn talk(&self, stream: impl Above) {
        let serve = service_fn(|request| exchange::respond(request, &self.exchange));
        let flushed = || self.exchange.flushed();
        let carry = Carry::new(
            stream,
            Arc::clone(&self.exchange.pulse),
            self.exchange.service.clock().clone(),
            flushed,
        );
        let mut hyper = builder(&self.exchange.limits).serve_connection(TokioIo::new(carry), serve);
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
    builder
        .half_close(true)
        .max_buf_size(most)
        .max_header_size(most);
    // Answers are small: to copy one behind its head costs less than a list of two pieces, here and in the system.
    builder.writev(false);
    // Hyper counts this from the end of the last answer, and idle connections with it. Ours starts with the first byte.
    builder.header_read_timeout(None);
    builder
}

/// A deadline that moves with every request and costs a timer almost none of them.
///
/// A later deadline only changes `at`: the timer then fires early, once, and is set again. Only an earlier one sets it anew.
struct Deadline {
    step: u32,
    at: Wall,
    timer: Pin<Box<Sleep>>,
    /// When the timer fires.
    fires: Wall,
    /// Whom the timer wakes; nobody until it is polled.
    wakes: Option<Waker>,
}

impl Deadline {
    fn renew(deadline: &mut Option<Deadline>, step: u32, at: Wall) {
        match deadline {
            None => {
                let timer = Box::pin(tokio::time::sleep_until(clock::instant(at).into()));
                *deadline = Some(Deadline {
                    step,
                    at,
                    timer,
                    fires: at,
                    wakes: None,
                });
            }
            Some(deadline) => {
                deadline.step = step;
                deadline.at = at;
                if at < deadline.fires {
                    deadline.set();
                    deadline.wakes = None;
                }
            }
        }
    }

    /// Sets the timer to what is waited for now.
    fn set(&mut self) {
        self.fires = self.at;
        self.timer.as_mut().reset(clock::instant(self.at).into());
    }

    fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Polled with every request it would cost more than all the rest of a deadline.
        if !self.timer.is_elapsed()
            && self
                .wakes
                .as_ref()
                .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            return Poll::Pending;
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.fires >= self.at {
                return Poll::Ready(());
            }
            self.set();
        }
        self.wakes = Some(cx.waker().clone());
        Poll::Pending
    }
}
