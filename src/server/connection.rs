//! One connection: the handshake, then hyper, both held to the limits of what they are doing.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, ready},
};

use hyper::{server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::{
    clock,
    failure::TlsFailure,
    journal::Progress,
    server::{
        Client, Limits, Service,
        connection_state::{ConnectionState, NextWait, Phase},
        exchange, handshake,
        limits::Permit,
        script::ScriptedStream,
        stream::{TrackedStream, Transport},
        tls::Identity,
    },
};

/// What all requests of one connection share.
pub(super) struct Connection {
    pub(super) service: Arc<dyn Service>,
    pub(super) limits: Arc<Limits>,
    pub(super) state: Arc<ConnectionState>,
    pub(super) client: Client,
}

impl Connection {
    /// Serves the client until it leaves, a limit ends the connection, or the server stops.
    pub(super) async fn serve(
        self,
        stream: TcpStream,
        identity: Option<Identity>,
        failure: Option<TlsFailure>,
        _permit: Permit,
    ) {
        let stream = TrackedStream::new(stream, Arc::clone(&self.state));
        let transport = match &identity {
            None => Some(Transport::Plain(stream)),
            Some(identity) => handshake::accept(&self, stream, identity, failure).await,
        };
        if let Some(transport) = transport {
            Arc::new(self).serve_http(transport).await;
        }
    }

    /// Speaks HTTP until either side ends the connection, and ends it in time.
    async fn serve_http(self: Arc<Connection>, transport: Transport) {
        let Connection { state, limits, .. } = &*self;
        state.set(Phase::Idle);
        let mut http = pin!(async {
            let stream = TokioIo::new(ScriptedStream::new(transport, Arc::clone(&self)));
            let respond = service_fn(|request| exchange::respond(request, &self));
            let mut hyper = hyper_builder(limits).serve_connection(stream, respond);
            let served = poll_fn(|cx| {
                if state.phase() == Phase::Closing {
                    Pin::new(&mut hyper).graceful_shutdown();
                }
                Pin::new(&mut hyper).poll(cx)
            });
            // An error is the client's, and hyper has answered what can be answered.
            if served.await.is_ok() {
                // Hyper did it, unless the client asked for an upgrade.
                let _ = hyper.into_parts().io.into_inner().shutdown().await;
            }
        });
        let mut timer = pin!(sleep(limits.idle));
        let mut last = None;
        poll_fn(|cx| {
            loop {
                if http.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                match state.next_wait(last, limits) {
                    NextWait::End => return Poll::Ready(()),
                    NextWait::Same => {}
                    NextWait::New(restarts, limit) => {
                        last = Some(restarts);
                        timer.as_mut().reset(Instant::now() + limit);
                    }
                }
                ready!(timer.as_mut().poll(cx));
                if !state.on_timeout() {
                    return Poll::Ready(());
                }
            }
        })
        .await;
    }

    /// Completes the journal entries of the answers that were given to hyper.
    pub(super) fn complete_pending(&self, progress: Progress) {
        let pending = self.state.take_pending();
        if pending.is_empty() {
            return;
        }
        let now = clock::instant();
        for (entry, status) in pending {
            self.service.complete(entry, status, progress, now);
        }
    }
}

/// However a connection ends, its answers have ended.
impl Drop for Connection {
    fn drop(&mut self) {
        self.complete_pending(if self.state.is_closed_by_server() {
            Progress::Cut
        } else {
            Progress::Left
        });
    }
}

fn hyper_builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    // A head above our limit gets the service's answer, one above this limit gets hyper's.
    // It must stay below 65,536: hyper panics in debug builds on a longer header name.
    let max_bytes = limits.head_bytes.saturating_mul(2).clamp(8192, 65_000);
    builder
        // A client may close its sending half and still wait for its answer.
        .half_close(true)
        .max_buf_size(max_bytes)
        .max_header_size(max_bytes)
        // Answers are small: a copy behind the head costs less than a list of two pieces.
        .writev(false)
        // Hyper's starts at the end of the last answer, ours with the first byte of a head.
        .header_read_timeout(None);
    builder
}
