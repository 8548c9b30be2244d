//! As whom `serve` speaks TLS: with a certificate that it makes, or one of the user's.

use std::{fs, io::Write, path::Path};

use crate::{
    cli::{
        error::{CliError, Result, read_text},
        serve::ServeArgs,
    },
    runner::private_file,
    server::tls::{self, Identity, IdentityError},
    system::open_private,
};

/// Returns the identity that the options describe; none over plain HTTP.
pub(super) fn identity(options: &ServeArgs) -> Result<Option<Identity>> {
    if options.http {
        return Ok(None);
    }
    let identity = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => {
            let identity = Identity::from_pem(&read_text(certificate)?, &read_text(key)?);
            let (certificate, key) = (certificate.display(), key.display());
            identity.map_err(|error| {
                CliError::usage(format!(
                    "cannot use certificate {certificate} with key {key}: {error}"
                ))
            })
        }
        _ => {
            let certificate = options.ca_cert.as_deref().map(read_text).transpose()?;
            let key = |path| ca_key(path, certificate.is_some());
            let key = options.ca_key.as_deref().map(key).transpose()?;
            let identity =
                Identity::issued_by(key.as_deref(), certificate.as_deref(), &names(options));
            identity.map_err(|error| match (error, &options.ca_key) {
                (IdentityError::BadName(name), _) => CliError::usage(format!(
                    "--san {name}: expected a host name or an IP address, without a port"
                )),
                (error, Some(path)) => {
                    let message = format!("--ca-key {}: {error}", path.display());
                    let hint = "name a file that is not there: it is written".to_owned();
                    CliError::usage(message).with_hint(certificate.is_none().then_some(hint))
                }
                (error, None) => CliError::usage(error),
            })
        }
    };
    let Some(path) = &options.client_ca else {
        return identity.map(Some);
    };
    let wrong = |error| CliError::usage(format!("--client-ca {}: {error}", path.display()));
    let asking = identity?.with_client_ca(&read_text(path)?);
    asking.map(Some).map_err(wrong)
}

/// Reads the key of the CA, or makes that of a generated one at the first start.
fn ca_key(path: &Path, has_certificate: bool) -> Result<String> {
    let failed = |error| CliError::usage(format!("cannot write {}: {error}", path.display()));
    if has_certificate || path.exists() {
        let read = private_file::read(path, "the CA's key", "name a file of its own");
        return read.map_err(CliError::usage);
    }
    let key = tls::new_key().map_err(CliError::usage)?;
    let mut options = fs::OpenOptions::new();
    let file = open_private(options.write(true).create_new(true), path);
    let written = file.and_then(|mut file| file.write_all(key.as_bytes()));
    written.map(|()| key).map_err(failed)
}

/// The names of the certificate beside those of this machine.
fn names(options: &ServeArgs) -> Vec<String> {
    let advertised = options.advertise.iter().cloned();
    options.san.iter().cloned().chain(advertised).collect()
}
