//! Why an appliance cannot be added to the registry.

use std::{fmt, io, net::SocketAddr};

use crate::fixture;

/// Why an appliance cannot be added. Nothing was started or changed.
#[derive(Debug)]
pub enum RegistryError {
    /// The failure mode of this name shows a certificate that is at fault, and only a generated one can be.
    Certificate {
        /// The appliance.
        name: String,
        /// Its failure mode.
        mode: String,
    },
    /// The process is ending.
    Ending,
    /// An appliance of this name is there.
    NameTaken(String),
    /// As many appliances are there as the process's descriptors allow.
    TooMany(usize),
    /// A failure mode cannot happen without TLS.
    Transport(fixture::Error),
    /// The address cannot be bound.
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
    /// The appliance of this fleet that has the port, if one has.
    pub neighbour: Option<String>,
    /// The system's reason.
    pub reason: io::Error,
}

impl std::error::Error for RegistryError {}

impl fmt::Display for RegistryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistryError::Certificate { name, mode } => {
                write!(
                    out,
                    "{name}: the failure mode {mode} shows a certificate that is at fault, and only a generated one can be"
                )
            }
            RegistryError::Ending => {
                out.write_str("the process is ending: no appliance is started any more")
            }
            RegistryError::NameTaken(name) => {
                write!(out, "an appliance named `{name}` is there already")
            }
            RegistryError::TooMany(count) => write!(
                out,
                "{count} appliances are there, and the process's open files allow no more"
            ),
            RegistryError::Transport(error) => error.fmt(out),
            RegistryError::Bind(error) => error.fmt(out),
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BindError {
            name,
            address,
            ports,
            asked: _,
            neighbour,
            reason,
        } = self;
        match (address.port(), neighbour) {
            (0, _) => write!(
                out,
                "{name} cannot listen at {} on {ports}: {reason}",
                address.ip()
            ),
            (_, Some(neighbour)) => write!(
                out,
                "{name} cannot listen on {address}, where `{neighbour}` does: {reason}"
            ),
            (_, None) => write!(out, "{name} cannot listen on {address}: {reason}"),
        }
    }
}

impl RegistryError {
    /// Returns the hint, which holds on the command line and in the control API.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            RegistryError::Certificate { .. } => "leave --tls-cert out, or the mode".to_owned(),
            RegistryError::NameTaken(_) => {
                "give it a `name` of its own, or delete the other first".to_owned()
            }
            RegistryError::TooMany(_) => {
                "delete some, or allow more open files (ulimit -n)".to_owned()
            }
            RegistryError::Bind(error) => error.hint()?,
            RegistryError::Ending | RegistryError::Transport(_) => return None,
        })
    }
}

impl BindError {
    fn hint(&self) -> Option<String> {
        match self.reason.kind() {
            io::ErrorKind::AddrInUse if self.address.port() == 0 => Some("delete an appliance, or serve with more --ports".to_owned()),
            io::ErrorKind::AddrInUse if self.asked => {
                Some(format!("the fixture asks for it; `listen: {}` takes any free port", SocketAddr::new(self.address.ip(), 0)))
            }
            io::ErrorKind::PermissionDenied => Some("ports below 1024 need privileges; take a higher one".to_owned()),
            io::ErrorKind::AddrNotAvailable => {
                Some("this machine has no such address; 127.0.0.1 is the machine itself, 0.0.0.0 every address it has".to_owned())
            }
            _ => None,
        }
    }
}
