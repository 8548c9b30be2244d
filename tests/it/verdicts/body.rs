//! Bodies of every class, each known by how it is made.

use d4iot_double::{
    contract::{Contract, Echo, Envelope, Internal, Operation, Outcome},
    suite::allowed::AllowedResponse,
};
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::Value;

/// A body, by how it is made.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// No wording of anything.
    Other(Vec<u8>),
    /// A wording that something was done to which no reading allows.
    Damaged(Wording, Spoiling),
    /// A wording.
    Whole(Wording),
}

/// Which wording of the step's operation: outcome and readings by chance. `ruled` takes the default readings, for an outcome that is expected.
#[derive(Clone, Debug)]
pub(crate) struct Wording {
    pub(crate) ruled: bool,
    which: [Index; 4],
    pretty: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Spoiling {
    AnotherLetter,
    Behind,
    ByteOrderMark,
    Cut,
    FieldBeside,
    FieldInside,
    InAList,
    NameOfAnother,
    Twice,
}

const SPOILINGS: [Spoiling; 9] = [
    Spoiling::AnotherLetter,
    Spoiling::Behind,
    Spoiling::ByteOrderMark,
    Spoiling::Cut,
    Spoiling::FieldBeside,
    Spoiling::FieldInside,
    Spoiling::InAList,
    Spoiling::NameOfAnother,
    Spoiling::Twice,
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        select(
            &[
                "msg",
                "error",
                "userDisplayErrorMessage",
                "internalSystemErrorMessage"
            ][..]
        )
        .prop_map(str::to_owned),
        ".{0,6}"
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
        prop_oneof![
            list,
            prop::collection::vec((name.clone(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
        ]
    })
}

pub(crate) fn any_body() -> impl Strategy<Value = Body> {
    let wording = || {
        (any::<bool>(), any::<[Index; 4]>(), any::<bool>()).prop_map(|(ruled, which, pretty)| {
            Wording {
                ruled,
                which,
                pretty,
            }
        })
    };
    let fixed = [
        "",
        "null",
        "[]",
        "{}",
        "\"msg\"",
        "<html>502</html>",
        "\u{feff}{}",
        "{\"msg\": null}",
        "{\"error\": {}}",
        "{\"error\": []}",
        "\0",
        "HTTP/1.1 200 OK\r\n\r\n",
    ];
    let deep = |text: &str| Body::Other(text.repeat(50_000).into_bytes());
    prop_oneof![
        4 => wording().prop_map(Body::Whole),
        4 => (wording(), select(&SPOILINGS[..])).prop_map(|(wording, spoiling)| Body::Damaged(wording, spoiling)),
        2 => any_json().prop_map(|value| Body::Other(value.to_string().into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(Body::Other),
        1 => select(fixed.to_vec()).prop_map(|text| Body::Other(text.as_bytes().to_vec())),
        1 => prop_oneof![Just(deep("[")), Just(deep("{\"error\":")), Just(deep(" "))],
    ]
}

impl Wording {
    /// Returns the outcome and the body, among those of a step's operation.
    pub(crate) fn made(
        &self,
        contract: &Contract,
        ask: Operation,
        branches: &[AllowedResponse],
        username: &str,
    ) -> (Outcome, Value) {
        let all: Vec<Outcome> = Outcome::ALL
            .iter()
            .copied()
            .filter(|outcome| contract.response_spec(outcome.at(ask), *outcome).is_some())
            .collect();
        let outcome = if self.ruled {
            branches[self.which[0].index(branches.len())].outcome
        } else {
            all[self.which[0].index(all.len())]
        };
        let (_, spec) = contract.response_spec(outcome.at(ask), outcome).unwrap();
        let pick = |which: usize, of: usize| {
            if self.ruled {
                0
            } else {
                self.which[which].index(of)
            }
        };
        let bodies = spec.body.readings();
        let envelope = spec.envelope.as_ref().map_or(Envelope::Object, |fact| {
            fact.readings()[pick(2, fact.readings().len())].is
        });
        let internal = spec
            .internal
            .as_ref()
            .map(|fact| &fact.readings()[pick(3, fact.readings().len())].is);
        (
            outcome,
            bodies[pick(1, bodies.len())].is.body(
                envelope,
                internal.unwrap_or(&Internal::Absent),
                Echo { username },
            ),
        )
    }

    /// Returns the body that the default readings give an outcome.
    pub(crate) fn by_defaults(
        contract: &Contract,
        ask: Operation,
        outcome: Outcome,
        username: &str,
    ) -> Option<Value> {
        let (_, spec) = contract.response_spec(outcome.at(ask), outcome)?;
        let envelope = spec
            .envelope
            .as_ref()
            .map_or(Envelope::Object, |fact| fact.default_reading().is);
        let internal = spec
            .internal
            .as_ref()
            .map_or(&Internal::Absent, |fact| &fact.default_reading().is);
        Some(
            spec.body
                .default_reading()
                .is
                .body(envelope, internal, Echo { username }),
        )
    }

    pub(crate) fn written(&self, value: &Value) -> String {
        if self.pretty {
            serde_json::to_string_pretty(value).unwrap()
        } else {
            value.to_string()
        }
    }
}

/// Does something to a wording; what comes of it is none. Nothing for a name that is not echoed.
pub(crate) fn damaged(
    wording: &Wording,
    spoiling: Spoiling,
    mut value: Value,
    of_another: Value,
) -> Option<Vec<u8>> {
    let text = wording.written(&value);
    Some(match spoiling {
        Spoiling::AnotherLetter => text
            .replacen("user", "usex", 1)
            .replacen("assword", "asswort", 1)
            .replacen("uthentication", "uthenticatiom", 1)
            .into_bytes(),
        Spoiling::Behind => format!("{text} {text}").into_bytes(),
        Spoiling::ByteOrderMark => format!("\u{feff}{text}").into_bytes(),
        Spoiling::Cut => text.as_bytes()[..text.len() - 1].to_vec(),
        Spoiling::FieldBeside => {
            let other = if value.get("msg").is_some() {
                "error"
            } else {
                "msg"
            };
            value.as_object_mut()?.insert(other.to_owned(), 1.into());
            value.to_string().into_bytes()
        }
        Spoiling::FieldInside => {
            value
                .get_mut("error")?
                .as_object_mut()?
                .insert("internalSystemErrorMessage".to_owned(), 1.into());
            value.to_string().into_bytes()
        }
        Spoiling::InAList => format!("[{text}]").into_bytes(),
        Spoiling::NameOfAnother => {
            (of_another != value).then(|| of_another.to_string().into_bytes())?
        }
        Spoiling::Twice => {
            let inner = text
                .trim_start_matches('{')
                .trim_end_matches('}')
                .to_owned();
            let close = "}".repeat(text.len() - text.trim_end_matches('}').len() - 1);
            format!("{{{inner}{close},{inner}{close}}}").into_bytes()
        }
    })
    .filter(|bytes| *bytes != text.into_bytes())
}
