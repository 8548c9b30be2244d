//! The contract under one choice of readings, resolved once.

use std::sync::{Arc, LazyLock};

use http::HeaderValue;

use super::render::ResponseTemplate;
use crate::{
    appliance::ResponseKey,
    contract,
    contract::{
        Check, Condition, Contract, Field, Handling, Kind, Operation, Outcome, Readings, Role,
        own_type,
    },
};

/// The contract under one choice of readings.
#[derive(Clone, Debug)]
pub struct Rules {
    kind: Kind,
    readings: Readings,
    /// What stands before the path of every operation.
    prefix: String,
    pub(super) routes: Vec<(String, Operation)>,
    operations: Vec<OperationRules>,
    /// By operation; the last is for requests that reach none.
    responses: Vec<ResponseTable>,
}

/// How an operation reads and checks its requests.
#[derive(Clone, Debug)]
pub(super) struct OperationRules {
    pub(super) method: String,
    pub(super) accepts: Vec<String>,
    pub(super) fields: Vec<(Field, Vec<String>)>,
    pub(super) roles: Vec<Role>,
    pub(super) order: Vec<Check>,
}

/// The responses of an operation, or those to requests that reach none.
#[derive(Clone, Debug)]
pub(super) struct ResponseTable {
    /// By condition.
    handlings: Vec<Handling>,
    pub(super) content_type: HeaderValue,
    /// By outcome.
    pub(super) templates: Vec<Option<ResponseTemplate>>,
}

impl Rules {
    /// Resolves a contract under a choice of readings.
    pub fn new(contract: &Contract, readings: &Readings) -> Rules {
        let operations = Operation::ALL.iter().copied();
        let routes = operations.clone().flat_map(|operation| {
            let reading = readings.of(&format!("{operation}.path"));
            let paths = &contract.clause(operation).path.pick(reading).is.0;
            paths.iter().map(move |path| (path.clone(), operation))
        });
        let places = operations.clone().map(Some).chain([None]);
        Rules {
            kind: contract.kind,
            readings: readings.clone(),
            prefix: String::new(),
            routes: routes.collect(),
            operations: operations
                .map(|operation| OperationRules::new(contract, readings, operation))
                .collect(),
            responses: places
                .map(|operation| ResponseTable::new(contract, readings, operation))
                .collect(),
        }
    }

    /// Serves every operation below a prefix, as behind a console's tunnel.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Rules {
        for (path, _) in &mut self.routes {
            path.insert_str(0, prefix);
        }
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Treats a condition so, at every operation, whatever the readings say.
    #[must_use]
    pub fn with_handling(mut self, condition: Condition, handling: Handling) -> Rules {
        for table in &mut self.responses {
            table.handlings[condition as usize] = handling;
        }
        self
    }

    /// Returns what stands before the path of every operation.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns a kind's rules under the default readings, resolved once and shared.
    pub fn with_defaults(kind: Kind) -> Arc<Rules> {
        static DEFAULTS: LazyLock<Vec<Arc<Rules>>> = LazyLock::new(|| {
            let rules = |kind: &Kind| Rules::new(contract::of(*kind), &Readings::default());
            Kind::ALL.iter().map(rules).map(Arc::new).collect()
        });
        Arc::clone(&DEFAULTS[kind as usize])
    }

    /// Returns the readings that are served instead of the defaults.
    pub fn readings(&self) -> &Readings {
        &self.readings
    }

    /// Returns the kind of appliance.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the operation of a path.
    pub fn operation_at(&self, path: &str) -> Option<Operation> {
        let route = self.routes.iter().find(|(route, _)| route == path);
        route.map(|(_, operation)| *operation)
    }

    /// Returns the outcome of a condition, or nothing where the request proceeds.
    pub(super) fn outcome_of(
        &self,
        operation: Option<Operation>,
        condition: Condition,
    ) -> Option<Outcome> {
        match self.handling(operation, condition) {
            Handling::Answer(outcome) => Some(outcome),
            Handling::First | Handling::Last | Handling::Proceed => None,
            Handling::Reject => Some(operation.map_or(Outcome::BadRequest, Operation::rejection)),
        }
    }

    pub(super) fn handling(&self, operation: Option<Operation>, condition: Condition) -> Handling {
        self.responses(operation).handlings[condition as usize]
    }

    pub(super) fn operation(&self, operation: Operation) -> &OperationRules {
        &self.operations[operation as usize]
    }

    pub(super) fn responses(&self, operation: Option<Operation>) -> &ResponseTable {
        &self.responses[operation.map_or(Operation::ALL.len(), |operation| operation as usize)]
    }
}

impl OperationRules {
    fn new(contract: &Contract, readings: &Readings, operation: Operation) -> OperationRules {
        let clause = contract.clause(operation);
        let reading = |point: &str| readings.of(&format!("{operation}.{point}"));
        let fields = clause.fields.iter();
        OperationRules {
            method: clause.method.pick(reading("method")).is.0.clone(),
            accepts: clause.accepts.pick(reading("accepts")).is.0.clone(),
            fields: fields
                .map(|(field, names)| (*field, names.pick(reading(field.name())).is.0.clone()))
                .collect(),
            roles: clause.roles.pick(reading("roles")).is.0.clone(),
            order: complete_order(&clause.order.pick(reading("order")).is.0),
        }
    }
}

impl ResponseTable {
    fn new(
        contract: &Contract,
        readings: &Readings,
        operation: Option<Operation>,
    ) -> ResponseTable {
        let handling = |condition: &Condition| {
            let handling = contract.handling(operation, *condition);
            handling.map_or(Handling::Proceed, |(name, fact)| {
                fact.pick(readings.of(&name)).is
            })
        };
        let template = |outcome: &Outcome| {
            let outcome = *outcome;
            ResponseTemplate::new(contract, readings, ResponseKey { operation, outcome })
        };
        let (name, fact) = contract.answer_type(operation);
        let (reading, named) = (readings.of(&name), fact.pick(readings.of(&name)));
        let content_type = reading
            .and_then(own_type)
            .or_else(|| named.is.0.parse().ok());
        ResponseTable {
            handlings: Condition::ALL.iter().map(handling).collect(),
            content_type: content_type.expect("a content type is a header value"),
            templates: Outcome::ALL.iter().map(template).collect(),
        }
    }
}

/// Puts the checks that an order leaves out behind the others.
fn complete_order(order: &[Check]) -> Vec<Check> {
    let others = Check::ALL.iter().filter(|check| !order.contains(check));
    order.iter().chain(others).copied().collect()
}
