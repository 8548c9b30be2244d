//! The port itself: bound once, closed for a time without being lost to others, and open again on the same number.

use std::{future::Future, io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::server::Limits;

/// Binds one listener to an address; port 0 takes any free port.
///
/// The port may be taken again at once after a restart (`SO_REUSEADDR`). For port 0 that is asked for only after the port was
/// found: before, it would make the kernel's search take seconds once some thousands are in use.
///
/// # Errors
/// The system's, when the address is in use or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    hold(address)?.listen(BACKLOG)
}

/// Keeps a port closed, which must have been let go just before, until `over`; then listens on it again.
///
/// Clients are refused meanwhile: a socket that is bound and does not listen holds the number. Should another process have been
/// quicker, its being in the way is told, and tried anew until it has gone.
pub(super) async fn closed(
    address: SocketAddr,
    over: impl Future<Output = ()>,
    limits: &Limits,
) -> TcpListener {
    let mut held = hold(address);
    over.await;
    let mut told = false;
    loop {
        match held.and_then(|socket| socket.listen(BACKLOG)) {
            Ok(listener) => return listener,
            Err(error) => {
                if !told {
                    limits.log.line(&format!(
                        "cannot listen on {address} again, and keeps trying: {error}"
                    ));
                }
                told = true;
                tokio::time::sleep(limits.accept_pause).await;
                held = hold(address);
            }
        }
    }
}

fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // On Windows the option means something else: it lets two processes share a port.
    let reuse = cfg!(unix);
    socket.set_reuseaddr(reuse && address.port() != 0)?;
    socket.bind(address)?;
    socket.set_reuseaddr(reuse)?;
    Ok(socket)
}

/// How many clients may wait to be accepted; the system may lower it.
const BACKLOG: u32 = 4096;
