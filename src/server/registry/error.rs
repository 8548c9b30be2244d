//! Why an appliance cannot be added to the registry.

use std::{fmt, io, net::SocketAddr};

use thiserror::Error;

use crate::failure::TlsMissing;

/// Why an appliance cannot be added. Nothing was started or changed.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The failure mode of this name shows a certificate that is at fault, and only a generated one can be.
    #[error(
        "{name}: the failure mode {mode} shows a certificate that is at fault, and only a generated one can be"
    )]
    Certificate {
        /// The appliance.
        name: String,
        /// Its failure mode.
        mode: String,
    },
    /// The process is ending.
    #[error("the process is ending: no appliance is started any more")]
    Ending,
    /// An appliance of this name is there.
    #[error("an appliance named `{0}` is there already")]
    NameTaken(String),
    /// As many appliances are there as the process's descriptors allow.
    #[error("the process may not open enough files for `{0}` beside the appliances before it")]
    TooMany(String),
    /// A failure mode cannot happen without TLS.
    #[error("{0}: {1}")]
    Transport(String, TlsMissing),
    /// The address cannot be bound.
    #[error("{0}")]
    Bind(BindError),
}

/// An address that cannot be bound.
#[derive(Debug)]
pub struct BindError {
    /// The appliance.
    pub name: String,
    /// The address it was to have; port 0 where none of those to choose from could be had.
    pub address: SocketAddr,
    /// The ports there were to choose from.
    pub ports: String,
    /// Whether its fixture asks for this address.
    pub asked: bool,
    /// The appliance of this process that has the port, if one has.
    pub neighbour: Option<String>,
    /// The system's reason.
    pub reason: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        let place = match (address.port(), &self.neighbour) {
            (0, _) => format!("at {} on {}", address.ip(), self.ports),
            (_, Some(other)) => format!("on {address}, where `{other}` does"),
            (_, None) => format!("on {address}"),
        };
        write!(out, "{} cannot listen {place}: {}", self.name, self.reason)
    }
}

impl RegistryError {
    /// Returns the hint, which holds on the command line and in the control API.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            RegistryError::Certificate { .. } => "leave --tls-cert out, or the mode",
            RegistryError::NameTaken(_) => "give it a `name` of its own, or delete the other first",
            RegistryError::TooMany(_) => {
                "allow more open files (ulimit -n), or have fewer appliances"
            }
            RegistryError::Bind(error) => match error.reason.kind() {
                io::ErrorKind::AddrInUse if error.address.port() == 0 => {
                    "delete an appliance, or serve with more --ports"
                }
                io::ErrorKind::AddrInUse if error.asked => {
                    let any = SocketAddr::new(error.address.ip(), 0);
                    let hint =
                        format!("the fixture asks for it; `listen: {any}` takes any free port");
                    return Some(hint);
                }
                io::ErrorKind::PermissionDenied if cfg!(windows) => {
                    "another program has the port to itself, or Windows reserves it (netsh int ipv4 show excludedportrange tcp); take another one"
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need privileges; take a higher one"
                }
                io::ErrorKind::AddrNotAvailable => {
                    "this machine has no such address; 127.0.0.1 is the machine itself, 0.0.0.0 every address it has"
                }
                _ => return None,
            },
            RegistryError::Transport(..) => TlsMissing::HINT,
            RegistryError::Ending => return None,
        };
        Some(hint.to_owned())
    }
}
