//! The table of answers in `docs/answers.md`, as the default readings render them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Request, header::CONTENT_TYPE};

use super::{ResponseKey, Rules};
use crate::contract::{Kind, Operation, Outcome, bless};

#[test]
fn the_documented_answers_are_up_to_date() {
    // Each answer, with the operations and the kinds that have it.
    let mut rows: Vec<(String, BTreeSet<&str>, BTreeSet<&str>)> = Vec::new();
    for outcome in Outcome::ALL {
        for operation in Operation::ALL.iter().copied().map(Some).chain([None]) {
            for kind in Kind::ALL {
                let Some((status, body)) = answer(*kind, operation, *outcome) else {
                    continue;
                };
                let row = format!("`{outcome}` | {status} | `{body}`");
                if rows.iter().all(|(other, ..)| *other != row) {
                    rows.push((row.clone(), BTreeSet::new(), BTreeSet::new()));
                }
                let found = rows.iter_mut().find(|(other, ..)| *other == row);
                let (_, operations, kinds) = found.expect("it was added");
                operations.insert(operation.map_or("any", Operation::name));
                kinds.insert(kind.name());
            }
        }
    }
    let mut table = String::from(
        "| outcome | status | body | operations | appliance |\n| --- | --- | --- | --- | --- |\n",
    );
    for (row, operations, kinds) in rows {
        let operations = match operations.contains("any") {
            true => "any".to_owned(),
            false => Vec::from_iter(operations).join(", "),
        };
        let kinds = if kinds.len() == 1 {
            *kinds.first().unwrap()
        } else {
            "both"
        };
        table.push_str(&format!("| {row} | {operations} | {kinds} |\n"));
    }
    bless::check_block("docs/answers.md", "answers", &table);
}

/// Returns status and body of the answer about the user `test`, if there is such an answer.
fn answer(kind: Kind, operation: Option<Operation>, outcome: Outcome) -> Option<(u16, String)> {
    let rules = Rules::with_defaults(kind);
    let key = ResponseKey { operation, outcome };
    rules.response_echoes(key)?;
    let path = operation.map_or("/", |operation| {
        let mut routes = rules.routes.iter();
        let route = routes.find(|(_, found)| *found == operation);
        &*route.expect("every operation has a path").0
    });
    let fields = [
        "username",
        "password",
        "new_password",
        "admin_username",
        "admin_password",
    ];
    let body: BTreeMap<&str, &str> = fields.iter().map(|field| (*field, "test")).collect();
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(serde_json::to_vec(&body).unwrap()))
        .unwrap();
    let response = rules.render_response(key, &rules.parse_request(&request));
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    Some((response.status().as_u16(), body))
}
