//! The report of a self-test, as text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use d4iot_double::contract::Kind;

use crate::spec::mutants::KillVerdict;

/// The results of all trials, and the problems.
#[derive(Clone, Debug)]
pub struct Report {
    /// Everything that is not as it must be.
    pub problems: Vec<String>,
    /// The reference mocks.
    pub references: Vec<ReferenceTrial>,
    /// The mutants, in the order of the file.
    pub mutants: Vec<MutantResult>,
    /// The controls, in the order of the file.
    pub controls: Vec<ControlResult>,
    /// The facts of each kind; none after a quick run.
    pub facts: Vec<FactScore>,
    /// The cases of each kind; none after a quick run, and one after a run for it.
    pub cases: Vec<CaseScore>,
}

/// A reference mock.
#[derive(Clone, Debug)]
pub struct ReferenceTrial {
    /// Its kind.
    pub kind: Kind,
    /// Its faults; none where it is clean.
    pub wrong: Vec<String>,
}

/// A mutant.
#[derive(Clone, Debug)]
pub struct MutantResult {
    /// Its id.
    pub id: String,
    /// The case that must kill it, or `inconsistent.` and a fact.
    pub by: String,
    /// The verdict that must kill it.
    pub verdict: KillVerdict,
    /// One trial for each kind of appliance.
    pub trials: Vec<MutantTrial>,
}

/// A mutant of one kind, asked by the whole suite.
#[derive(Clone, Debug)]
pub struct MutantTrial {
    /// The kind.
    pub kind: Kind,
    /// Why it was not killed as declared; none where it was.
    pub missed: Option<String>,
    /// Whether so many cases detect it that it says nothing about any one of them.
    pub is_broad: bool,
    /// Every case that detects it.
    pub kills: BTreeMap<String, Detection>,
}

/// How a case detects a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// The answer differs from the snapshot; conformance accepts it.
    Changed,
    /// No reading allows the answer.
    Deviation,
}

/// A control.
#[derive(Clone, Debug)]
pub struct ControlResult {
    /// Its id.
    pub id: String,
    /// Whether it was rejected, or a reading was not named.
    pub is_wrong: bool,
    /// The readings that the profile names.
    pub named: BTreeSet<String>,
}

/// A fact of a kind.
#[derive(Clone, Debug)]
pub struct FactScore {
    /// The kind.
    pub kind: Kind,
    /// The fact's full name.
    pub fact: String,
    /// The mutants that claim it, and that a case which covers it detects.
    pub mutants: Vec<String>,
    /// Whether it needs none.
    pub is_excluded: bool,
}

/// A case of a kind.
#[derive(Clone, Debug)]
pub struct CaseScore {
    /// The kind.
    pub kind: Kind,
    /// The case's id.
    pub id: String,
    /// The mutants that it detects, without the broad ones.
    pub kills: Vec<String>,
    /// The broad mutants that it detects.
    pub broad_kills: Vec<String>,
    /// Whether it need not detect any.
    pub is_excluded: bool,
}

impl Report {
    /// Returns every detection, one line for each mutant of each kind.
    pub fn matrix(&self) -> String {
        let mut text = String::new();
        for mutant in &self.mutants {
            for trial in &mutant.trials {
                let _ = write!(text, "{} ({}):", mutant.id, trial.kind);
                for (case, detection) in &trial.kills {
                    let mark = match detection {
                        Detection::Changed => "~",
                        Detection::Deviation => "",
                    };
                    let _ = write!(text, " {mark}{case}");
                }
                text.push('\n');
            }
        }
        text
    }

    /// Returns the report for people; the last line is the result.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write_mutants(&mut text);
        self.write_controls(&mut text);
        self.write_problems(&mut text);
        self.write_summary(&mut text);
        text
    }

    fn write_mutants(&self, text: &mut String) {
        text.push_str("mutants: verdict, number of cases that detect it, id, case that must\n");
        for mutant in &self.mutants {
            let detecting: BTreeSet<&str> = mutant
                .trials
                .iter()
                .flat_map(|trial| trial.kills.keys().map(String::as_str))
                .collect();
            let is_missed = mutant.trials.iter().any(|trial| trial.missed.is_some());
            let sign = if is_missed { "✗" } else { " " };
            let kind = match mutant.trials.as_slice() {
                [only] => format!(" ({})", only.kind),
                _ => String::new(),
            };
            let (id, verdict, by) = (&mutant.id, mutant.verdict, &mutant.by);
            let count = detecting.len();
            let _ = writeln!(text, "{sign} {verdict:12} {count:>3}  {id:44} {by}{kind}");
        }
    }

    fn write_controls(&self, text: &mut String) {
        text.push_str("\ncontrols: id, readings that the profile names\n");
        for control in &self.controls {
            let sign = if control.is_wrong { "✗" } else { " " };
            let named: Vec<&str> = control.named.iter().map(String::as_str).collect();
            let named = match named.as_slice() {
                [] => "the defaults".to_owned(),
                [first] => (*first).to_owned(),
                [first, rest @ ..] => format!("{first} and {} more", rest.len()),
            };
            let _ = writeln!(text, "{sign} {:32} {named}", control.id);
        }
    }

    fn write_problems(&self, text: &mut String) {
        text.push('\n');
        for problem in &self.problems {
            let _ = writeln!(text, "✗ {problem}");
        }
    }

    fn write_summary(&self, text: &mut String) {
        let by = |verdict: KillVerdict| {
            let mutants = self.mutants.iter();
            mutants.filter(|mutant| mutant.verdict == verdict).count()
        };
        let references = self.references.iter();
        let clean = references.filter(|trial| trial.wrong.is_empty()).count();
        let facts = self.facts.iter();
        let tested_facts = facts.filter(|score| !score.mutants.is_empty()).count();
        let cases = self.cases.iter();
        let killing_cases = cases.filter(|score| !score.kills.is_empty()).count();
        let trials = || self.mutants.iter().flat_map(|mutant| &mutant.trials);
        let missed = trials().filter(|trial| trial.missed.is_some()).count();
        let wrong = self
            .controls
            .iter()
            .filter(|control| control.is_wrong)
            .count();
        let _ = writeln!(
            text,
            "{} mutant definitions: {} by deviation, {} by inconsistency, {} by the snapshots alone",
            self.mutants.len(),
            by(KillVerdict::Deviation),
            by(KillVerdict::Inconsistent),
            by(KillVerdict::Changed),
        );
        if !self.facts.is_empty() {
            let _ = writeln!(
                text,
                "{tested_facts} of {} facts have a detected mutant; {killing_cases} of {} cases kill a mutant that few others kill",
                self.facts.len(),
                self.cases.len(),
            );
        }
        let _ = writeln!(
            text,
            "{clean} of {} reference mocks clean; {} problems",
            self.references.len(),
            self.problems.len(),
        );
        let _ = writeln!(
            text,
            "{} mutants, {missed} missed; {} controls, {wrong} wrong",
            trials().count(),
            self.controls.len(),
        );
    }
}
