//! Whether a pending snapshot may be accepted: not if it holds an unknown deviation or a secret.
//!
//! The file itself is judged, whoever wrote it: `check` leaves no such file, but `cargo test` and an editor may.

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use thiserror::Error;

use crate::{
    contract,
    contract::{Contract, Kind, Operation, Readings},
    redact::{Redactor, Secret},
    report::Conformance,
    runner::transcript::{body_username, request_of, shown_request},
    snapshot,
    snapshot::{
        Answer,
        reread::{Reread, reread},
    },
    suite::{
        KnownDifferences, cases,
        cases::CaseWithLocation,
        verdict,
        verdict::{SentStep, StepResponse},
    },
};

/// The rule by which a pending snapshot may be accepted.
#[derive(Debug, Default)]
pub struct AcceptanceRule {
    /// Known differences.
    pub known: KnownDifferences,
    /// What no snapshot may hold, each with its description.
    pub secrets: Vec<(String, Secret)>,
}

/// Why a pending snapshot may not be accepted. The text shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NotAcceptable(String);

impl AcceptanceRule {
    /// Checks whether a case's pending snapshot may be accepted, for one kind or for any kind that has the case.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, id: &str, kind: Option<Kind>, body: &str) -> Result<(), NotAcceptable> {
        let refuse = |reason: String| Err(NotAcceptable(reason));
        let Some(located) = cases::all().iter().find(|located| located.case.id == id) else {
            return refuse("no case has this id".into());
        };
        let Some(exchanges) = reread(body) else {
            return refuse("its body is not one that `check` writes".into());
        };
        let mut secrets = self.secrets.iter();
        if let Some((what, _)) =
            secrets.find(|(_, secret)| holds(body, &exchanges, secret.expose()))
        {
            return refuse(format!("it holds {what}"));
        }
        let mut answers = exchanges
            .iter()
            .filter_map(|exchange| exchange.answer.as_ref());
        if let Some(field) = answers.find_map(shown_password) {
            return refuse(format!(
                "the answer's `{field}` shows a value where a placeholder is expected"
            ));
        }
        let kinds = kind.map_or_else(|| located.case.kinds.clone(), |kind| vec![kind]);
        let mut refusal = None;
        for kind in kinds {
            match self.judge_kind(located, kind, &exchanges) {
                Ok(()) => return Ok(()),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(|| NotAcceptable("no kind of appliance has this case".into())))
    }

    /// A snapshot does not say which paths its target serves: it is valid if it is valid for one choice of paths.
    fn judge_kind(
        &self,
        located: &CaseWithLocation,
        kind: Kind,
        exchanges: &[Reread],
    ) -> Result<(), NotAcceptable> {
        let contract = contract::of(kind);
        let mut best = Problem::Request(1);
        for served in path_choices(contract) {
            match judge(located, contract, &served, exchanges) {
                Ok(()) => return Ok(()),
                Err(problem) => best = best.max(problem),
            }
        }
        let id = &located.case.id;
        match best {
            Problem::Deviation(_) if self.known.reason(kind, id).is_some() => Ok(()),
            Problem::Deviation(step) => Err(NotAcceptable(format!(
                "the answer of step {step} is a deviation that is not known\n  hint: `d4iot-double check --case {id}` shows why; --known FILE lists known differences"
            ))),
            Problem::Request(step) => Err(NotAcceptable(format!(
                "the request of step {step} is not the one that the case sends: it may have a value where a placeholder is expected\n  hint: run check again"
            ))),
        }
    }
}

/// Why one choice of paths does not suit. A deviation says more than a wrong request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Problem {
    Request(usize),
    Deviation(usize),
}

