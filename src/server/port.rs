//! Binding a port; closing it for a time without losing it to others.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::server::Limits;

/// Binds one listener to an address; port 0 takes any free port.
///
/// The port may be taken again at once after a restart (`SO_REUSEADDR`). For port 0 that is asked for only after the port was
/// found: before, it would make the kernel's search take seconds once some thousands are in use.
///
/// # Errors
/// The system's, when the address is in use or not this machine's.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    hold(address)?.listen(BACKLOG)
}

/// Keeps a port closed, which must have been closed just before, until `end`; then listens again.
///
/// Clients are refused meanwhile: a socket that is bound and does not listen holds the number. Should
/// another process have been quicker, that is logged, and tried again until the port is free.
pub(super) async fn reopen(
    address: SocketAddr,
    end: impl Future<Output = ()>,
    limits: &Limits,
) -> TcpListener {
    let mut held = hold(address);
    end.await;
    let mut is_logged = false;
    loop {
        match held.and_then(|socket| socket.listen(BACKLOG)) {
            Ok(listener) => return listener,
            Err(error) => {
                if !is_logged {
                    limits.log.line(&format!(
                        "cannot listen on {address} again, and keeps trying: {error}"
                    ));
                }
                is_logged = true;
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
    // On Windows a port may be taken again at once as it is, and the option would let two programs listen on one.
    let reuse = |reuse| {
        if cfg!(unix) {
            socket.set_reuseaddr(reuse)
        } else {
            Ok(())
        }
    };
    reuse(address.port() != 0)?;
    socket.bind(address)?;
    reuse(true)?;
    Ok(socket)
}

/// How many clients may wait to be accepted; the system may lower it.
const BACKLOG: u32 = 4096;
