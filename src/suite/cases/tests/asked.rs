//! What the tests ask of a step: the names it uses, the texts it holds, what it could come to.

use serde_json::Value as Json;

use crate::{
    contract,
    contract::{Contract, Field, Handling, Kind, Outcome},
    suite::{Account, Expect, Placeholder, Property, Step},
};

/// Lists what an expectation names that the contract does not have, and the readings it forgets.
pub(super) fn wrong(expect: &Expect, step: &Step, contract: &Contract) -> Vec<String> {
    match expect {
        Expect::By { fact, readings } => {
            let name = format!("{}.{fact}", step.ask);
            let of = |contract: &Contract| -> Vec<String> {
                let facts = contract.facts();
                let entry = facts.iter().find(|entry| entry.name == name);
                entry
                    .map(|entry| {
                        entry
                            .readings
                            .iter()
                            .map(|reading| reading.name.to_owned())
                            .collect()
                    })
                    .unwrap_or_default()
            };
            let known: Vec<String> = Kind::ALL
                .iter()
                .flat_map(|kind| of(contract::of(*kind)))
                .collect();
            let own = of(contract);
            let mut faults: Vec<String> = own
                .is_empty()
                .then(|| format!("no fact {name}"))
                .into_iter()
                .collect();
            faults.extend(
                own.iter()
                    .filter(|own| !readings.iter().any(|(reading, _)| reading == *own))
                    .map(|own| format!("forgets {name}: {own}")),
            );
            faults.extend(
                readings
                    .iter()
                    .filter(|(reading, _)| !known.contains(reading))
                    .map(|(reading, _)| format!("no reading {name}: {reading}")),
            );
            faults.extend(
                readings
                    .values()
                    .flat_map(|expect| wrong(expect, step, contract)),
            );
            faults
        }
        Expect::On {
            condition,
            otherwise,
            first,
            last,
        } => {
            let Some((name, fact)) = contract.handling(Some(step.ask), *condition) else {
                return vec![format!("nothing on {condition}")];
            };
            let open = fact.readings().iter().filter(|reading| match reading.is {
                Handling::First => first.is_none(),
                Handling::Last => last.is_none(),
                Handling::Proceed => otherwise.is_none(),
                Handling::Answer(_) | Handling::Reject => false,
            });
            let faults = open.map(|reading| format!("forgets {name}: {}", reading.name));
            faults
                .chain(
                    otherwise
                        .iter()
                        .flat_map(|expect| wrong(expect, step, contract)),
                )
                .collect()
        }
        Expect::OneOf(_) => vec!["several expectations, which no file has".to_owned()],
        Expect::Outcome(outcome) => {
            let said = contract.response_spec(Some(step.ask), *outcome).is_some();
            (!said)
                .then(|| format!("nothing is said for {outcome}"))
                .into_iter()
                .collect()
        }
    }
}

/// Returns whether an outcome is among those an expectation names.
pub(super) fn could_be(expect: &Expect, outcome: Outcome) -> bool {
    match expect {
        Expect::By { readings, .. } => readings.values().any(|expect| could_be(expect, outcome)),
        Expect::On {
            otherwise,
            first,
            last,
            ..
        } => {
            [first, last]
                .into_iter()
                .any(|named| *named == Some(outcome))
                || otherwise.iter().any(|expect| could_be(expect, outcome))
        }
        Expect::OneOf(several) => several.iter().any(|expect| could_be(expect, outcome)),
        Expect::Outcome(named) => *named == outcome,
    }
}

/// Returns whether a request has every field of its operation, and somebody to change.
pub(super) fn is_complete(step: &Step) -> bool {
    let Some(fields) = &step.fields else {
        return false;
    };
    let given = |field: &Field| {
        fields
            .get(field.name())
            .and_then(Json::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    let nobody = Placeholder {
        account: Account::Unknown,
        property: Property::Username,
    }
    .to_string();
    let somebody = fields.get("username").and_then(Json::as_str) != Some(&nobody);
    somebody
        && Kind::ALL.iter().all(|kind| {
            contract::of(*kind)
                .clause(step.ask)
                .fields
                .keys()
                .all(given)
        })
}

/// Every text of a step in which a placeholder may stand.
pub(super) fn texts(step: &Step) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    step.fields
        .iter()
        .flat_map(|fields| fields.values())
        .for_each(|value| strings(value, &mut texts));
    texts.extend(step.body.clone());
    texts.extend(
        step.fill
            .values()
            .chain(step.query.values())
            .chain(step.headers.values())
            .cloned(),
    );
    texts
}

fn strings(value: &Json, texts: &mut Vec<String>) {
    match value {
        Json::String(text) => texts.push(text.clone()),
        Json::Array(values) => values.iter().for_each(|value| strings(value, texts)),
        Json::Object(values) => values.values().for_each(|value| strings(value, texts)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

pub(super) fn placeholders(text: &str) -> Vec<Placeholder> {
    let mut found = Vec::new();
    let filled = Placeholder::fill(text, |placeholder| {
        found.push(placeholder);
        Ok(String::new())
    });
    filled.map_or_else(|_| Vec::new(), |_| found)
}
