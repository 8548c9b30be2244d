//! The control API of `serve`: bound before anything is announced, ended with the appliances.

use std::{future::Future, net::SocketAddr, path::Path};

use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    cli::{
        console::Console,
        error::{CliError, Result},
        serve::ServeArgs,
    },
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
    /// A URL that a client on this machine can use.
    pub(super) url: String,
}

/// Reads the token, if one is named.
///
/// # Errors
/// A file that others may read, or that has no token; no token for an API that other machines can reach.
pub(super) fn token(options: &ServeArgs) -> Result<Option<Secret>> {
    let token = options.control_token_file.as_deref();
    let token = token.map(read_token).transpose()?;
    match options.control {
        Some(address) if token.is_none() && !address.ip().is_loopback() => {
            let port = address.port();
            Err(CliError::usage(format!(
                "--control {address}: other machines could use the control API without a token"
            ))
            .hint(format!(
                "--control 127.0.0.1:{port}, or --control-token-file FILE"
            )))
        }
        _ => Ok(token),
    }
}

fn read_token(path: &Path) -> Result<Secret> {
    let shown = path.display();
    let advice = "write the token into a file of its own";
    let text = private_file::read(path, "the token file", advice).map_err(CliError::usage)?;
    let token = text.trim_end_matches(['\n', '\r']);
    if token.is_empty() {
        return Err(CliError::usage(format!("the token file {shown} is empty"))
            .hint(format!("openssl rand -hex 32 > {shown}")));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CliError::usage(format!(
            "the token in {shown} cannot be sent in a header, expected one line of visible ASCII without blanks"
        )));
    }
    Ok(Secret::new(token))
}

impl Control {
    /// Binds the control API, where one is asked for.
    ///
    /// # Errors
    /// Why it cannot be bound, and what can be done.
    pub(super) fn bind(options: &ServeArgs, token: Option<Secret>) -> Result<Option<Control>> {
        let Some(address) = options.control else {
            return Ok(None);
        };
        let anywhere = SocketAddr::new(address.ip(), 0);
        let unbound = |error| {
            CliError::usage(format!(
                "the control API cannot listen on {address}: {error}"
            ))
            .hint(format!("--control {anywhere} takes any free port"))
        };
        let listener = server::bind(address).map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let url = format!("http://{}", server::reachable(address));
        Ok(Some(Control {
            listener,
            token,
            url,
        }))
    }

    /// Answers from now on.
    #[expect(
        clippy::disallowed_methods,
        reason = "the control API is one task of the runtime it was started in"
    )]
    pub(super) fn start(self, registry: Registry, console: Console) -> impl Future<Output = ()> {
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            // A sender that is dropped without a word means the same.
            let stopped = async { drop(stopped.await) };
            let served = control::serve(self.listener, registry, self.token, stopped).await;
            if let Err(error) = served {
                console.error(format!("the control API ended: {error}"));
            }
        });
        async move {
            drop(stop);
            drop(served.await);
        }
    }
}
