//! Random fixtures, as JSON.

use d4iot_double::{contract, contract::Kind, fixture};
use proptest::{
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Map, Value, json};

/// Names that users have, or not.
pub(crate) const NAMES: [&str; 5] = ["admin", "test", "ü ser", "null", "<<"];
/// Passwords: some meet the policies, some look like something else.
pub(crate) const PASSWORDS: [&str; 6] = [
    "Test12345!",
    "Abcdefgh12345678#",
    "12345",
    "~\u{7f}\u{85}\u{2028}Aa1",
    " Aa1: {b} #",
    "\"quo'te\\Aa1",
];

/// Returns any fixture, as text.
pub(crate) fn any_fixture() -> impl Strategy<Value = String> {
    select(Kind::ALL).prop_flat_map(|kind| {
        let parts = (
            any_users(),
            any_policy(),
            any_lockout(),
            any_readings(kind),
            any_uses(),
            0..=fixture::MAX_SEED,
        );
        (parts, prop::collection::vec(any_mode(), 0..6)).prop_map(
            move |((users, policy, lockout, readings, uses, seed), modes)| {
                let mut all = Map::new();
                all.insert("appliance".into(), kind.name().into());
                all.insert("users".into(), users);
                all.insert("policy".into(), policy);
                all.extend(lockout.map(|lockout| ("lockout".to_owned(), lockout)));
                all.insert("readings".into(), readings);
                all.insert("seed".into(), seed.into());
                all.insert("use".into(), uses.into());
                all.insert("failures".into(), json!([]));
                for (number, mut mode) in modes.into_iter().enumerate() {
                    mode["name"] = format!("mode{number}").into();
                    all["failures"].as_array_mut().unwrap().push(mode);
                    // What contradicts itself is refused when it is read, and is left out here.
                    if fixture::read("fixture", &text(&all)).is_err() {
                        all["failures"].as_array_mut().unwrap().pop();
                    }
                }
                if fixture::read("fixture", &text(&all)).is_err() {
                    all.remove("use");
                }
                text(&all)
            },
        )
    })
}

/// JSON lets control characters stand in texts, YAML wants them escaped.
fn text(all: &Map<String, Value>) -> String {
    Value::from(all.clone())
        .to_string()
        .replace('\u{7f}', "\\u007f")
        .replace('\u{85}', "\\u0085")
        .replace('\u{2028}', "\\u2028")
}

fn any_users() -> impl Strategy<Value = Value> {
    let user = |name: &'static str| {
        let states = select(vec![
            "active",
            "active",
            "active",
            "directory",
            "disabled",
            "locked",
            "must_change",
        ]);
        let password = prop_oneof![2 => Just(PASSWORDS[0]), 1 => select(&PASSWORDS[..])];
        (password, select(vec!["admin", "read_only", "security_analyst"]), states)
            .prop_map(move |(password, role, state)| json!({ "username": name, "password": password, "role": role, "state": state }))
    };
    subsequence(NAMES.to_vec(), 1..=5)
        .prop_flat_map(move |names| names.into_iter().map(user).collect::<Vec<_>>())
        .prop_map(Value::from)
}

fn any_policy() -> impl Strategy<Value = Value> {
    let own = (
        1..9_u64,
        prop::option::of(9..70_u64),
        1..4_u64,
        prop::option::of(select(vec!["", "!#", "\"'\\"])),
    );
    let own = own.prop_map(|(min, max, classes, symbols)| {
        let mut policy = json!({ "min_length": min, "classes": classes });
        max.into_iter()
            .for_each(|max| policy["max_length"] = max.into());
        symbols
            .into_iter()
            .for_each(|symbols| policy["symbols"] = symbols.into());
        policy
    });
    prop_oneof![
        select(vec!["examples", "examples", "product_8", "product_16"]).prop_map(Value::from),
        own
    ]
}

