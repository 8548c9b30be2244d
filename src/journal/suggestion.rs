//! What somebody may have meant whose request hit no operation.

use crate::{
    appliance::Rules,
    contract,
    contract::{Kind, Operation, encoding::percent_decode},
};

/// Returns what a request that hit no operation may have meant, as text.
pub fn suggestion(rules: &Rules, path: &str) -> String {
    let (kind, prefix) = (rules.kind(), rules.prefix());
    let Some(path) = path.strip_prefix(prefix) else {
        let below = format!("{prefix}{path}");
        let meant = match rules.operation_at(&below) {
            Some(_) => format!("did you mean {below}?"),
            None => suggestion(rules, &below),
        };
        return format!("every path begins with {prefix} here (--path-prefix): {meant}");
    };
    let served = |operation| {
        let mut paths = paths(kind, operation).map(|path| format!("{prefix}{path}"));
        paths
            .find(|path| rules.operation_at(path).is_some())
            .unwrap_or_default()
    };
    if let Some(operation) = documented(kind, path) {
        let served = served(operation);
        return format!(
            "a documented path of {operation}, but not of the reading that this {kind} serves: ask {served}"
        );
    }
    let other = match kind {
        Kind::Console => Kind::Sensor,
        Kind::Sensor => Kind::Console,
    };
    if let Some(operation) = documented(other, path) {
        let served = served(operation);
        return format!(
            "this is the {other}'s path of {operation}; this appliance is a {kind}: ask {served}"
        );
    }
    let all = || Operation::ALL.iter().copied();
    // A path is the same with characters escaped (RFC 3986 section 6.2.2.2).
    let plain = percent_decode(path);
    let plain = plain.trim_end_matches('/').to_ascii_lowercase();
    let last = plain.rsplit('/').next().unwrap_or_default();
    let without_dashes = |text: &str| text.replace(['-', '_'], "");
    let is_same = |name: &str| without_dashes(last) == without_dashes(name);
    let begins_alike =
        |name: &str| last.len() > 4 && (name.starts_with(last) || last.starts_with(name));
    let near = documented(kind, &plain)
        .or_else(|| all().find(|operation| is_same(operation.name())))
        .or_else(|| all().find(|operation| begins_alike(operation.name())));
    if let Some(served) = near.map(served).filter(|path| !path.is_empty()) {
        return format!("did you mean {served}?");
    }
    let all: Vec<String> = all().map(served).filter(|path| !path.is_empty()).collect();
    format!("this {kind} answers at {}", all.join(", "))
}

/// Returns the operation of which this path is documented.
fn documented(kind: Kind, path: &str) -> Option<Operation> {
    let mut all = Operation::ALL.iter().copied();
    all.find(|operation| paths(kind, *operation).any(|documented| documented == path))
}

/// Returns every documented path of an operation, the default reading's first.
fn paths(kind: Kind, operation: Operation) -> impl Iterator<Item = &'static str> {
    let readings = contract::of(kind).clause(operation).path.readings().iter();
    readings.flat_map(|reading| reading.is.0.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_the_console(
        Kind::Sensor,
        "/external/authentication/validation",
        "this is the console's path of validation; this appliance is a sensor: ask /api/external/authentication/validation"
    )]
    #[case::of_the_sensor(
        Kind::Console,
        "/api/external/authentication/validation",
        "this is the sensor's path of validation; this appliance is a console: ask /external/authentication/validation"
    )]
    #[case::of_the_other_reading(
        Kind::Sensor,
        "/external/authentication/set_password",
        "a documented path of set_password, but not of the reading that this sensor serves: ask /api/external/authentication/set_password"
    )]
    #[case::a_slash(
        Kind::Sensor,
        "/api/external/authentication/validation/",
        "did you mean /api/external/authentication/validation?"
    )]
    #[case::capitals(
        Kind::Console,
        "/External/Authentication/Set_Password",
        "did you mean /external/authentication/set_password?"
    )]
    #[case::a_hyphen(
        Kind::Console,
        "/v1/set-password-by-admin",
        "did you mean /external/authentication/set_password_by_admin?"
    )]
    #[case::escaped(
        Kind::Sensor,
        "/api/external/authentication/v%61lidation",
        "did you mean /api/external/authentication/validation?"
    )]
    #[case::anything(
        Kind::Console,
        "/",
        "this console answers at /external/authentication/set_password, /external/authentication/set_password_by_admin, /external/authentication/validation"
    )]
    fn a_path_gets_a_suggestion(#[case] kind: Kind, #[case] path: &str, #[case] expected: &str) {
        let rules = Rules::with_defaults(kind);
        assert_eq!(suggestion(&rules, path), expected);
    }

    #[rstest]
    #[case::without_the_prefix(
        "/api/external/authentication/validation",
        "every path begins with /10.0.0.5 here (--path-prefix): did you mean /10.0.0.5/api/external/authentication/validation?"
    )]
    #[case::of_the_console(
        "/10.0.0.5/external/authentication/validation",
        "this is the console's path of validation; this appliance is a sensor: ask /10.0.0.5/api/external/authentication/validation"
    )]
    fn a_suggestion_has_the_prefix(#[case] path: &str, #[case] expected: &str) {
        let readings = crate::contract::Readings::default();
        let rules = Rules::new(contract::of(Kind::Sensor), &readings).below("/10.0.0.5");
        assert_eq!(suggestion(&rules, path), expected);
    }
}
