//! The control API and the address for probes: bound before anything is announced, ended with the appliances.

use std::{env, fs, future::Future, net::SocketAddr, path::Path};

use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    cli::{
        console::Console,
        error::{CliError, Result, read_text},
        serve::ServeArgs,
    },
    control,
    redact::Secret,
    server,
    server::{PinnedFuture, Registry},
    system,
};

/// A listener of the process itself.
pub(super) struct Listener {
    listener: TcpListener,
    /// A URL that a client can use.
    pub(super) url: String,
}

/// Reads the token of the control API, if there is one: of the named file, else of the environment.
///
/// # Errors
/// A file that others may write, or that has no token; no token for an API that other machines can reach.
pub(super) fn token(options: &ServeArgs) -> Result<Option<Secret>> {
    let token = match (&options.control_token_file, env::var(TOKEN)) {
        (Some(path), _) => Some(read_token(path)?),
        (None, Ok(token)) if !token.is_empty() => Some(checked(&token, TOKEN)?),
        _ => None,
    };
    match options.control {
        Some(address) if token.is_none() && !address.ip().is_loopback() => {
            let port = address.port();
            Err(CliError::usage(format!(
                "--control {address}: other machines could use the control API without a token"
            ))
            .hint(format!(
                "--control 127.0.0.1:{port}, or --control-token-file FILE, or a token in {TOKEN}"
            )))
        }
        _ => Ok(token),
    }
}

/// Secrets that an orchestrator mounts may be read by others in the container, or come through a pipe.
fn read_token(path: &Path) -> Result<Secret> {
    let shown = path.display();
    if let Ok(metadata) = fs::metadata(path)
        && metadata.is_file()
        && let Some([fault, hint]) = system::other_writers(&metadata, path)
    {
        return Err(CliError::usage(format!("the token file {shown} {fault}")).hint(hint));
    }
    let text = read_text(path)?;
    let token = text.trim_end_matches(['\n', '\r']);
    if token.is_empty() {
        return Err(CliError::usage(format!("the token file {shown} is empty"))
            .hint(format!("openssl rand -hex 32 > {shown}")));
    }
    checked(token, &shown.to_string())
}

fn checked(token: &str, place: &str) -> Result<Secret> {
    if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret::new(token));
    }
    Err(CliError::usage(format!(
        "the token in {place} cannot be sent in a header, expected one line of visible ASCII without blanks"
    )))
}

impl Listener {
    /// Binds the control API, where one is asked for.
    pub(super) fn control(options: &ServeArgs) -> Result<Option<Listener>> {
        let host = options.advertise.as_deref();
        let bind = |address| Listener::bind(host, "the control API", "--control", address);
        options.control.map(bind).transpose()
    }

    /// Binds the address for probes: the one that is named, else a free one of this machine where a ready file tells it.
    pub(super) fn health(options: &ServeArgs) -> Result<Option<Listener>> {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = options.health.or(options.ready_file.as_ref().map(|_| free));
        // An advertised name is for other machines: this one may not resolve it.
        let bind = |address| Listener::bind(None, "the address for probes", "--health", address);
        address.map(bind).transpose()
    }

    /// # Errors
    /// Why it cannot be bound, and what can be done.
    fn bind(host: Option<&str>, what: &str, option: &str, address: SocketAddr) -> Result<Listener> {
        let anywhere = SocketAddr::new(address.ip(), 0);
        let unbound = |error| {
            CliError::usage(format!("{what} cannot listen on {address}: {error}"))
                .hint(format!("{option} {anywhere} takes any free port"))
        };
        let listener = server::bind(address).map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let url = server::url("http", host, address);
        Ok(Listener { listener, url })
    }

    /// Answers the control API from now on.
    pub(super) fn serve_control(
        self,
        registry: Registry,
        token: Option<Secret>,
        console: Console,
    ) -> impl Future<Output = ()> {
        until_dropped(move |stopped| async move {
            let served = control::serve(self.listener, registry, token, stopped).await;
            if let Err(error) = served {
                console.error(format!("the control API ended: {error}"));
            }
        })
    }

    /// Answers probes from now on.
    pub(super) fn serve_health(self) -> impl Future<Output = ()> {
        until_dropped(move |stopped| control::serve_health(self.listener, stopped))
    }
}

/// Runs a server as a task. What is returned ends it, and completes when it has ended.
#[expect(
    clippy::disallowed_methods,
    reason = "each is one task of the runtime it was started in"
)]
fn until_dropped<F: Future<Output = ()> + Send + 'static>(
    serve: impl FnOnce(Stopped) -> F,
) -> impl Future<Output = ()> {
    let (stop, stopped) = oneshot::channel::<()>();
    // A sender that is dropped without a word means the same.
    let served = tokio::spawn(serve(Box::pin(async { drop(stopped.await) })));
    async move {
        drop(stop);
        drop(served.await);
    }
}

type Stopped = PinnedFuture<'static>;

/// The variable that holds the token. There is no such option: others can read the command line.
pub(super) const TOKEN: &str = "D4IOT_DOUBLE_CONTROL_TOKEN";
