//! A sensor that fails as a row says, on a clock that stands still.

use std::{future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use d4iot_double::{
    failure::TlsMissing,
    fixture, server,
    server::{Limits, MockAppliance, RunningAppliance, tls::Identity},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::failure_table::{
    rows::{About, Row},
    served::{Program, Served},
};

pub(crate) struct Bench {
    host: Host,
    identity: Option<Identity>,
    quiet: Duration,
}

enum Host {
    Here(RunningAppliance),
    Served(Served),
}

impl Bench {
    /// Starts one, observed with so long a pause for nothing to come, that fails on the first request, on the second of a connection that is kept, or from the second connection on.
    ///
    /// # Errors
    /// The row needs TLS, and there is none.
    ///
    /// With a program, its appliance is asked and not one of this process.
    pub(crate) fn start(
        row: &Row,
        identity: Option<&Identity>,
        kept: bool,
        quiet: Duration,
        program: Option<&Arc<Program>>,
    ) -> Result<Bench, TlsMissing> {
        let when = match (row.about, kept) {
            (About::Connection, _) if row.act.starts_with("down") => "calls: [2]",
            (About::Connection, _) => "after: 1",
            (About::Answer | About::State, false) => "calls: [1]",
            (About::Answer | About::State, true) => "calls: [2], per: connection",
        };
        let text = format!(
            "appliance: sensor\nseed: 7\nfailures:\n  - name: row\n    when: {{ {when} }}\n    do: {{ {} }}\n",
            row.act
        );
        let fixture = fixture::read("row.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
        fixture.check_transport(identity.is_some())?;
        if let Some(program) = program {
            return Ok(Bench {
                host: Host::Served(program.sensor(&text)),
                identity: identity.cloned(),
                quiet,
            });
        }
        let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let host = MockAppliance::new(fixture.appliance(), fixture.schedule(7));
        host.clock().freeze();
        Ok(Bench {
            host: Host::Here(
                RunningAppliance::serve(listener, host, identity, Limits::default()).unwrap(),
            ),
            identity: identity.cloned(),
            quiet,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match &self.host {
            Host::Here(double) => double.address(),
            Host::Served(sensor) => sensor.address,
        }
    }

    pub(crate) fn ca_pem(&self) -> Option<&str> {
        match &self.host {
            Host::Here(_) => self.identity.as_ref().map(|own| own.ca_pem().unwrap()),
            Host::Served(sensor) => sensor.program().ca_pem(),
        }
    }

    pub(crate) fn url(&self, operation: &str) -> String {
        format!(
            "{}://localhost:{}/api/external/authentication/{operation}",
            if self.identity.is_some() {
                "https"
            } else {
                "http"
            },
            self.address().port()
        )
    }

    pub(crate) fn advance(&self, time: Duration) {
        match &self.host {
            Host::Here(double) => double.appliance().clock().advance(time),
            Host::Served(sensor) => sensor.advance(time),
        }
    }

    /// Gives the double time for what it does by itself.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(self.quiet).await;
    }

    /// Waits for what comes, and lets the clock go on where nothing does. None: nothing ever comes. `spent` is what it cost.
    pub(crate) async fn patiently<T>(
        &self,
        spent: &mut Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        for _ in 0..STEPS {
            if let Ok(done) = tokio::time::timeout(self.quiet, &mut future).await {
                return Some(done);
            }
            self.advance(STEP);
            *spent += STEP;
        }
        self.advance(Duration::from_secs(3600));
        tokio::time::timeout(self.quiet, &mut future).await.ok()
    }

    /// Returns a client of TLS that trusts the CA and is strict.
    pub(crate) fn tls(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.ca_pem().unwrap().as_bytes()).unwrap())
            .unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ));
        let mut config = builder
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// A user's password before and after its change.
pub(crate) const OLD: &str = "Test12345!";
pub(crate) const NEW: &str = "Later12345!";

/// Returns the body of the row's request.
pub(crate) fn asked(about: About) -> (&'static str, String) {
    match about {
        About::Answer | About::Connection => ("validation", valid(OLD)),
        About::State => ("set_password", change()),
    }
}

/// Returns the body of a validation.
pub(crate) fn valid(password: &str) -> String {
    serde_json::json!({ "username": "test", "password": password }).to_string()
}

fn change() -> String {
    serde_json::json!({ "username": "test", "password": OLD, "new_password": NEW }).to_string()
}

const STEP: Duration = Duration::from_millis(100);
/// No row's single wait is longer than so many steps.
const STEPS: u32 = 6;
