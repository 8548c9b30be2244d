//! The proof for people: what was tried, how each mutant died, what the mutants say of each fact, the matrix, and what is wrong.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{
    contract::Kind,
    report::{
        conclusion::amount,
        proof::{Mark, MutantResult, Proof},
        visible,
    },
};

/// Writes a proof for people.
pub fn write(proof: &Proof) -> String {
    [
        mutants(proof),
        controls(proof),
        facts(proof),
        matrix(proof),
        conclusion(proof),
    ]
    .concat()
}

fn mutants(proof: &Proof) -> String {
    let width = proof
        .mutants
        .iter()
        .map(|mutant| mutant.id.len())
        .max()
        .unwrap_or_default();
    let mut text =
        "mutants, how each must die, by which case, and how many cases notice it\n".to_owned();
    for (index, mutant) in proof.mutants.iter().enumerate() {
        let noticed: BTreeSet<&str> = mutant
            .trials
            .iter()
            .flat_map(|trial| trial.kills.keys().map(String::as_str))
            .collect();
        let survived = mutant.trials.iter().any(|trial| trial.survived.is_some());
        let sweeping = if is_sweeping(mutant) { "*" } else { " " };
        let sign = if survived { "✗" } else { " " };
        let kinds: Vec<&str> = mutant
            .trials
            .iter()
            .map(|trial| trial.kind.name())
            .collect();
        let alone = if kinds.len() == Kind::ALL.len() {
            String::new()
        } else {
            format!(" ({})", kinds.join(", "))
        };
        let number = index + 1;
        let (id, verdict, by, noticed) = (&mutant.id, &mutant.verdict, &mutant.by, noticed.len());
        let _ = writeln!(
            text,
            "{sign}{number:>4}{sweeping} {id:width$}  {verdict:12}  {noticed:>3}  {by}{alone}"
        );
    }
    text + "     * so many cases notice it that it speaks for none of them\n"
}