fn any_lockout() -> impl Strategy<Value = Option<Value>> {
    let lockout = (
        1..4_u64,
        select(vec!["source", "account"]),
        select(vec!["1s1ms", "15m"]),
    );
    prop::option::weighted(
        0.7,
        lockout.prop_map(
            |(after, scope, hold)| json!({ "after": after, "scope": scope, "for": hold }),
        ),
    )
}

/// Any choice of readings, each of a fact by its name.
fn any_readings(kind: Kind) -> impl Strategy<Value = Value> {
    let choices: Vec<(String, String)> = contract::of(kind)
        .facts()
        .iter()
        // A path that is not served or a field that is not read would leave nothing to be asked.
        .filter(|fact| !fact.name.ends_with(".path") && !fact.name.ends_with("username"))
        .flat_map(|fact| {
            fact.readings
                .iter()
                .map(|reading| (fact.name.clone(), reading.name.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    prop::collection::vec(select(choices), 0..6).prop_map(|choices| {
        choices
            .into_iter()
            .map(|(fact, reading)| (fact, Value::from(reading)))
            .collect()
    })
}

fn any_uses() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(fixture::READY_MADE.to_vec(), 0..3)
}

fn any_mode() -> impl Strategy<Value = Value> {
    let on = select(vec![
        json!("any"),
        json!("any"),
        json!("validation"),
        json!(["set_password", "set_password_by_admin"]),
        json!(["set_password"]),
    ]);
    let user = prop::option::weighted(0.2, select(&NAMES[..]));
    (
        on,
        user,
        prop::option::weighted(0.8, any_when()),
        any_act(),
        prop::bool::weighted(0.8),
    )
        .prop_map(|(on, user, when, act, armed)| {
            let mut mode = json!({ "on": on, "do": act, "armed": armed });
            user.into_iter().for_each(|user| mode["user"] = user.into());
            when.into_iter().for_each(|when| mode["when"] = when);
            mode
        })
}

fn any_when() -> impl Strategy<Value = Value> {
    let conditions = vec![
        ("times", json!(2)),
        ("calls", json!([1, 3, 4, 7])),
        ("after", json!(2)),
        ("every", json!(2)),
        ("rate", json!(0.3)),
        ("rate", json!(0.7)),
        ("during", json!({ "from": "1s", "for": "1m" })),
        ("during", json!({ "for": "900ms" })),
    ];
    (
        subsequence(conditions, 0..3),
        select(vec!["appliance", "user", "user", "source", "connection"]),
    )
        .prop_map(|(conditions, per)| {
            let mut when: Map<String, Value> = conditions
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect();
            when.insert("per".into(), per.into());
            when.into()
        })
}

fn any_act() -> impl Strategy<Value = Value> {
    let acts = vec![
        json!({ "status": 503, "page": "apache", "retry_after": "5s" }),
        json!({ "outcome": "credentials_rejected" }),
        json!({ "reading": { "*.status": "failures_500", "X25": "with_charset" } }),
        json!({ "reading": { "X16": "always_200" }, "delay": { "uniform": ["0s", "2s"] } }),
        // More often, as a change must succeed under them.
        json!({ "stale": { "for": "30s" } }),
        json!({ "stale": { "for": "30s" } }),
        json!({ "stale": { "requests": 2 } }),
        json!({ "stale": { "requests": 2 } }),
        json!({ "stale": { "requests": 2 } }),
        json!({ "commit": false }),
        json!({ "reset": "before_head", "commit": true }),
        json!({ "garbage": 20, "bom": true }),
        json!({ "json": { "b": [1.5, null, "null"], "a": { "<<": 1e300 } } }),
        json!({ "body": "012", "headers": { "X-B": "1e5", "X-A": "true" } }),
        json!({ "delay": { "lognormal": { "median": "80ms", "sigma": 0.4, "max": "5s" } } }),
        json!({ "dribble": { "bytes": 8, "every": "100ms" }, "close": { "after_bytes": 9 } }),
        json!({ "content_length": "+5" }),
        json!({ "certificate": "expired" }),
        json!({ "tls": ["1.2"] }),
        json!({ "down": { "for": "5s" } }),
        json!({ "handshake": "stall" }),
    ];
    select(acts)
}
