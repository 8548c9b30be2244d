//! The documented exchanges: for each documented outcome of an operation a request of the suite that leads to it, one after
//! the other to one appliance, which at the end has the passwords that it began with.

use std::{collections::BTreeMap, iter};

use bytes::Bytes;
use http::{Request, Response};

use super::{answers::Answer, evaluate};
use crate::{
    appliance::{Appliance, Evaluation, Policy, ResponseKey, State, StateChange, User, UserState},
    contract::{Operation, Outcome, Role},
    export::Source,
    suite::{Account, Case, Placeholder, Property, StepError, allowed, cases, request},
};

/// A request and what it is answered with.
pub(super) struct DocumentedExchange {
    pub(super) case: &'static Case,
    pub(super) operation: Operation,
    pub(super) outcome: Outcome,
    pub(super) request: Request<Bytes>,
    pub(super) response: Response<Bytes>,
    /// Every answer that the readings allow.
    pub(super) answers: Vec<Answer>,
    /// Why its status is assumed, if it is.
    pub(super) assumed_status: Option<String>,
    /// The lines that have its path.
    pub(super) lines: Vec<String>,
}

/// An outcome of an operation, and the cases that may lead to it.
struct OutcomeCases {
    operation: Operation,
    outcome: Outcome,
    cases: Vec<&'static Case>,
}

/// A request of a case, and its answer.
struct Sent {
    case: &'static Case,
    key: ResponseKey,
    request: Request<Bytes>,
    response: Response<Bytes>,
}

/// The steps that are taken, by their index, each with the user whom it is about.
type Chosen<'a> = BTreeMap<usize, Option<&'a User>>;

impl Source {
    /// Returns the documented exchanges, in order, and what is left out, with the reason. They can be sent again and again:
    /// passwords are restored, nobody is locked out in the end.
    pub(super) fn exchanges(&self) -> (Vec<DocumentedExchange>, Vec<String>) {
        let (steps, subjects) = (self.outcome_cases(), self.subjects());
        let is_change = |index: &usize| steps[*index].outcome == Outcome::PasswordReplaced;
        let (changes, mut others): (Vec<_>, Vec<_>) = (0..steps.len()).partition(is_change);
        // One change is undone by the other. Failures come last: whether they lock depends on what succeeds between them.
        others.sort_by_key(|index| steps[*index].outcome != Outcome::Authenticated);
        let groups = iter::once(changes).chain(others.into_iter().map(|index| vec![index]));
        let (mut chosen, mut sequence, mut left_out) = (Chosen::new(), Vec::new(), Vec::new());
        for group in groups {
            let longer = subjects.iter().find_map(|subject| {
                let mut longer = chosen.clone();
                longer.extend(group.iter().map(|index| (*index, *subject)));
                Some((self.sequence(&steps, &longer)?, longer))
            });
            match longer {
                Some(longer) => (sequence, chosen) = longer,
                None => left_out.extend(group.iter().map(|index| steps[*index].left_out())),
            }
        }
        let taken = chosen.keys().map(|index| &steps[*index]);
        let exchanges = taken
            .zip(sequence)
            .map(|(step, sent)| self.document(step, sent));
        (exchanges.collect(), left_out)
    }

    fn document(&self, step: &OutcomeCases, sent: Sent) -> DocumentedExchange {
        let path = &self.contract.clause(step.operation).path;
        let path = path.entry(format!("{}.path", step.operation));
        let parsed = self.appliance.rules.parse_request(&sent.request);
        let username = parsed.user().unwrap_or_default().to_owned();
        DocumentedExchange {
            case: sent.case,
            operation: step.operation,
            outcome: step.outcome,
            answers: self.answers(sent.key, &username),
            assumed_status: self.assumed_status(sent.key),
            lines: self.lines(&self.open_readings(&path)),
            request: sent.request,
            response: sent.response,
        }
    }

    /// Returns every outcome that is documented, with the cases of one step that begin with it.
    fn outcome_cases(&self) -> Vec<OutcomeCases> {
        let served = self.appliance.rules.readings();
        let all = Operation::ALL.iter().flat_map(|operation| {
            let outcomes = self.contract.clause(*operation).outcomes.keys();
            outcomes.map(|outcome| (*operation, *outcome))
        });
        all.map(|(operation, outcome)| {
            let leads = |case: &&Case| {
                let [step] = case.steps.as_slice() else {
                    return false;
                };
                let allowed =
                    || allowed::allowed_responses(&step.expect, self.contract, operation, served);
                case.kinds.contains(&self.contract.kind)
                    && step.ask == operation
                    && step.quote.is_none()
                    && allowed()
                        .is_ok_and(|all| all.first().is_some_and(|it| it.outcome == outcome))
            };
            let cases = cases::all().iter().map(|located| &located.case);
            OutcomeCases {
                operation,
                outcome,
                cases: cases.filter(leads).collect(),
            }
        })
        .collect()
    }

    /// Returns whom exchanges may be about, in the order to try: never an administrator, if possible one whose password can be
    /// restored; in the end nobody.
    fn subjects(&self) -> Vec<Option<&User>> {
        let State {
            directory, policy, ..
        } = &self.appliance.state;
        let of_role = |role| {
            let users = directory.users().filter(move |user| is_active(user, role));
            users.min_by_key(|user| policy.check(user.password.expose()).is_err())
        };
        let roles = [Role::SecurityAnalyst, Role::ReadOnly];
        let users = roles.into_iter().filter_map(of_role).map(Some);
        users.chain([None]).collect()
    }

