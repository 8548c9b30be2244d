//! Whether a pending snapshot may become the baseline: not where it holds a deviation that nobody knows, nor where it holds a secret.
//!
//! It is judged by itself, whoever wrote it: `check` leaves no such file, `cargo test` and an editor may.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::{
    conformance::{
        Known, request, suite,
        suite::Located,
        verdict,
        verdict::{Received, Sent},
    },
    contract,
    contract::{Contract, Kind, Readings},
    redact::Secret,
    report::Conformance,
    runner::{Accounts, transcript},
    snapshot,
    snapshot::{
        Answer,
        reread::{Reread, reread},
    },
};

/// What an acceptance goes by.
#[derive(Debug, Default)]
pub struct Rule {
    /// Differences that are known.
    pub known: Known,
    /// What must stand in no snapshot, each with what it is.
    pub secrets: Vec<(String, Secret)>,
}

impl Rule {
    /// Tells whether a case's pending snapshot may be accepted; `kind` is whose it is, where that is known.
    ///
    /// # Errors
    /// Why not, in words that show nothing of a secret.
    pub fn allows(&self, id: &str, kind: Option<Kind>, body: &str) -> Result<(), String> {
        let located = suite::all()
            .iter()
            .find(|located| located.case.id == id)
            .ok_or("no case has this id")?;
        let exchanges = reread(body).ok_or("its body is none that `check` writes")?;
        if let Some((what, _)) = self
            .secrets
            .iter()
            .find(|(_, secret)| holds(body, &exchanges, secret.expose()))
        {
            return Err(format!("it holds {what}"));
        }
        if let Some(place) = exchanges
            .iter()
            .find_map(|exchange| exchange.answer.as_ref().and_then(shown_password))
        {
            return Err(format!(
                "the answer's `{place}` shows a value where a placeholder is expected"
            ));
        }
        let kinds = kind.map_or_else(|| located.case.kinds.clone(), |kind| vec![kind]);
        let tried: Vec<Result<(), String>> = kinds
            .iter()
            .map(|kind| self.judge(located, *kind, &exchanges))
            .collect();
        tried
            .iter()
            .find(|tried| tried.is_ok())
            .or(tried.first())
            .cloned()
            .unwrap_or_else(|| Err("no kind of appliance has this case".into()))
    }

    fn judge(&self, located: &Located, kind: Kind, exchanges: &[Reread]) -> Result<(), String> {
        let contract = contract::of(kind);
        // Which paths a target serves is not said in its snapshots: what is lawful under one choice of them is lawful.
        let tried: Vec<Result<(), Refused>> = served(contract)
            .iter()
            .map(|served| judge(located, contract, served, exchanges))
            .collect();
        if tried.iter().any(Result::is_ok) {
            return Ok(());
        }
        let refused = tried
            .into_iter()
            .filter_map(Result::err)
            .max()
            .unwrap_or(Refused::Request(1));
        match refused {
            Refused::Deviation(_) if self.known.reason(kind, &located.case.id).is_some() => Ok(()),
            Refused::Deviation(step) => Err(format!(
                "the answer of step {step} is a deviation that is not known\n  hint: `d4iot-double check --case {}` tells why; --known FILE lists what is known",
                located.case.id
            )),
            Refused::Request(step) => Err(format!(
                "the request of step {step} is not the one that the case sends: a value may stand there where a placeholder is expected\n  hint: run check again"
            )),
        }
    }
}

/// Why one choice of paths does not do; a request that is right says more than one that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Refused {
    Request(usize),
    Deviation(usize),
}

fn judge(
    located: &Located,
    contract: &Contract,
    served: &Readings,
    exchanges: &[Reread],
) -> Result<(), Refused> {
    let case = &located.case;
    if exchanges.len() > case.steps.len() {
        return Err(Refused::Request(case.steps.len() + 1));
    }
    for (number, exchange) in exchanges.iter().enumerate() {
        let shown = request::build(&case.steps[number], contract, served, &|placeholder| {
            Ok(placeholder.to_string())
        });
        let shown = shown.map_err(|_| Refused::Request(number + 1))?;
        let none = transcript::exchange(&shown, &Err(String::new()), &Accounts::none());
        let expected = reread(&snapshot::render(&[none])).and_then(|mut read| read.pop());
        if expected.is_none_or(|expected| expected.request != exchange.request) {
            return Err(Refused::Request(number + 1));
        }
        let Some(answer) = exchange.answer.as_ref() else {
            continue;
        };
        let answer = response(answer);
        let received = match &answer {
            Ok(answer) => Received::Answer(answer),
            Err(trouble) => Received::Broken(trouble),
        };
        let username = crate::runner::username(&shown);
        let sent = Sent {
            contract,
            served,
            case,
            number,
            username: &username,
        };
        if verdict::of_step(&sent, received).conformance == Conformance::Deviation {
            return Err(Refused::Deviation(number + 1));
        }
    }
    Ok(())
}

/// Every choice of path readings.
fn served(contract: &Contract) -> Vec<Readings> {
    let mut choices = vec![Readings::default()];
    for operation in crate::contract::Operation::ALL {
        let fact = format!("{operation}.path");
        let readings = contract.clause(*operation).path.readings();
        let further: Vec<Readings> = choices
            .iter()
            .flat_map(|chosen| {
                readings.iter().map(|reading| {
                    let mut chosen = chosen.clone();
                    // The contract offers what it was just asked for.
                    drop(chosen.choose(contract, &fact, &reading.name));
                    chosen
                })
            })
            .collect();
        choices.extend(further);
    }
    choices
}

