//! What a run may change: on which host, and whose password. Pure.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{runner::accounts_file::Credentials, suite::Account};

/// Tells whether two hosts are the same, without port, case and the brackets of an IPv6 address.
pub(super) fn is_same_host(target: &str, named: &str) -> bool {
    let (target, named) = (without_port(target), without_port(named));
    match (target.parse::<IpAddr>(), named.parse::<IpAddr>()) {
        (Ok(target), Ok(named)) => target == named,
        _ => !target.is_empty() && target.eq_ignore_ascii_case(named),
    }
}

/// Returns the accounts whose password is never changed, each with the reason.
pub(super) fn protected(accounts: &BTreeMap<Account, Credentials>) -> BTreeMap<Account, String> {
    let admin = accounts.get(&Account::Admin);
    let admin = admin.map(|admin| admin.username.trim().to_ascii_lowercase());
    let mut protected = BTreeMap::new();
    for (account, credentials) in accounts {
        let name = credentials.username.trim().to_ascii_lowercase();
        if PRIVILEGED.contains(&name.as_str()) {
            let reason = format!(
                "the password of `{name}` is never changed: without it nobody can administer the appliance"
            );
            protected.insert(*account, reason);
        } else if *account == Account::Admin || admin.as_ref() == Some(&name) {
            protected.insert(*account, ACTING_ADMIN.to_owned());
        }
    }
    protected
}

/// Returns a host without its port and brackets.
fn without_port(host: &str) -> &str {
    let host = host.trim();
    if let Some(inner) = host.strip_prefix('[') {
        return inner.split(']').next().unwrap_or_default();
    }
    match host.rsplit_once(':') {
        Some((before, port))
            if !before.contains(':') && port.chars().all(|digit| digit.is_ascii_digit()) =>
        {
            before
        }
        _ => host,
    }
}

/// Users that an appliance cannot do without.
const PRIVILEGED: [&str; 5] = ["admin", "cyberx", "cyberx_host", "root", "support"];
const ACTING_ADMIN: &str =
    "the acting administrator's password is never changed: it is needed to restore the others";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::redact::Secret;

    #[rstest]
    #[case::same("10.0.0.5", "10.0.0.5", true)]
    #[case::port("10.0.0.5", "10.0.0.5:8443", true)]
    #[case::port_of_a_name("Sensor.Lab", "sensor.lab:443", true)]
    #[case::case("sensor.lab", "SENSOR.lab", true)]
    #[case::brackets("[fe80::1]", "fe80:0::1", true)]
    #[case::brackets_and_port("[::1]", "[::1]:443", true)]
    #[case::prefix("10.0.0.5", "10.0.0.50", false)]
    #[case::empty("10.0.0.5", "", false)]
    #[case::url("10.0.0.5", "https://10.0.0.5", false)]
    #[case::loopback_by_name("127.0.0.1", "localhost", false)]
    fn host_names_are_compared_without_port(
        #[case] target: &str,
        #[case] named: &str,
        #[case] same: bool,
    ) {
        assert_eq!(is_same_host(target, named), same);
    }

    #[rstest]
    #[case::root(Account::User, "root", true)]
    #[case::capitals(Account::User, "CyberX", true)]
    #[case::the_acting_admin_by_another_key(Account::User, "Boss", true)]
    #[case::the_acting_admin(Account::Admin, "boss", true)]
    #[case::anybody(Account::User, "lab-user", false)]
    fn privileged_users_are_never_changed(
        #[case] account: Account,
        #[case] name: &str,
        #[case] expected: bool,
    ) {
        let credentials = |username: &str| Credentials {
            username: username.to_owned(),
            password: Secret::new("x"),
        };
        let accounts = BTreeMap::from([
            (Account::Admin, credentials("boss")),
            (account, credentials(name)),
        ]);
        assert_eq!(protected(&accounts).contains_key(&account), expected);
    }
}
