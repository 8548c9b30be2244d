//! The documented exchanges: for each documented outcome of an operation a request of the suite that leads to it, one after
//! the other to one appliance, which at the end has the passwords that it began with.

use std::{collections::BTreeMap, iter};

use bytes::Bytes;
use http::{Request, Response};

use super::{answers::Answer, evaluate};
use crate::{
    appliance::{Appliance, Evaluation, Policy, ResponseKey, StateChange, User, UserState},
    contract::{Operation, Outcome, Role},
    export::Source,
    suite::{Account, Case, Placeholder, Property, StepError, allowed, cases, request},
};

/// A request of a case and what it is answered with.
pub(super) struct DocumentedExchange {
    pub(super) case: &'static Case,
    pub(super) operation: Operation,
    pub(super) key: ResponseKey,
    pub(super) request: Request<Bytes>,
    pub(super) response: Response<Bytes>,
}

/// An outcome of an operation, and the cases that may lead to it.
struct OutcomeCases {
    operation: Operation,
    outcome: Outcome,
    cases: Vec<&'static Case>,
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
        (sequence, left_out)
    }

    /// Returns every answer to an exchange that the readings allow.
    pub(super) fn answers_to(&self, exchange: &DocumentedExchange) -> Vec<Answer> {
        let parsed = self.appliance.rules.parse_request(&exchange.request);
        self.answers(exchange.key, parsed.user().unwrap_or_default())
    }

    /// Says what an exchange shows, where its path and its answer are documented, and what is assumed.
    pub(super) fn description(&self, exchange: &DocumentedExchange) -> String {
        let operation = exchange.operation;
        let path = &self.contract.clause(operation).path;
        let path = path.entry(format!("{operation}.path"));
        let mut lines = self.lines(&self.open_readings(&path));
        let served = self.answers_to(exchange).into_iter().next();
        lines.extend(served.into_iter().flat_map(|answer| answer.lines));
        let status = self
            .assumed_status(exchange.key)
            .map(|because| format!("; the status is assumed, because {because}"));
        let (title, status) = (&exchange.case.title, status.unwrap_or_default());
        format!("{title} ({}{status})", lines.join(", "))
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
                let is_asked = case.kinds.contains(&self.contract.kind) && step.ask == operation;
                let first = || allowed().ok()?.into_iter().next();
                is_asked && step.quote.is_none() && first().is_some_and(|it| it.outcome == outcome)
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
        let policy = &self.appliance.state.policy;
        let roles = [Role::SecurityAnalyst, Role::ReadOnly].into_iter();
        let users = roles.filter_map(|role| {
            let users = self.active_users(role);
            users.min_by_key(|user| policy.check(user.password.expose()).is_err())
        });
        users.map(Some).chain([None]).collect()
    }

    fn active_users(&self, role: Role) -> impl Iterator<Item = &User> {
        let users = self.appliance.state.directory.users();
        users.filter(move |user| user.role == role && user.state == UserState::Active)
    }

    /// Sends these steps one after the other; returns nothing unless all lead to their outcomes, the passwords are as before,
    /// and all of that holds once more.
    fn sequence(
        &self,
        steps: &[OutcomeCases],
        chosen: &Chosen<'_>,
    ) -> Option<Vec<DocumentedExchange>> {
        let mut appliance = self.appliance.clone();
        let mut sequence: Vec<DocumentedExchange> = Vec::new();
        for (index, subject) in chosen {
            let mut cases = steps[*index].cases.iter();
            let sent = cases.find_map(|case| {
                let (sent, change) = self.send(&appliance, case, *subject)?;
                (sent.key.outcome == steps[*index].outcome).then_some((sent, change))
            });
            let (sent, change) = sent?;
            appliance.state.commit(change.unwrap_or_default());
            sequence.push(sent);
        }
        let is_restored = appliance.state.directory == self.appliance.state.directory;
        let locks = appliance.state.lockout.clone();
        let is_repeated = sequence.iter().all(|sent| {
            let Evaluation { key, change, .. } = evaluate(&appliance, &sent.request).0;
            appliance.state.commit(change.unwrap_or_default());
            key == sent.key
        });
        (is_restored && is_repeated && appliance.state.lockout == locks).then_some(sequence)
    }

    /// Sends the request of a case, if it changes no password but the subject's.
    fn send(
        &self,
        appliance: &Appliance,
        case: &'static Case,
        subject: Option<&User>,
    ) -> Option<(DocumentedExchange, Option<StateChange>)> {
        let (step, served) = (&case.steps[0], appliance.rules.readings());
        let fill = |placeholder| self.value(appliance, placeholder, subject);
        let request = request::build(step, self.contract, served, &fill).ok()?;
        let (Evaluation { key, change, .. }, response) = evaluate(appliance, &request);
        let changed = change.as_ref().and_then(|it| it.new_password.as_ref());
        let changed = changed.map(|(username, _)| username.as_str());
        let is_meant = changed.is_none() || changed == subject.map(|it| &*it.username);
        let sent = DocumentedExchange {
            case,
            operation: step.ask,
            key,
            request,
            response,
        };
        is_meant.then_some((sent, change))
    }

    /// Returns the value of a placeholder: a user of the appliance, and the password that it has now.
    fn value(
        &self,
        appliance: &Appliance,
        placeholder: Placeholder,
        subject: Option<&User>,
    ) -> Result<String, StepError> {
        let of_role = |role| self.active_users(role).next();
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