fn response(answer: &Answer) -> Result<Response<Bytes>, String> {
    match answer {
        Answer::Failed(words) => Err(words.clone()),
        Answer::Received {
            status,
            headers,
            body,
        } => {
            let mut builder = Response::builder().status(*status);
            for (name, value) in headers {
                builder = builder.header(name, value.as_deref().unwrap_or("x"));
            }
            builder
                .body(Bytes::from(body.clone()))
                .map_err(|error| error.to_string())
        }
    }
}

/// The field of an answer that is called a password or a token and shows one.
fn shown_password(answer: &Answer) -> Option<String> {
    let Answer::Received { body, .. } = answer else {
        return None;
    };
    field(&serde_json::from_slice(body).ok()?)
}

fn field(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(field),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let telling = ["password", "passwd", "token", "secret"]
                .iter()
                .any(|word| name.to_lowercase().contains(word));
            let shown = value
                .as_str()
                .is_some_and(|text| !text.is_empty() && !text.contains('«'));
            if telling && shown {
                Some(name.clone())
            } else {
                field(value)
            }
        }),
        _ => None,
    }
}

/// Whether a secret stands in a snapshot, as it is, as an answer's bytes have it, or encoded.
fn holds(body: &str, exchanges: &[Reread], secret: &str) -> bool {
    if secret.len() < SHORTEST {
        return false;
    }
    let quoted = Value::from(secret).to_string();
    let percent: String = secret
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let forms = [
        secret.to_owned(),
        quoted[1..quoted.len() - 1].to_owned(),
        STANDARD.encode(secret),
        percent,
    ];
    let answers = exchanges
        .iter()
        .filter_map(|exchange| match &exchange.answer {
            Some(Answer::Received { body, .. }) => Some(String::from_utf8_lossy(body).into_owned()),
            _ => None,
        });
    let mut texts = answers.chain([body.to_owned()]);
    texts.any(|text| forms.iter().any(|form| text.contains(form)))
}

/// What is shorter cannot be told from other text.
const SHORTEST: usize = 8;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ID: &str = "validation.authenticated";

    fn body() -> String {
        let path = format!("{}/snapshots/sensor/{ID}.snap", env!("CARGO_MANIFEST_DIR"));
        #[expect(clippy::disallowed_methods, reason = "a snapshot is a file")]
        let text = std::fs::read_to_string(path).unwrap();
        snapshot::parse(&text).unwrap().body
    }

    #[rstest]
    #[case::as_it_is("", "", None)]
    #[case::another_reading("succeeded.", "succeeded", None)]
    #[case::another_status("\n200\n", "\n500\n", None)]
    #[case::another_wording(
        "Authentication succeeded.",
        "Welcome",
        Some("the answer of step 1 is a deviation that is not known")
    )]
    #[case::a_real_name(
        "«user.username»",
        "svc-rotation",
        Some("the request of step 1 is not the one that the case sends")
    )]
    #[case::an_answer_s_password(
        "\\\"msg\\\":",
        "\\\"password\\\":\\\"hunter22\\\",\\\"msg\\\":",
        Some("the answer's `password` shows a value")
    )]
    #[case::no_snapshot_s_body("POST", "\n\nPOST", Some("none that `check` writes"))]
    #[case::a_secret(
        "Authentication succeeded.",
        "Authentication succeeded. s3cr3t-of-the-lab",
        Some("it holds the password of `user`")
    )]
    #[case::an_encoded_secret(
        "Authentication succeeded.",
        "czNjcjN0LW9mLXRoZS1sYWI=",
        Some("it holds the password of `user`")
    )]
    fn what_may_not_be_kept_is_refused(
        #[case] from: &str,
        #[case] to: &str,
        #[case] refused: Option<&str>,
    ) {
        let rule = Rule {
            known: Known::default(),
            secrets: vec![(
                "the password of `user`".into(),
                Secret::new("s3cr3t-of-the-lab"),
            )],
        };
        let body = if from.is_empty() {
            body()
        } else {
            body().replace(from, to)
        };
        let allowed = rule.allows(ID, Some(Kind::Sensor), &body);
        match refused {
            None => assert_eq!(allowed, Ok(())),
            Some(why) => assert!(
                allowed
                    .as_ref()
                    .is_err_and(|told| told.contains(why) && !told.contains("s3cr3t")),
                "{allowed:?}"
            ),
        }
    }

    /// Every snapshot of the project is one that would be accepted again.
    #[rstest]
    fn what_is_kept_may_be_kept(#[values(Kind::Sensor, Kind::Console)] kind: Kind) {
        let memory = crate::runner::Memory::BuiltIn(kind);
        let rule = Rule::default();
        let ids = memory.ids().unwrap();
        let refused: Vec<String> = ids
            .iter()
            .filter_map(|id| {
                Some(format!(
                    "{id}: {}",
                    rule.allows(id, Some(kind), &memory.read(id).unwrap()?.body)
                        .err()?
                ))
            })
            .collect();
        assert!(ids.len() > 250);
        assert_eq!(refused, [""; 0]);
    }
}
