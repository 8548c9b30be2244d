//! Two proofs for the tests of the writers: one that holds, one in which everything is wrong that can be.

use std::collections::BTreeMap;

use crate::{
    contract::Kind,
    report::proof::{
        CaseScore, ControlResult, FactScore, Mark, MutantResult, Proof, Reference, Trial,
    },
};

/// Everything is proved.
pub(crate) fn holds() -> Proof {
    let kills = |marks: &[(&str, Mark)]| {
        marks
            .iter()
            .map(|(id, mark)| ((*id).to_owned(), *mark))
            .collect::<BTreeMap<_, _>>()
    };
    let trial = |kind, kills, sweeping| Trial {
        kind,
        survived: None,
        sweeping,
        kills,
    };
    let both = |marks: &[(&str, Mark)], sweeping| {
        vec![
            trial(Kind::Console, kills(marks), sweeping),
            trial(Kind::Sensor, kills(marks), sweeping),
        ]
    };
    let mutant = |id: &str, by: &str, verdict: &str, trials| MutantResult {
        id: id.to_owned(),
        what: format!("What {id} does <otherwise>."),
        by: by.to_owned(),
        verdict: verdict.to_owned(),
        trials,
    };
    let case = |kind, id: &str, kills: &[&str], sweeping, spared: Option<&str>| CaseScore {
        kind,
        id: id.to_owned(),
        kills: kills.iter().map(|id| (*id).to_owned()).collect(),
        sweeping,
        spared: spared.map(str::to_owned),
    };
    let fact =
        |kind, fact: &str, register: Option<&str>, mutants: &[&str], spared: Option<&str>| {
            FactScore {
                kind,
                fact: fact.to_owned(),
                register: register.map(str::to_owned),
                covered: 2,
                notice: mutants.len(),
                mutants: mutants.iter().map(|id| (*id).to_owned()).collect(),
                spared: spared.map(str::to_owned),
            }
        };
    let kinds = Kind::ALL.iter().copied();
    Proof {
        version: 1,
        tool: "d4iot-double 0.1.0".to_owned(),
        problems: Vec::new(),
        references: kinds
            .clone()
            .map(|kind| Reference {
                kind,
                cases: 2,
                wrong: Vec::new(),
            })
            .collect(),
        mutants: vec![
            mutant(
                "any_password",
                "validation.wrong",
                "deviation",
                both(&[("validation.wrong", Mark::Deviation)], false),
            ),
            mutant(
                "teapot",
                "validation.right",
                "changed",
                both(
                    &[
                        ("validation.right", Mark::Changed),
                        ("validation.wrong", Mark::Changed),
                    ],
                    true,
                ),
            ),
        ],
        controls: vec![ControlResult {
            id: "full_stop_missing".to_owned(),
            what: "The table's text.".to_owned(),
            wrong: kinds.clone().map(|kind| (kind, Vec::new())).collect(),
            told: kinds
                .clone()
                .map(|kind| {
                    (
                        kind,
                        vec!["X11 validation.authenticated.body: table".to_owned()],
                    )
                })
                .collect(),
        }],
        facts: kinds
            .clone()
            .flat_map(|kind| {
                [
                    fact(
                        kind,
                        "any.request_timeout.body",
                        None,
                        &[],
                        Some("no case waits so long"),
                    ),
                    fact(
                        kind,
                        "validation.authenticated.body",
                        Some("X11"),
                        &["any_password", "teapot"],
                        None,
                    ),
                ]
            })
            .collect(),
        cases: kinds
            .flat_map(|kind| {
                [
                    case(
                        kind,
                        "validation.right",
                        &[],
                        1,
                        Some("it says what is right"),
                    ),
                    case(kind, "validation.wrong", &["any_password"], 1, None),
                ]
            })
            .collect(),
    }
}

/// One of each thing that can be wrong.
pub(crate) fn failed() -> Proof {
    let mut proof = holds();
    proof.mutants[0].trials[1].survived = Some("its case found it documented and same".to_owned());
    proof.mutants[0].trials[1].kills.clear();
    proof.cases[3].kills.clear();
    proof.references[0]
        .wrong
        .push("validation.right: deviation and changed".to_owned());
    proof.controls[0].wrong.insert(
        Kind::Sensor,
        vec!["not accepted by validation.right".to_owned()],
    );
    proof.problems = [
        "the reference console is not clean: validation.right: deviation and changed",
        "mutant any_password (sensor) is to die of deviation by validation.wrong: its case found it documented and same\n --> conformance/mutants.yaml:3",
        "control full_stop_missing (sensor): not accepted by validation.right",
        "case validation.wrong (sensor) kills no mutant but 1 that nearly every case kills",
    ]
    .map(str::to_owned)
    .to_vec();
    proof
}
