//! What a run may change: on which host, and whose password. Pure.

use std::net::IpAddr;

use crate::conformance::Account;

/// Tells whether two hosts are one: without port, without regard to case or to an IPv6 address's brackets.
///
/// ```
/// # use d4iot_double::runner::consent::same_host;
/// assert!(same_host("Sensor.Lab", "sensor.lab:443"));
/// assert!(same_host("[::1]", "::1"));
/// assert!(!same_host("10.0.0.5", "10.0.0.50"));
/// ```
pub fn same_host(target: &str, named: &str) -> bool {
    let (target, named) = (bare(target), bare(named));
    match (target.parse::<IpAddr>(), named.parse::<IpAddr>()) {
        (Ok(target), Ok(named)) => target == named,
        _ => !target.is_empty() && target.eq_ignore_ascii_case(named),
    }
}

/// Tells why an account's password is never changed, whoever consents.
pub fn protected(account: Account, username: &str, admin: Option<&str>) -> Option<String> {
    let name = username.trim();
    if let Some(privileged) = PRIVILEGED
        .iter()
        .find(|privileged| name.eq_ignore_ascii_case(privileged))
    {
        return Some(format!(
            "the password of `{privileged}` is never changed: whoever loses it is locked out of the appliance"
        ));
    }
    let acting = account == Account::Admin
        || admin.is_some_and(|admin| admin.trim().eq_ignore_ascii_case(name));
    acting.then(|| "the acting administrator's password is never changed: it is needed to give the others back".to_owned())
}

/// A host without its port and brackets.
fn bare(host: &str) -> &str {
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

/// Users that an appliance cannot do without (see domain notes in the README).
const PRIVILEGED: [&str; 5] = ["admin", "cyberx", "cyberx_host", "root", "support"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same("10.0.0.5", "10.0.0.5", true)]
    #[case::port("10.0.0.5", "10.0.0.5:8443", true)]
    #[case::case("sensor.lab", "SENSOR.lab", true)]
    #[case::brackets("[fe80::1]", "fe80:0::1", true)]
    #[case::brackets_and_port("[::1]", "[::1]:443", true)]
    #[case::prefix("10.0.0.5", "10.0.0.50", false)]
    #[case::empty("10.0.0.5", "", false)]
    #[case::url("10.0.0.5", "https://10.0.0.5", false)]
    #[case::loopback_by_name("127.0.0.1", "localhost", false)]
    fn one_host(#[case] target: &str, #[case] named: &str, #[case] same: bool) {
        assert_eq!(same_host(target, named), same);
    }

    #[rstest]
    #[case::root(Account::User, "root", true)]
    #[case::capitals(Account::User, "CyberX", true)]
    #[case::the_acting_admin_by_another_key(Account::User, "Boss", true)]
    #[case::the_acting_admin(Account::Admin, "boss", true)]
    #[case::anybody(Account::User, "lab-user", false)]
    fn privileged_users_are_left_alone(
        #[case] account: Account,
        #[case] name: &str,
        #[case] left_alone: bool,
    ) {
        assert_eq!(protected(account, name, Some("boss")).is_some(), left_alone);
    }
}
