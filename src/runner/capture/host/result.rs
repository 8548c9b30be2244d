//! The result of an exchange, as a case of the reports.

use std::collections::BTreeSet;

use crate::{
    report,
    report::{CaseFinding, CaseResult, Conformance, ExchangeResult},
    runner,
    runner::capture::{
        RecordedExchange, SentBody, classify::Classified, host::HostJudge, share::SharedExchange,
    },
    suite::{Case, allowed, own_words, verdict::StepVerdict},
};

impl HostJudge<'_> {
    pub(super) fn result(
        &mut self,
        case: Case,
        exchange: &RecordedExchange,
        classified: &Classified,
        judged: StepVerdict,
        shared: &SharedExchange,
        file: &str,
    ) -> CaseResult {
        let numbered = |fact: &str| allowed::numbered_fact(self.contract, fact);
        let mut facts: BTreeSet<String> = BTreeSet::new();
        if let Some(evidence) = &judged.evidence {
            facts.extend(evidence.readings().into_keys().map(numbered));
        }
        if judged.conformance.is_judged() && exchange.sent == SentBody::Whole {
            let clause = self.contract.clause(classified.operation);
            let points = ["path", "method", "accepts"].into_iter();
            let points = points.chain(clause.fields.keys().map(|field| field.name()));
            facts
                .extend(points.map(|point| numbered(&format!("{}.{point}", classified.operation))));
        }
        let variants = judged.variants.iter();
        let variants =
            variants.map(|choice| format!("{}: {}", numbered(&choice.fact), choice.reading));
        let finding = judged
            .finding
            .map(|finding| self.labelled(finding, &classified.username));
        let micros = exchange
            .times
            .map_or(0.0, |(start, end)| (end - start) * 1000.0);
        let (body, is_escaped) = report::body_text(&shared.shown);
        let evidence = judged.evidence.into_iter();
        self.evidence
            .extend(evidence.map(|evidence| (case.id.clone(), evidence)));
        CaseResult {
            id: case.id,
            title: case.title,
            facts: facts.into_iter().collect(),
            effect: case.effect.name().to_owned(),
            conformance: judged.conformance,
            reading: variants.collect(),
            file: file.to_owned(),
            line: exchange.line,
            failed: judged.conformance == Conformance::Deviation,
            reasons: finding.into_iter().collect(),
            exchanges: vec![ExchangeResult {
                curl: runner::curl(&shared.request, "$TARGET"),
                status: shared
                    .answer
                    .as_ref()
                    .map(|answer| answer.status().as_u16()),
                content_type: shared.content_type.clone(),
                body: report::cut_body(body),
                is_escaped,
                trouble: exchange
                    .answer
                    .as_ref()
                    .err()
                    .map(|reason| (*reason).to_owned()),
                outcome: judged.outcome.map(|outcome| outcome.to_string()),
                micros: micros as u64,
            }],
            ..CaseResult::default()
        }
    }

    fn labelled(&self, mut finding: CaseFinding, username: &str) -> CaseFinding {
        let texts = [&mut finding.received].into_iter().chain(&mut finding.hint);
        let texts = texts.chain(finding.seen.as_mut().map(|seen| &mut seen.reading));
        texts.for_each(|text| *text = self.labels.text(text));
        // The contract's own words, with the user's name in them.
        let label = self.labels.user(username);
        let texts = [&mut finding.expected]
            .into_iter()
            .chain(&mut finding.readings);
        texts.for_each(|text| *text = own_words::with_word(text, username, label));
        finding
    }
}
