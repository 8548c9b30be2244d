//! What is agreed on with the keeper of a target, beyond the documents: the readings to expect of it, and the differences that are known.

use std::collections::BTreeMap;

use crate::{
    contract::{Contract, Kind},
    report::{CaseFinding, Conformance, SeenReading, profile::Profile},
    suite::{
        allowed::{ReadingChoice, numbered_fact},
        evidence::Evidence,
        known::KnownDifferences,
        verdict::StepVerdict,
    },
};

/// What is agreed on: by default nothing, and every reading is welcome.
#[derive(Clone, Debug, Default)]
pub struct TargetExpectations {
    /// For some facts the readings that are expected; any other is then a deviation.
    readings: BTreeMap<String, Vec<String>>,
    /// The known differences.
    pub known: KnownDifferences,
}

impl TargetExpectations {
    /// Agrees on known differences, and on the profile of a kind if there is one.
    pub fn new(kind: Kind, profiles: &[Profile], known: KnownDifferences) -> TargetExpectations {
        let profile = profiles.iter().find(|profile| profile.kind == kind);
        let readings = profile.map(|profile| profile.readings.clone());
        let readings = readings.unwrap_or_default();
        TargetExpectations { readings, known }
    }

    /// Compares a judged step with the readings agreed on: an answer that is valid and follows another one becomes a deviation.
    pub fn check_profile(
        &self,
        contract: &Contract,
        number: usize,
        judged: StepVerdict,
    ) -> StepVerdict {
        let unjudged = [Conformance::Deviation, Conformance::NotJudged];
        if unjudged.contains(&judged.conformance) {
            return judged;
        }
        let evidence = judged.evidence.as_ref();
        let Some((fact, received)) = evidence.and_then(|evidence| self.broken(evidence)) else {
            return judged;
        };
        let name = numbered_fact(contract, &fact);
        let agreed = self.readings[&fact].join(" or ");
        let expected = format!("{name}: {agreed}, as the profile says");
        let hint = format!(
            "d4iot-double explain {fact} shows the readings; if the target has changed, write its profile again: --report profile=FILE"
        );
        let finding = CaseFinding {
            hint: Some(hint),
            seen: Some(SeenReading {
                fact,
                reading: received.clone(),
                ground: None,
            }),
            ..CaseFinding::new(number + 1, &expected, format!("{name}: {received}"))
        };
        judged.deviating(finding)
    }

    /// Returns the first fact whose agreed readings an answer does not follow, and what it follows instead.
    fn broken(&self, evidence: &Evidence) -> Option<(String, String)> {
        let differs = |(fact, seen): &&(String, String)| {
            let agreed = self.readings.get(fact);
            agreed.is_some_and(|readings| !readings.contains(seen))
        };
        if let Some(other) = evidence.other.iter().find(differs) {
            return Some(other.clone());
        }
        let allows = |choice: &ReadingChoice| {
            let agreed = self.readings.get(&choice.fact);
            agreed.is_none_or(|readings| readings.contains(&choice.reading))
        };
        let mut interpretations = evidence.interpretations.iter();
        if interpretations.any(|choices| choices.iter().all(allows)) {
            return None;
        }
        // Where no interpretation suits, the first one, which is nearest to the defaults, says what differs.
        let choices = evidence.interpretations.first()?;
        let choice = choices.iter().find(|choice| !allows(choice))?;
        let followed = evidence.readings().remove(&*choice.fact);
        let followed = followed.unwrap_or_else(|| vec![&choice.reading]);
        Some((choice.fact.clone(), followed.join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{report::profile, suite::allowed::ReadingChoice};

    const BODY: &str = "validation.authenticated.body";
    const STATUS: &str = "validation.authenticated.status";

    fn judged(ways: &[&[(&str, &str)]], other: Option<(&str, &str)>) -> StepVerdict {
        let choice = |(fact, reading): &(&str, &str)| ReadingChoice {
            fact: (*fact).to_owned(),
            reading: (*reading).to_owned(),
            rank: 0,
        };
        let ways = ways
            .iter()
            .map(|way| way.iter().map(choice).collect())
            .collect();
        let evidence = Evidence {
            interpretations: ways,
            other: other
                .map(|(fact, seen)| (fact.to_owned(), seen.to_owned()))
                .into_iter()
                .collect(),
        };
        StepVerdict {
            conformance: Conformance::Documented,
            outcome: None,
            evidence: Some(evidence),
            variants: Vec::new(),
            finding: None,
        }
    }

    fn held(profile: &str, judged: StepVerdict) -> (Conformance, String) {
        let profiles = profile::read(
            "p",
            &format!("- kind: sensor\n  readings: {{ {profile} }}\n"),
        )
        .unwrap_or_else(|error| panic!("{error}"));
        let agreed = TargetExpectations::new(Kind::Sensor, &profiles, KnownDifferences::default());
        let held = agreed.check_profile(crate::contract::of(Kind::Sensor), 0, judged);
        (
            held.conformance,
            held.finding
                .map(|finding| finding.received)
                .unwrap_or_default(),
        )
    }

    #[rstest]
    #[case::the_one_agreed_on("X11: table", &[&[(BODY, "table")][..]], None, "")]
    #[case::another("X11: table", &[&[(BODY, "example")][..]], None, "X11 validation.authenticated.body: example")]
    #[case::one_way_of_several("X11: table", &[&[(BODY, "example")][..], &[(BODY, "table")]], None, "")]
    #[case::one_of_several_agreed_on("X11: [example, table]", &[&[(BODY, "example")][..]], None, "")]
    #[case::nothing_agreed_on("X14: table", &[&[(BODY, "example")][..]], None, "")]
    #[case::no_reading_at_all("X16: conventional", &[&[(BODY, "example")][..]], Some((STATUS, "418")), "X16 validation.authenticated.status: 418")]
    fn an_answer_is_held_to_the_readings_agreed_on(
        #[case] profile: &str,
        #[case] ways: &[&[(&str, &str)]],
        #[case] other: Option<(&str, &str)>,
        #[case] received: &str,
    ) {
        let (conformance, text) = held(profile, judged(ways, other));
        assert_eq!(text, received);
        assert_eq!(conformance == Conformance::Deviation, !received.is_empty());
    }

    #[test]
    fn a_profile_of_another_kind_says_nothing() {
        let profiles = profile::read("p", "- kind: sensor\n  readings: { X11: table }\n").unwrap();
        assert!(
            TargetExpectations::new(Kind::Console, &profiles, KnownDifferences::default())
                .readings
                .is_empty()
        );
    }
}
