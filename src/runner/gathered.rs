//! What a run gathers as it goes: results, held against the memory, and what every answer tells of the target's readings.

use crate::baseline::Error;
use crate::conformance::evidence::Evidence;
use crate::conformance::profile;
use crate::conformance::suite::Located;
use crate::contract::Contract;
use crate::report::CaseResult;
use crate::report::Conformance;
use crate::report::Counts;
use crate::report::Regression;
use crate::report::TargetSummary;
use crate::runner::Lab;
use crate::runner::Memory;
use crate::runner::Ran;
use crate::runner::Run;
use crate::runner::probe;

/// What a run gathers as it goes.
pub(super) struct Gathered<'a> {
    lab: &'a Lab,
    contract: &'a Contract,
    memory: &'a Memory,
    watch: &'a (dyn Fn(&CaseResult) + Sync),
    told: Vec<(String, Evidence)>,
    ran: Vec<Ran>,
    unreachable: Option<String>,
    /// Whether a snapshot waits to be reviewed.
    waits: bool,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(lab: &'a Lab, contract: &'a Contract, memory: &'a Memory, watch: &'a (dyn Fn(&CaseResult) + Sync)) -> Gathered<'a> {
        Gathered { lab, contract, memory, watch, told: Vec::new(), ran: Vec::new(), unreachable: None, waits: false }
    }

    pub(super) fn probed(&mut self, evidence: Vec<Evidence>, unreachable: Option<String>) {
        self.told(probe::NAME, evidence);
        self.unreachable = unreachable;
    }

    pub(super) fn told(&mut self, by: &str, evidence: Vec<Evidence>) {
        self.told.extend(evidence.into_iter().map(|evidence| (by.to_owned(), evidence)));
    }

    /// Adds a case that has ended; tells whether the target could be reached.
    pub(super) fn add(&mut self, located: &Located, mut case: Ran) -> Result<bool, Error> {
        self.waits |= self.settle(located, &mut case)?;
        let trouble =
            case.result.exchanges.iter().find_map(|exchange| {
                exchange.trouble.clone().filter(|_| exchange.status.is_none() && case.result.conformance == Conformance::NotJudged)
            });
        let reached = trouble.is_none();
        self.unreachable = self.unreachable.take().or(trouble);
        (self.watch)(&case.result);
        let evidence = std::mem::take(&mut case.evidence);
        self.told(&located.case.id, evidence);
        self.ran.push(case);
        Ok(reached)
    }

    pub(super) fn end(self) -> Run {
        let (profile, mut inconsistent) = profile::of(self.contract, &self.told);
        for mixed in &mut inconsistent {
            mixed.known = self.known(&mixed.id());
        }
        let results: Vec<CaseResult> = self.ran.iter().map(|case| case.result.clone()).collect();
        let summary = TargetSummary {
            kind: self.lab.kind,
            target: self.lab.label.clone(),
            counts: Counts::of(&results),
            profile,
            inconsistent,
            gone: Vec::new(),
            review: self.memory.folder().filter(|_| self.waits),
            cases: results,
        };
        Run { cases: self.ran, summary, unreachable: self.unreachable }
    }

    /// Holds a case against the memory and says whether it fails: what differs and is known does not. Tells whether something waits to be reviewed.
    fn settle(&self, located: &Located, case: &mut Ran) -> Result<bool, Error> {
        // Known or not decides what may be written, so it is asked first.
        case.result.known = self.known(&located.case.id);
        let waits = self.memory.hold(located, case)?;
        let differs = fails(&case.result);
        case.result.failed = differs && case.result.known.is_none();
        case.result.known = case.result.known.take().filter(|_| differs);
        Ok(waits)
    }

    fn known(&self, id: &str) -> Option<String> {
        self.lab.agreed.known.reason(self.lab.kind, id).map(str::to_owned)
    }
}

/// The table of verdicts: a deviation and a changed answer fail, whatever else holds.
fn fails(result: &CaseResult) -> bool {
    result.conformance == Conformance::Deviation || result.regression == Some(Regression::Changed)
}
