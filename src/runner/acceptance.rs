//! Whether a pending snapshot may be accepted: not if it holds an unknown deviation or a secret.
//!
//! The file itself is judged, since not only `check` writes it, but also `cargo test` and an editor.

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use thiserror::Error;

use crate::{
    client::ClientError,
    contract,
    contract::{Contract, Kind, Operation, Readings},
    redact::{Redactor, Secret},
    report::Conformance,
    runner::{
        judge::judge,
        transcript::{request_of, shown_request},
    },
    snapshot,
    snapshot::{
        ShownAnswer,
        reread::{SnapshotSection, reread},
    },
    suite::{Case, KnownDifferences, own_cases},
};

/// The rule by which a pending snapshot may be accepted.
#[derive(Debug, Default)]
pub struct AcceptanceRule {
    /// Known differences.
    pub known: KnownDifferences,
    /// What no snapshot may hold, each with its description.
    pub secrets: Vec<(String, Secret)>,
}

/// Why a pending snapshot may not be accepted, the more telling last. The text shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum NotAcceptable {
    /// Its text is wrong, or holds what it may not hold.
    #[error("{0}")]
    Content(String),
    /// The request of a step is another one.
    #[error(
        "the request of step {0} is not the one that the case sends: it may have a value where a placeholder is expected\n  hint: run check again"
    )]
    Request(usize),
    /// The answer of a step is a deviation that is not known.
    #[error(
        "the answer of step {step} is a deviation that is not known\n  hint: `d4iot-double check --case {id}` shows why; --known FILE lists known differences"
    )]
    Deviation {
        /// The step.
        step: usize,
        /// The case.
        id: String,
    },
}

impl AcceptanceRule {
    /// Checks whether a case's pending snapshot may be accepted, for one kind or for any kind that has the case.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, id: &str, kind: Option<Kind>, body: &str) -> Result<(), NotAcceptable> {
        let refuse = |reason: String| Err(NotAcceptable::Content(reason));
        let Some(located) = own_cases::every().find(|located| located.case.id == id) else {
            return refuse("no case has this id".to_owned());
        };
        let Some(exchanges) = reread(body) else {
            return refuse("its body is not one that `check` writes".to_owned());
        };
        let is_missing =
            |exchange: &SnapshotSection| matches!(exchange.answer, Some(ShownAnswer::Failed(_)));
        if let Some(index) = exchanges.iter().position(is_missing) {
            return refuse(format!("no answer came in step {}", index + 1));
        }
        let mut secrets = self.secrets.iter();
        if let Some((what, _)) = secrets.find(|(_, secret)| holds(body, &exchanges, secret)) {
            return refuse(format!("it holds {what}"));
        }
        let mut bodies = exchanges
            .iter()
            .filter_map(|exchange| match &exchange.answer {
                Some(ShownAnswer::Received { body, .. }) => serde_json::from_slice(body).ok(),
                _ => None,
            });
        if let Some(field) = bodies.find_map(|body| password_field(&body)) {
            return refuse(format!(
                "the answer's `{field}` shows a value where a placeholder is expected"
            ));
        }
        let kinds = kind.map_or_else(|| located.case.kinds.clone(), |kind| vec![kind]);
        let mut refusal = NotAcceptable::Content("no kind of appliance has this case".to_owned());
        for kind in kinds {
            let contract = contract::of(kind);
            // A snapshot does not say which paths its target serves: it is valid if it is valid for one choice of paths.
            for served in path_choices(contract) {
                match check_exchanges(&located.case, contract, &served, &exchanges, &self.known) {
                    Ok(()) => return Ok(()),
                    Err(error) => refusal = refusal.max(error),
                }
            }
        }
        Err(refusal)
    }
}

fn check_exchanges(
    case: &Case,
    contract: &Contract,
    served: &Readings,
    exchanges: &[SnapshotSection],
    known: &KnownDifferences,
) -> Result<(), NotAcceptable> {
    for (number, exchange) in exchanges.iter().enumerate() {
        let step = case.steps.get(number);
        let shown = step.and_then(|step| shown_request(step, contract, served).ok());
        let is_same = |shown: &_| snapshot::render_request(&request_of(shown)) == exchange.request;
        let shown = shown.filter(is_same);
        let shown = shown.ok_or(NotAcceptable::Request(number + 1))?;
        let answer = match &exchange.answer {
            None | Some(ShownAnswer::Failed(_)) => continue,
            Some(ShownAnswer::Received {
                status,
                headers,
                body,
            }) => {
                let mut answer = Response::builder().status(*status);
                for (name, value) in headers {
                    answer = answer.header(name, value.as_deref().unwrap_or("x"));
                }
                let answer = answer.body(Bytes::from(body.clone()));
                answer.map_err(|error| ClientError::Broken(error.to_string()))
            }
        };
        let judged = judge(contract, served, case, number, &shown, &answer);
        let body = answer.map(|answer| answer.into_body()).unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        let excuse = judged
            .finding
            .and_then(|finding| known.excuse(contract.kind, &case.id, &finding, &body));
        if judged.conformance == Conformance::Deviation && excuse.is_none() {
            let (step, id) = (number + 1, case.id.clone());
            return Err(NotAcceptable::Deviation { step, id });
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

/// Returns the field of an answer that is called a password or a token and shows one.
fn password_field(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(password_field),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let (lower, text) = (name.to_lowercase(), value.as_str().unwrap_or_default());
            let is_secret = SECRET_NAMES.iter().any(|word| lower.contains(word));
            let is_shown = is_secret && !text.is_empty() && !text.contains('«');
            if is_shown {
                Some(name.clone())
            } else {
                password_field(value)
            }
        }),
        _ => None,
    }
}

/// Tells whether a snapshot, or an answer in it, holds a secret in any encoding.
fn holds(body: &str, exchanges: &[SnapshotSection], secret: &Secret) -> bool {
    if secret.expose().len() < MIN_SECRET {
        return false;
    }
    let redactor = Redactor::of([(secret.expose(), "«secret»")]);
    let is_found = |text: &str| redactor.text(text) != text;
    let mut answers = exchanges.iter().flat_map(|exchange| &exchange.answer);
    is_found(body)
        || answers.any(|answer| match answer {
            ShownAnswer::Received { body, .. } => is_found(&String::from_utf8_lossy(body)),
            ShownAnswer::Failed(_) => false,
        })
}

/// A shorter value cannot be distinguished from other text.
const MIN_SECRET: usize = 8;
const SECRET_NAMES: [&str; 4] = ["password", "passwd", "token", "secret"];

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
            Some(why) => {
                let refusal = allowed.unwrap_err().to_string();
                assert!(
                    refusal.contains(why) && !refusal.contains("s3cr3t"),
                    "{refusal}"
                );
            }
        }
    }

    #[test]
    fn an_answer_that_never_came_is_refused() {
        let body = body();
        let (request, _) = body.split_once("\n\n200\n").unwrap();
        let body = format!("{request}\n\nfailed: no whole answer");
        let refused = AcceptanceRule::default().check(ID, Some(Kind::Sensor), &body);
        assert_eq!(refused.unwrap_err().to_string(), "no answer came in step 1");
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
