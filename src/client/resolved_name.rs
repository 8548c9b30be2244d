//! The addresses of a target's name, asked for once.
//!
//! All requests of a run go to the same server, and a resolver that fails does not come between a change and its reversal.

use std::{net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{net::lookup_host, sync::OnceCell};

/// The addresses of the one name that a client connects to: the target's or its proxy's.
#[derive(Clone, Debug, Default)]
pub(super) struct ResolvedName(Arc<OnceCell<Vec<SocketAddr>>>);

impl Resolve for ResolvedName {
    /// Asks the system until it knows the name, and never again.
    fn resolve(&self, name: Name) -> Resolving {
        let known = Arc::clone(&self.0);
        Box::pin(async move {
            let ask = || async {
                Ok::<_, std::io::Error>(lookup_host((name.as_str(), 0)).await?.collect())
            };
            let addresses: Vec<SocketAddr> = known.get_or_try_init(ask).await?.clone();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_asked_for_until_it_is_known() {
        let resolver = ResolvedName::default();
        let ask = |name: &str| resolver.resolve(name.parse().unwrap());
        assert!(ask("unknown.invalid").await.is_err());
        let first: Vec<SocketAddr> = ask("localhost").await.unwrap().collect();
        assert!(first.iter().all(|address| address.ip().is_loopback()) && !first.is_empty());
        // A resolver that fails from now on is not noticed.
        let later: Vec<SocketAddr> = ask("unknown.invalid").await.unwrap().collect();
        assert_eq!(later, first);
    }
}
