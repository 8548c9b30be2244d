//! What a run may change: on which host, and whose password. Pure.

use std::{collections::BTreeMap, net::IpAddr};

use reqwest::Url;

use super::{error::LiveError, undo::change};
use crate::{
    contract::{Contract, Readings},
    report::{NotJudged, ReasonCode},
    runner::{accounts_file::Credentials, transcript::shown_request},
    suite::{Account, Case, Placeholder, Property},
};

/// Returns whether a consent names a target: its host, without case and the brackets of an IPv6 address, and its port if one is named.
pub(super) fn is_target(url: &Url, named: &str) -> bool {
    let (named, port) = host_and_port(named.trim());
    let target = url.host_str().unwrap_or_default();
    let is_same_host = match (host_and_port(target).0.parse(), named.parse()) {
        (Ok::<IpAddr, _>(target), Ok::<IpAddr, _>(named)) => target == named,
        _ => !target.is_empty() && target.eq_ignore_ascii_case(named),
    };
    let own = url.port_or_known_default().map(|port| port.to_string());
    is_same_host && port.is_none_or(|port| own.as_deref() == Some(port))
}

/// Refuses two accounts with one user name: what is done to one would be done to the other.
pub(super) fn refuse_one_name(accounts: &BTreeMap<Account, Credentials>) -> Result<(), LiveError> {
    let mut names = BTreeMap::new();
    for (account, Credentials { username, .. }) in accounts {
        if let Some(other) = names.insert(username, account) {
            return Err(LiveError::Unusable(format!(
                "accounts `{other}` and `{account}` have one user name, `{username}`"
            )));
        }
    }
    Ok(())
}

/// Returns the accounts whose password is never changed, each with the reason.
pub(super) fn protected(accounts: &BTreeMap<Account, Credentials>) -> BTreeMap<Account, String> {
    let name = |one: &Credentials| one.username.trim().to_ascii_lowercase();
    let admin = accounts.get(&Account::Admin).map(name);
    let protected = accounts.iter().filter_map(|(account, credentials)| {
        let name = name(credentials);
        let is_admin = *account == Account::Admin || admin.as_ref() == Some(&name);
        let reason = match PRIVILEGED.contains(&name.as_str()) {
            true => format!(
                "the password of `{name}` is never changed: without it nobody can administer the appliance"
            ),
            false => is_admin.then(|| ACTING_ADMIN.to_owned())?,
        };
        Some((*account, reason))
    });
    protected.collect()
}

/// Returns why a case cannot be judged that sends the password of one account for another: the two have the same one.
pub(super) fn refuse_one_password(
    case: &Case,
    contract: &Contract,
    accounts: &BTreeMap<Account, Credentials>,
) -> Option<NotJudged> {
    let own = |account| accounts.get(&account).map(|own| &own.password);
    case.steps.iter().find_map(|step| {
        let shown = shown_request(step, contract, &Readings::default()).ok()?;
        let sent = change::credentials(shown.body(), step.ask)?;
        let user: Placeholder = sent.username.parse().ok()?;
        let password: Placeholder = sent.password.expose().parse().ok()?;
        let (one, other) = (user.account, password.account);
        let is_one = one != other && own(one).is_some() && own(one) == own(other);
        let text = format!("`{one}` and `{other}` have the same password, and this case needs two");
        let reason = NotJudged::new(ReasonCode::PremiseFailed, text);
        (is_one && password.property == Property::Password).then_some(reason)
    })
}

/// Splits a host without its brackets from a port.
fn host_and_port(text: &str) -> (&str, Option<&str>) {
    if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').unwrap_or((inner, ""));
        return (host, rest.strip_prefix(':'));
    }
    match text.rsplit_once(':') {
        Some((before, port)) if !before.contains(':') => (before, Some(port)),
        _ => (text, None),
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
    #[case::same("https://10.0.0.5", "10.0.0.5", true)]
    #[case::default_port("https://10.0.0.5", "10.0.0.5:443", true)]
    #[case::port("https://10.0.0.5:8443", "10.0.0.5:8443", true)]
    #[case::another_port("https://10.0.0.5:8443", "10.0.0.5:9999", false)]
    #[case::host_alone("https://10.0.0.5:8443", "10.0.0.5", true)]
    #[case::port_of_a_name("https://Sensor.Lab", "sensor.lab:443", true)]
    #[case::case("https://sensor.lab", "SENSOR.lab", true)]
    #[case::brackets("https://[fe80::1]", "fe80:0::1", true)]
    #[case::brackets_and_port("https://[::1]", "[::1]:443", true)]
    #[case::brackets_and_another_port("https://[::1]", "[::1]:444", false)]
    #[case::prefix("https://10.0.0.5", "10.0.0.50", false)]
    #[case::empty("https://10.0.0.5", "", false)]
    #[case::url("https://10.0.0.5", "https://10.0.0.5", false)]
    #[case::loopback_by_name("https://127.0.0.1", "localhost", false)]
    fn consent_names_the_host_and_perhaps_the_port(
        #[case] target: &str,
        #[case] named: &str,
        #[case] same: bool,
    ) {
        assert_eq!(is_target(&target.parse().unwrap(), named), same);
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
