//! The control API as the command line asks for it: bound before anything is told to be ready, ended with the appliances.

use std::{future::Future, net::SocketAddr, path::Path};

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    cli::{serve::Options, talk::Talk},
    control,
    redact::Secret,
    runner::private_file,
    server,
    server::Registry,
};

/// A control API that is bound.
pub(super) struct Control {
    listener: TcpListener,
    token: Option<Secret>,
    url: String,
}

/// A control API that answers.
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// Reads the token, where there is to be one.
///
/// # Errors
/// A file that others may read, or that holds no token; a control API that others could reach without one.
pub(super) fn token(options: &Options) -> Result<Option<Secret>, String> {
    let token = options
        .control_token_file
        .as_deref()
        .map(read)
        .transpose()?;
    match options.control {
        Some(address) if token.is_none() && !address.ip().is_loopback() => Err(format!(
            "--control {address} could be reached from other machines, and whoever asks it can do everything\n  hint: --control 127.0.0.1:{}, or --control-token-file FILE",
            address.port()
        )),
        _ => Ok(token),
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let text = private_file::read(
        path,
        "the token file",
        "write the token into a file of its own",
    )?;
    let token = text.trim_end_matches(['\n', '\r']);
    if token.is_empty() {
        return Err(format!(
            "the token file {shown} is empty\n  hint: openssl rand -hex 32 > {shown}"
        ));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "the token in {shown} cannot be sent in a header, expected one line of visible ASCII without blanks"
        ));
    }
    Ok(Secret::new(token))
}

impl Control {
    /// Binds the control API, where one is asked for.
    ///
    /// # Errors
    /// Why it cannot be bound, and what can be done.
    pub(super) fn bind(
        options: &Options,
        token: Option<Secret>,
    ) -> Result<Option<Control>, String> {
        let Some(address) = options.control else {
            return Ok(None);
        };
        let anywhere = SocketAddr::new(address.ip(), 0);
        let unbound = |error| {
            format!(
                "the control API cannot listen on {address}: {error}\n  hint: --control {anywhere} takes any free port"
            )
        };
        let listener = server::bind(address).map_err(unbound)?;
        let url = format!(
            "http://{}",
            server::reachable(listener.local_addr().map_err(unbound)?)
        );
        Ok(Some(Control {
            listener,
            token,
            url,
        }))
    }

    /// Returns a URL that a client on this machine can use.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Answers from now on.
    #[expect(
        clippy::disallowed_methods,
        reason = "the control API is one task of the runtime it was started in"
    )]
    pub(super) fn start(self, fleet: Registry, talk: Talk) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            // A sender that is dropped without a word means the same.
            if let Err(error) = control::serve(self.listener, fleet, self.token, async {
                drop(stopped.await)
            })
            .await
            {
                talk.error(format!("serving the control API: {error}"));
            }
        });
        Running { stop, served }
    }
}

impl Running {
    /// Stops answering at once; what is returned completes when its connections are gone.
    pub(super) fn end(self) -> impl Future<Output = ()> {
        drop(self.stop);
        // A runtime that is shut down meanwhile cancels it, which is an end as well.
        async move { drop(self.served.await) }
    }
}
