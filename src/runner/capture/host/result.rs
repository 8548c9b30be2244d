//! The result of an exchange, as a case of the reports.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Response, header};

use crate::{
    report,
    report::{CaseFinding, CaseResult, Conformance, ExchangeResult},
    runner,
    runner::capture::{
        SentBody,
        host::{HostJudge, Judging},
        share::SharedExchange,
    },
    suite::{allowed, evidence::Evidence, own_words},
};

impl HostJudge<'_> {
    pub(super) fn result(
        &mut self,
        one: Judging<'_>,
        shared: &SharedExchange,
        file: &str,
    ) -> CaseResult {
        let (answer, exchange, classified) = (one.answer(), one.exchange, &one.classified);
        let (case, judged) = (one.case, one.verdict);
        let numbered = |fact: &str| allowed::numbered_fact(self.contract, fact);
        let mut facts: BTreeSet<String> = BTreeSet::new();
        let readings = judged.evidence.iter().flat_map(Evidence::readings);
        facts.extend(readings.map(|(fact, _)| numbered(fact)));
        if judged.conformance.is_judged() && exchange.sent == SentBody::Whole {
            let clause = self.contract.clause(classified.operation);
            let fields = clause.fields.keys().map(|field| field.name());
            let points = ["path", "method", "accepts"].into_iter().chain(fields);
            let names = points.map(|point| format!("{}.{point}", classified.operation));
            facts.extend(names.map(|name| numbered(&name)));
        }
        let variants = judged.variants.iter();
        let variants =
            variants.map(|choice| format!("{}: {}", numbered(&choice.fact), choice.reading));
        let finding = judged
            .finding
            .map(|finding| self.labelled(finding, &classified.username));
        let times = exchange.times.unwrap_or_default();
        let shown = answer.map(|answer| self.shown(answer, shared));
        let (body, is_escaped) = report::body_text(&shown.unwrap_or_default());
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
                status: answer.map(|answer| answer.status().as_u16()),
                content_type: answer.and_then(|answer| {
                    let value = answer.headers().get(header::CONTENT_TYPE);
                    let value = value.filter(|_| !exchange.lacks_type)?;
                    Some(self.labels.text(&String::from_utf8_lossy(value.as_bytes())))
                }),
                body: report::cut_body(body),
                is_escaped,
                trouble: exchange
                    .answer
                    .as_ref()
                    .err()
                    .map(|reason| (*reason).to_owned()),
                outcome: judged.outcome.map(|outcome| outcome.to_string()),
                micros: ((times.1 - times.0) * 1000.0) as u64,
            }],
            ..CaseResult::default()
        }
    }

    /// Returns a body without what is known to be a secret: it may have words of its own. One of documented texts alone is kept.
    fn shown(&self, answer: &Response<Bytes>, shared: &SharedExchange) -> Vec<u8> {
        let body = answer.body();
        let copied = shared.answer.as_ref().map(Response::body);
        match str::from_utf8(body) {
            Ok(_) if copied == Some(body) => body.to_vec(),
            Ok(text) => self.labels.text(text).into_bytes(),
            Err(_) => format!("«{} bytes that are not text»", body.len()).into_bytes(),
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