fn judge(
    located: &CaseWithLocation,
    contract: &Contract,
    served: &Readings,
    exchanges: &[Reread],
) -> Result<(), Problem> {
    let case = &located.case;
    if exchanges.len() > case.steps.len() {
        return Err(Problem::Request(case.steps.len() + 1));
    }
    for (number, exchange) in exchanges.iter().enumerate() {
        let wrong_request = Problem::Request(number + 1);
        let shown =
            shown_request(&case.steps[number], contract, served).map_err(|_| wrong_request)?;
        let expected = snapshot::render(&[snapshot::Exchange {
            request: request_of(&shown),
            answer: Answer::Failed(String::new()),
        }]);
        let expected = reread(&expected).and_then(|mut read| read.pop());
        if expected.is_none_or(|expected| expected.request != exchange.request) {
            return Err(wrong_request);
        }
        let Some(answer) = exchange.answer.as_ref() else {
            continue;
        };
        let answer = response(answer);
        let received = match &answer {
            Ok(answer) => StepResponse::Answer(answer),
            Err(trouble) => StepResponse::Broken(trouble),
        };
        let username = body_username(&shown);
        let sent = SentStep {
            contract,
            served,
            case,
            number,
            username: &username,
        };
        if verdict::of_step(&sent, received).conformance == Conformance::Deviation {
            return Err(Problem::Deviation(number + 1));
        }
    }
    Ok(())
}

/// Returns every choice of path readings.
fn path_choices(contract: &Contract) -> Vec<Readings> {
    let mut choices = vec![Readings::default()];
    for operation in Operation::ALL {
        let fact = format!("{operation}.path");
        for chosen in choices.clone() {
            for reading in contract.clause(*operation).path.readings() {
                let mut chosen = chosen.clone();
                // The contract has this reading.
                drop(chosen.choose(contract, &fact, &reading.name));
                choices.push(chosen);
            }
        }
    }
    choices
}

fn response(answer: &Answer) -> Result<Response<Bytes>, String> {
    match answer {
        Answer::Failed(reason) => Err(reason.clone()),
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

/// Returns the field of an answer that is called a password or a token and shows one.
fn shown_password(answer: &Answer) -> Option<String> {
    let Answer::Received { body, .. } = answer else {
        return None;
    };
    password_field(&serde_json::from_slice(body).ok()?)
}

fn password_field(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(password_field),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let is_secret = ["password", "passwd", "token", "secret"]
                .iter()
                .any(|word| name.to_lowercase().contains(word));
            let is_shown = value
                .as_str()
                .is_some_and(|text| !text.is_empty() && !text.contains('«'));
            if is_secret && is_shown {
                Some(name.clone())
            } else {
                password_field(value)
            }
        }),
        _ => None,
    }
}

/// Tells whether a snapshot, or an answer in it, holds a secret in any encoding.
fn holds(body: &str, exchanges: &[Reread], secret: &str) -> bool {
    if secret.len() < MIN_SECRET {
        return false;
    }
    let redactor = Redactor::of([(secret, "«secret»")]);
    let is_found = |text: &str| redactor.text(text) != text;
    is_found(body)
        || exchanges.iter().any(|exchange| match &exchange.answer {
            Some(Answer::Received { body, .. }) => is_found(&String::from_utf8_lossy(body)),
            _ => false,
        })
}

/// A shorter value cannot be told from other text.
const MIN_SECRET: usize = 8;

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
    #[case::no_snapshot_s_body("POST", "\n\nPOST", Some("not one that `check` writes"))]
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
        let rule = AcceptanceRule {
            known: KnownDifferences::default(),
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
        let allowed = rule.check(ID, Some(Kind::Sensor), &body);
        match refused {
            None => assert_eq!(allowed, Ok(())),
            Some(why) => assert!(
                allowed.as_ref().is_err_and(
                    |NotAcceptable(text)| text.contains(why) && !text.contains("s3cr3t")
                ),
                "{allowed:?}"
            ),
        }
    }

    /// Every snapshot of the project is one that would be accepted again.
    #[rstest]
    fn what_is_kept_may_be_kept(#[values(Kind::Sensor, Kind::Console)] kind: Kind) {
        let store = crate::snapshot::SnapshotStore::BuiltIn(kind);
        let rule = AcceptanceRule::default();
        let ids = store.gone(&[]).unwrap();
        let refused: Vec<String> = ids
            .iter()
            .filter_map(|id| {
                Some(format!(
                    "{id}: {}",
                    rule.check(id, Some(kind), &store.read(id).unwrap()?.body)
                        .err()?
                ))
            })
            .collect();
        assert!(ids.len() > 250);
        assert_eq!(refused, [""; 0]);
    }
}