    /// Sends these steps one after the other; returns nothing unless all lead to their outcomes, the passwords are as before,
    /// and all of that holds once more.
    fn sequence(&self, steps: &[OutcomeCases], chosen: &Chosen<'_>) -> Option<Vec<Sent>> {
        let mut appliance = self.appliance.clone();
        let mut sequence: Vec<Sent> = Vec::new();
        for (index, subject) in chosen {
            let step = &steps[*index];
            let mut cases = step.cases.iter();
            let (sent, change) =
                cases.find_map(|case| self.send(&appliance, step.outcome, case, *subject))?;
            appliance.state.commit(change.unwrap_or_default());
            sequence.push(sent);
        }
        let is_restored = appliance.state.directory == self.appliance.state.directory;
        let locks = appliance.state.lockout.clone();
        let is_repeated = sequence.iter().all(|sent| {
            let evaluation = evaluate(&appliance, &sent.request).0;
            appliance
                .state
                .commit(evaluation.change.unwrap_or_default());
            evaluation.key == sent.key
        });
        (is_restored && is_repeated && appliance.state.lockout == locks).then_some(sequence)
    }

    /// Sends the request of a case, if it leads to an outcome and changes no password but the subject's.
    fn send(
        &self,
        appliance: &Appliance,
        outcome: Outcome,
        case: &'static Case,
        subject: Option<&User>,
    ) -> Option<(Sent, Option<StateChange>)> {
        let served = appliance.rules.readings();
        let fill = |placeholder| self.value(appliance, placeholder, subject);
        let request = request::build(&case.steps[0], self.contract, served, &fill).ok()?;
        let (Evaluation { key, change, .. }, response) = evaluate(appliance, &request);
        let changed = change.as_ref().and_then(|it| it.new_password.as_ref());
        let is_meant = changed.is_none_or(|(username, _)| {
            subject.is_some_and(|subject| subject.username == *username)
        });
        let sent = Sent {
            case,
            key,
            request,
            response,
        };
        (key.outcome == outcome && is_meant).then_some((sent, change))
    }

    /// Returns the value of a placeholder: a user of the appliance, and the password that it has now.
    fn value(
        &self,
        appliance: &Appliance,
        placeholder: Placeholder,
        subject: Option<&User>,
    ) -> Result<String, StepError> {
        let of_role = |role| {
            let mut users = self.appliance.state.directory.users();
            users.find(|user| is_active(user, role))
        };
        let first = match placeholder.account {
            Account::Admin => of_role(Role::Admin),
            Account::User => subject,
            Account::SecurityAnalyst => of_role(Role::SecurityAnalyst),
            Account::Bystander | Account::ReadOnly => of_role(Role::ReadOnly),
            Account::Unknown => return self.value_of_nobody(placeholder.property),
            _ => return Err("no such account in an export".into()),
        };
        let first = first.ok_or("no user has this role")?;
        let now = appliance.state.directory.find(&first.username);
        let now = now.unwrap_or(first);
        Ok(match placeholder.property {
            Property::Username => first.username.clone(),
            Property::Password => now.password.expose().to_owned(),
            // Every second change brings the first password back.
            Property::NewPassword if now.password != first.password => {
                first.password.expose().to_owned()
            }
            property => return self.value_of_nobody(property),
        })
    }

    /// Returns a value that no user has.
    fn value_of_nobody(&self, property: Property) -> Result<String, StepError> {
        let policy = &self.appliance.state.policy;
        let mut weak = ["weak", "a"].into_iter();
        let value = match property {
            Property::Username => "nobody",
            Property::NewPassword => return Ok(new_password(policy)),
            Property::WeakPassword => weak
                .find(|weak| policy.check(weak).is_err())
                .ok_or("the policy takes every password")?,
            _ => "Wrong12345!",
        };
        Ok(value.to_owned())
    }
}

impl OutcomeCases {
    fn left_out(&self) -> String {
        let why = match self.outcome {
            Outcome::PasswordReplaced => "no user whose password can be changed and restored",
            _ => "no request that leads to it can be sent again and again",
        };
        format!("{}.{}: {why}", self.operation, self.outcome)
    }
}

fn is_active(user: &User, role: Role) -> bool {
    user.role == role && user.state == UserState::Active
}

/// Returns a new password that a policy takes, if there is one.
pub(super) fn new_password(policy: &Policy) -> String {
    // Every named policy takes it.
    let usual = "Changed-Test-54321";
    if policy.check(usual).is_ok() {
        return usual.to_owned();
    }
    let symbol = policy.symbols.as_deref().unwrap_or("-").chars().next();
    let length = usual.len().max(policy.min_length);
    let length = length.min(policy.max_length.unwrap_or(length));
    let classes = ['t', 'T', '5'].into_iter().chain(symbol);
    classes.cycle().take(length).collect()
}

impl DocumentedExchange {
    /// Says what it shows, where its path and its answer are documented, and what is assumed.
    pub(super) fn description(&self) -> String {
        let served = self.answers.first();
        let lines = self
            .lines
            .iter()
            .chain(served.iter().flat_map(|answer| &answer.lines));
        let lines: Vec<&str> = lines.map(String::as_str).collect();
        let status = match &self.assumed_status {
            Some(because) => format!("; the status is assumed, because {because}"),
            None => String::new(),
        };
        format!("{} ({}{status})", self.case.title, lines.join(", "))
    }
}
