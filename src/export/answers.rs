//! What an outcome may be answered with: one answer for each combination of the readings that are open.

use bytes::Bytes;
use http::Response;

use crate::{
    appliance::{ParsedRequest, ResponseKey, Rules},
    contract::{FactEntry, Ground, Operation, Outcome, Readings},
    export::{Source, product},
};

/// The answer to an outcome under one combination of readings.
pub(super) struct Answer {
    pub(super) response: Response<Bytes>,
    /// The readings of its wording.
    pub(super) readings: Readings,
    /// Whether no document has it, as a whole.
    pub(super) is_assumed: bool,
    /// The lines that document it.
    pub(super) lines: Vec<String>,
}

impl Source {
    /// Returns the answers to an outcome, the one that is served first, no body twice. `username` is what they repeat.
    pub(super) fn answers(&self, key: ResponseKey, username: &str) -> Vec<Answer> {
        let request = ParsedRequest::about(key, username);
        let mut facts = self.wording_facts(key);
        facts.retain(|fact| !self.open_readings(fact).is_empty());
        let open: Vec<Vec<_>> = facts.iter().map(|fact| self.open_readings(fact)).collect();
        let mut answers: Vec<Answer> = Vec::new();
        for readings in product(&open) {
            let mut chosen = Readings::default();
            for (fact, reading) in facts.iter().zip(&readings) {
                let choice = chosen.choose(self.contract, &fact.name, reading.name);
                choice.expect("an open reading is one of the contract");
            }
            let served = self.appliance.rules.readings().clone().and(&chosen);
            let response = Rules::new(self.contract, &served).render_response(key, &request);
            let is_known = |known: &Answer| known.response.body() == response.body();
            if !answers.iter().any(is_known) {
                answers.push(Answer {
                    response,
                    is_assumed: !readings
                        .iter()
                        .all(|reading| reading.ground.is_documented()),
                    lines: self.lines(&readings),
                    readings: chosen,
                });
            }
        }
        answers
    }

    /// Returns the key of each outcome of an operation that has an answer there.
    pub(super) fn outcomes(&self, operation: Operation) -> Vec<ResponseKey> {
        let key = |outcome: &Outcome| {
            let operation = outcome.at(operation);
            let key = ResponseKey {
                operation,
                outcome: *outcome,
            };
            let spec = self.contract.response_spec(operation, *outcome);
            spec.map(|_| key)
        };
        Outcome::ALL.iter().filter_map(key).collect()
    }

    /// Returns why the status of an outcome is assumed, if it is.
    pub(super) fn assumed_status(&self, key: ResponseKey) -> Option<String> {
        let (place, spec) = self.contract.response_spec(key.operation, key.outcome)?;
        let served = self.served(&format!("{place}.{}.status", key.outcome));
        match &spec.status.pick(served).ground {
            Ground::Assumed { because } => Some(because.clone()),
            Ground::Documented { .. } => None,
        }
    }

    fn wording_facts(&self, key: ResponseKey) -> Vec<FactEntry<'static>> {
        let place = self.contract.response_spec(key.operation, key.outcome);
        let place = place.map_or("", |(place, _)| place);
        let names = ["body", "envelope", "internal"]
            .map(|point| format!("{place}.{}.{point}", key.outcome));
        let mut facts = self.contract.facts();
        facts.retain(|fact| names.contains(&fact.name));
        facts
    }
}
