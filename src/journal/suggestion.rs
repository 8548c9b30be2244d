//! What somebody may have meant whose request hit no operation.

use crate::{
    contract,
    contract::{Kind, Operation},
};

/// Returns what a request that hit no operation may have meant, in words: at an appliance of this kind, which serves these paths.
pub fn suggestion(kind: Kind, path: &str, serves: impl Fn(&str) -> bool) -> String {
    if let Some(operation) = said(kind, |said| said == path) {
        let served = paths(kind, operation)
            .find(|path| serves(path))
            .unwrap_or_default();
        return format!(
            "a documented path of {operation}, but not of the reading that this {kind} serves: ask {served}"
        );
    }
    let other = match kind {
        Kind::Console => Kind::Sensor,
        Kind::Sensor => Kind::Console,
    };
    if let Some(operation) = said(other, |said| said == path) {
        let served = paths(kind, operation)
            .find(|path| serves(path))
            .unwrap_or_default();
        return format!(
            "this is the {other}'s path of {operation}; this appliance is a {kind}: ask {served}"
        );
    }
    let plain = path.trim_end_matches('/').to_ascii_lowercase();
    let last = plain.rsplit('/').next().unwrap_or_default().to_owned();
    let named = |resembles: fn(&str, &str) -> bool| {
        Operation::ALL
            .iter()
            .copied()
            .find(|operation| resembles(&last, operation.name()))
    };
    let near = said(kind, |said| said == plain)
        .or_else(|| named(is_but_for_dashes))
        .or_else(|| named(begins_alike));
    if let Some(served) =
        near.and_then(|operation| paths(kind, operation).find(|path| serves(path)))
    {
        return format!("did you mean {served}?");
    }
    let all: Vec<String> = Operation::ALL
        .iter()
        .filter_map(|operation| paths(kind, *operation).find(|path| serves(path)))
        .collect();
    format!("this {kind} answers at {}", all.join(", "))
}

/// Returns every path that a kind's document says for an operation, the default reading's first.
fn paths(kind: Kind, operation: Operation) -> impl Iterator<Item = String> {
    contract::of(kind)
        .clause(operation)
        .path
        .readings()
        .iter()
        .flat_map(|reading| reading.is.0.iter().cloned())
}

fn said(kind: Kind, is: impl Fn(&str) -> bool) -> Option<Operation> {
    Operation::ALL
        .iter()
        .copied()
        .find(|operation| paths(kind, *operation).any(|path| is(&path)))
}

fn is_but_for_dashes(word: &str, name: &str) -> bool {
    let plain = |text: &str| text.replace(['-', '_'], "");
    plain(word) == plain(name)
}

fn begins_alike(word: &str, name: &str) -> bool {
    word.len() > 4 && (name.starts_with(word) || word.starts_with(name))
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
    #[case::anything(
        Kind::Console,
        "/",
        "this console answers at /external/authentication/set_password, /external/authentication/set_password_by_admin, /external/authentication/validation"
    )]
    fn a_path_is_told_its_neighbour(
        #[case] kind: Kind,
        #[case] path: &str,
        #[case] expected: &str,
    ) {
        let prefix = if kind == Kind::Sensor {
            "/api/external/"
        } else {
            "/external/"
        };
        assert_eq!(
            suggestion(kind, path, |path| path.starts_with(prefix)),
            expected
        );
    }
}
