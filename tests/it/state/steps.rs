//! Random steps in the life of an appliance, and what each tells.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use d4iot_double::{
    contract::Role,
    fixture,
    redact::Secret,
    server::{Client, MockAppliance, Service},
};
use http::Request;
use proptest::{prelude::*, sample::select};
use serde_json::json;

use crate::state::fixtures::{NAMES, PASSWORDS};

/// A step in the life of an appliance.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Advance(Duration),
    Add(&'static str),
    Arm(String, bool),
    Ask {
        path: &'static str,
        body: String,
        source: IpAddr,
        connection: u64,
    },
    Connect {
        source: IpAddr,
        connection: u64,
    },
    Gone(u64),
    PutUser {
        name: &'static str,
        password: &'static str,
        role: Role,
    },
    Readings(&'static str),
    Remove(String),
    RemoveUser(&'static str),
}

/// Returns any steps, most of them requests.
pub(crate) fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any_step(), 0..30)
}

fn any_step() -> impl Strategy<Value = Step> {
    let source = || {
        select(vec![
            "127.0.0.1".parse::<IpAddr>().unwrap(),
            "::1".parse().unwrap(),
            "10.0.0.1".parse().unwrap(),
        ])
    };
    let name = || select(&NAMES[..]);
    let password = || select(&PASSWORDS[..]);
    let connection = || 1..4_u64;
    // The first of them more often, so that a user who was asked for is asked for again.
    let likely = || prop_oneof![2 => Just(PASSWORDS[0]), 1 => password()];
    let validation = (name(), likely()).prop_map(|(name, password)| {
        (
            "validation",
            json!({ "username": name, "password": password }).to_string(),
        )
    });
    let own = (name(), likely(), password()).prop_map(|(name, password, new)| {
        (
            "set_password",
            json!({ "username": name, "password": password, "new_password": new }).to_string(),
        )
    });
    let by_admin = (name(), likely(), name(), password()).prop_map(|(admin, password, name, new)| {
        let body = json!({ "admin_username": admin, "admin_password": password, "username": name, "new_password": new });
        ("set_password_by_admin", body.to_string())
    });
    let odd = select(vec![
        ("validation", "{"),
        ("validation", "[]"),
        ("set_password", "{}"),
        ("elsewhere", "{}"),
    ]);
    let odd = odd.prop_map(|(path, body)| (path, body.to_owned()));
    let asked = prop_oneof![5 => validation, 3 => own, 3 => by_admin, 1 => odd];
    let ask =
        (asked, source(), connection()).prop_map(|((path, body), source, connection)| Step::Ask {
            path,
            body,
            source,
            connection,
        });
    let modes = || {
        prop_oneof![
            (0..6).prop_map(|number| format!("mode{number}")),
            select(fixture::READY_MADE).prop_map(str::to_owned)
        ]
    };
    let roles = select(vec![Role::Admin, Role::ReadOnly]);
    prop_oneof![
        20 => ask,
        2 => select(vec![1, 500_000_000, 1_000_000_007, 40_000_000_000]).prop_map(|time| Step::Advance(Duration::from_nanos(time))),
        2 => (source(), connection()).prop_map(|(source, connection)| Step::Connect { source, connection }),
        1 => connection().prop_map(Step::Gone),
        2 => (modes(), any::<bool>()).prop_map(|(mode, armed)| Step::Arm(mode, armed)),
        1 => select(vec![ADDED, "{\"name\":\"mode0\",\"user\":\"test\",\"do\":{\"bom\":true}}", "name: none"]).prop_map(Step::Add),
        1 => modes().prop_map(Step::Remove),
        1 => (name(), password(), roles).prop_map(|(name, password, role)| Step::PutUser { name, password, role }),
        1 => name().prop_map(Step::RemoveUser),
        1 => select(vec!["{}", "X16: failures_500", "'*.answer_type': with_charset", "X99: none"]).prop_map(Step::Readings),
    ]
}

impl Step {
    /// Returns the request that changes a user's own password.
    pub(crate) fn change(user: &str, password: &str, new: &str) -> Step {
        let body =
            json!({ "username": user, "password": password, "new_password": new }).to_string();
        Step::Ask {
            path: "set_password",
            body,
            source: IpAddr::from([127, 0, 0, 1]),
            connection: 1,
        }
    }

    /// Takes the step and returns all that it tells: the answer to its bytes and delays, the mode that fired, what failed. Connections are
    /// numbered from `first`.
    pub(crate) fn take(&self, host: &MockAppliance, first: u64) -> String {
        let counted = |outcome: String| format!("{outcome} {:?}", host.counters());
        match self {
            Step::Advance(time) => {
                host.clock().advance(*time);
                format!("{:?} {}", host.clock().now(), host.clock().is_frozen())
            }
            Step::Add(text) => format!(
                "{:?}",
                host.add_failure("added", |context| fixture::read_mode(
                    "added", text, context
                ))
                .map(|failure| failure.map(|failure| failure.written))
            ),
            Step::Arm(mode, armed) => counted(host.set_armed(mode, *armed).to_string()),
            Step::Ask {
                path,
                body,
                source,
                connection,
            } => {
                let prefix = if host.kind() == d4iot_double::contract::Kind::Sensor {
                    "/api/external"
                } else {
                    "/external"
                };
                let request = Request::post(format!("{prefix}/authentication/{path}"))
                    .header("content-type", "application/json");
                let request = request.body(Bytes::from(body.clone())).unwrap();
                let client = Client {
                    source: *source,
                    connection: first + connection,
                };
                let delivery = host.answer(&request, client).delivery;
                counted(format!("is_plain: {} {delivery:?}", delivery.is_plain()))
            }
            Step::Connect { source, connection } => counted(format!(
                "{:?}",
                host.on_accept(Client {
                    source: *source,
                    connection: first + connection
                })
            )),
            Step::Gone(connection) => {
                host.on_closed(first + connection);
                counted(String::new())
            }
            Step::PutUser {
                name,
                password,
                role,
            } => {
                let password = Secret::new(*password);
                let user = d4iot_double::appliance::User {
                    username: (*name).to_owned(),
                    password,
                    role: *role,
                    state: Default::default(),
                };
                host.put_user(user).to_string()
            }
            Step::Readings(text) => {
                let readings = fixture::read_readings("readings", text, host.kind());
                format!(
                    "{:?}",
                    readings.and_then(|readings| host.set_readings(&readings))
                )
            }
            Step::Remove(mode) => counted(host.remove_failure(mode).to_string()),
            Step::RemoveUser(name) => format!("{:?}", host.remove_user(name)),
        }
    }
}

/// A mode that is added at run time.
const ADDED: &str = "name: added\non: [set_password]\nwhen: { rate: 0.5, per: source }\ndo: { stale: { for: 1m }, delay: { uniform: [1ms, 9s] } }\n";
