//! The documented exchanges: for each documented outcome of an operation a request of the suite that leads to it, one after
//! the other to one appliance, which at the end has the passwords that it began with.

use bytes::Bytes;
use http::{Request, Response};

use super::{answers::Answer, evaluate};
use crate::{
    appliance::Appliance,
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

impl Source {
    /// Returns the documented exchanges, in order.
    pub(super) fn exchanges(&self) -> Vec<DocumentedExchange> {
        let mut appliance = self.appliance.clone();
        let mut exchanges = Vec::new();
        for operation in Operation::ALL {
            let clause = self.contract.clause(*operation);
            let path = clause.path.entry(format!("{operation}.path"));
            let lines = self.lines(&self.open_readings(&path));
            for outcome in clause.outcomes.keys() {
                let Some((case, request)) = self.request_for(&appliance, *operation, *outcome)
                else {
                    continue;
                };
                let (evaluation, response) = evaluate(&appliance, &request);
                // Another reading may lead elsewhere.
                if evaluation.key.outcome != *outcome {
                    continue;
                }
                let parsed = appliance.rules.parse_request(&request);
                let username = parsed.user().unwrap_or_default().to_owned();
                exchanges.push(DocumentedExchange {
                    case,
                    operation: *operation,
                    outcome: *outcome,
                    answers: self.answers(evaluation.key, &username),
                    assumed_status: self.assumed_status(evaluation.key),
                    lines: lines.clone(),
                    request,
                    response,
                });
                if let Some(change) = evaluation.change {
                    appliance.state.commit(change);
                }
            }
        }
        exchanges
    }

    /// Returns the first case of one step whose answer is an outcome, and its request to an appliance.
    fn request_for(
        &self,
        appliance: &Appliance,
        operation: Operation,
        outcome: Outcome,
    ) -> Option<(&'static Case, Request<Bytes>)> {
        let served = appliance.rules.readings();
        let cases = cases::all().iter().map(|located| &located.case);
        cases
            .filter(|case| case.kinds.contains(&self.contract.kind))
            .find_map(|case| {
                let [step] = case.steps.as_slice() else {
                    return None;
                };
                let leads =
                    allowed::allowed_responses(&step.expect, self.contract, operation, served);
                let is_meant =
                    leads.is_ok_and(|all| all.first().is_some_and(|it| it.outcome == outcome));
                if step.ask != operation || step.quote.is_some() || !is_meant {
                    return None;
                }
                let fill = |placeholder| self.value(appliance, placeholder);
                Some((
                    case,
                    request::build(step, self.contract, served, &fill).ok()?,
                ))
            })
    }

    /// Returns the value of a placeholder: a user of the appliance, and the password that it has now.
    fn value(&self, appliance: &Appliance, placeholder: Placeholder) -> Result<String, StepError> {
        let role = match placeholder.account {
            Account::Admin => Role::Admin,
            Account::User | Account::SecurityAnalyst => Role::SecurityAnalyst,
            Account::Bystander | Account::ReadOnly => Role::ReadOnly,
            Account::Unknown => return Ok(of_nobody(placeholder.property).to_owned()),
            _ => return Err("no such account in an export".into()),
        };
        let mut users = appliance.state.directory.users();
        let user = users
            .find(|user| user.role == role)
            .ok_or("no user has this role")?;
        let first = self.appliance.state.directory.find(&user.username);
        let first = first.map_or(&user.password, |first| &first.password);
        Ok(match placeholder.property {
            Property::Username => user.username.clone(),
            Property::Password => user.password.expose().to_owned(),
            // Every second change brings the first password back.
            Property::NewPassword if user.password != *first => first.expose().to_owned(),
            property => of_nobody(property).to_owned(),
        })
    }
}

/// A password that every named policy takes.
pub(super) const NEW_PASSWORD: &str = "Changed-Test-54321";

/// Returns a value that no user has.
fn of_nobody(property: Property) -> &'static str {
    match property {
        Property::Username => "nobody",
        Property::NewPassword => NEW_PASSWORD,
        Property::WeakPassword => "weak",
        _ => "Wrong12345!",
    }
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