fn controls(proof: &Proof) -> String {
    let width = proof
        .controls
        .iter()
        .map(|control| control.id.len())
        .max()
        .unwrap_or_default();
    let mut text = "\ncontrols, and the readings named for them\n".to_owned();
    for control in &proof.controls {
        let sign = if control.wrong.values().any(|wrong| !wrong.is_empty()) {
            "✗"
        } else {
            " "
        };
        let told: BTreeSet<&str> = control
            .told
            .values()
            .flatten()
            .map(String::as_str)
            .collect();
        let told: Vec<&str> = told.into_iter().collect();
        let shown = match told.as_slice() {
            [] => "the rulings".to_owned(),
            [first] => (*first).to_owned(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        let _ = writeln!(text, "{sign}     {:width$}  {shown}", control.id);
    }
    text
}

fn facts(proof: &Proof) -> String {
    let width = proof
        .facts
        .iter()
        .map(|score| score.fact.len())
        .max()
        .unwrap_or_default();
    let mut text = "\nfacts: the cases that cover each, how many of them notice one of its mutants, and how many mutants it has\n".to_owned();
    for kind in Kind::ALL {
        for score in proof.facts.iter().filter(|score| score.kind == *kind) {
            let sign = if score.mutants.is_empty() && score.spared.is_none() {
                "✗"
            } else {
                " "
            };
            let number = score.register.as_deref().unwrap_or_default();
            let spared = score
                .spared
                .as_ref()
                .map(|because| format!("  spared: {}", visible::line(because)))
                .unwrap_or_default();
            let counts = format!(
                "{:>4} {:>4} {:>4}",
                score.covered,
                score.notice,
                score.mutants.len()
            );
            let _ = writeln!(
                text,
                "{sign}{kind:>8}  {number:3}  {:width$}  {counts}{spared}",
                score.fact
            );
        }
    }
    text
}

/// Rows are cases, columns are mutants in the order above. A capital holds for every kind that has both.
fn matrix(proof: &Proof) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for score in &proof.cases {
        if !ids.contains(&score.id.as_str()) {
            ids.push(&score.id);
        }
    }
    let width = ids.iter().map(|id| id.len()).max().unwrap_or_default();
    let mut text = "\nmatrix: D deviation, C changed, small where one kind alone notices; columns in the order above\n".to_owned();
    for digit in [100, 10, 1] {
        let column = |number: usize| {
            if number >= digit {
                char::from_digit((number / digit % 10) as u32, 10).unwrap_or(' ')
            } else {
                ' '
            }
        };
        let heads: String = (1..=proof.mutants.len()).map(column).collect();
        if !heads.trim().is_empty() {
            let _ = writeln!(text, "{:width$}  {}", "", heads.trim_end());
        }
    }
    for id in ids {
        let kinds: Vec<Kind> = proof
            .cases
            .iter()
            .filter(|score| score.id == id)
            .map(|score| score.kind)
            .collect();
        let marks: String = proof
            .mutants
            .iter()
            .map(|mutant| mark(mutant, id, &kinds))
            .collect();
        let _ = writeln!(text, "{id:width$}  {marks}");
    }
    text
}

fn mark(mutant: &MutantResult, case: &str, kinds: &[Kind]) -> char {
    let trials: Vec<Option<&Mark>> = mutant
        .trials
        .iter()
        .filter(|trial| kinds.contains(&trial.kind))
        .map(|trial| trial.kills.get(case))
        .collect();
    let letter = match trials.iter().flatten().max() {
        None => return '·',
        Some(Mark::Changed) => 'C',
        Some(Mark::Deviation) => 'D',
    };
    if trials.iter().all(Option::is_some) {
        letter
    } else {
        letter.to_ascii_lowercase()
    }
}

fn conclusion(proof: &Proof) -> String {
    let mut text = String::from("\n");
    for problem in &proof.problems {
        let _ = writeln!(
            text,
            "✗ {}",
            visible::lines(problem).collect::<Vec<_>>().join("\n")
        );
    }
    if !proof.problems.is_empty() {
        text.push('\n');
    }
    let (trials, killed) = proof.trials();
    let clean = proof
        .references
        .iter()
        .filter(|reference| reference.wrong.is_empty())
        .count();
    let accepted = proof
        .controls
        .iter()
        .filter(|control| control.wrong.values().all(Vec::is_empty))
        .count();
    let by = |verdict: &str| {
        proof
            .mutants
            .iter()
            .filter(|mutant| mutant.verdict == verdict)
            .count()
    };
    let having = proof
        .facts
        .iter()
        .filter(|score| !score.mutants.is_empty())
        .count();
    let killing = proof
        .cases
        .iter()
        .filter(|score| !score.kills.is_empty())
        .count();
    let _ = writeln!(
        text,
        "references  {clean} of {} clean",
        proof.references.len()
    );
    let _ = writeln!(
        text,
        "mutants     {killed} of {trials} killed as declared: {} over both kinds",
        amount(proof.mutants.len(), "mutant")
    );
    let (deviation, inconsistent, changed) = (by("deviation"), by("inconsistent"), by("changed"));
    let _ = writeln!(
        text,
        "            {deviation} by deviation, {inconsistent} by inconsistency, {changed} by the snapshots alone"
    );
    let _ = writeln!(
        text,
        "controls    {accepted} of {} accepted, their readings named",
        proof.controls.len()
    );
    let _ = writeln!(
        text,
        "facts       {having} of {} have a mutant that is noticed",
        proof.facts.len()
    );
    let _ = writeln!(
        text,
        "cases       {killing} of {} kill a mutant that is not noticed everywhere",
        proof.cases.len()
    );
    let _ = match proof.problems.len() {
        0 => writeln!(text, "\nProved."),
        count => writeln!(text, "\nNot proved: {}.", amount(count, "problem")),
    };
    text
}

fn is_sweeping(mutant: &MutantResult) -> bool {
    mutant.trials.iter().any(|trial| trial.sweeping)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::proof::sample;

    #[test]
    fn a_proof_that_holds() {
        insta::assert_snapshot!("proof_holds", write(&sample::holds()));
    }

    #[test]
    fn a_proof_that_does_not() {
        insta::assert_snapshot!("proof_failed", write(&sample::failed()));
    }
}
