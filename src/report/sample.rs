//! Runs for tests: one with something of everything, hostile bytes included, and one where all is well.

use crate::{
    contract,
    contract::Kind,
    report::{
        CaseFinding, CaseResult, Conformance, Counts, ExchangeResult, FailedSignIns, Followed,
        Inconsistency, NotJudged, ReasonCode, Regression, SeenReading, Summary, TargetSummary,
        causes,
    },
};

/// What a target sends to harm a terminal, a page or a parser.
pub(super) const HOSTILE: &str = concat!(
    "\u{1b}[31mAuthentication\u{1b}[0m\0\r\n::error file=x,line=1::evil\n##vso[task.complete]",
    "]]><script>document.title=1</script><img src=x onerror=document.title=2>\u{202e}\u{9b}2J\u{ffff}\u{e0041}",
    "```|`|\" ' & %0A --> </details>|</pre></style>\n| a | b |\n"
);

/// A run with something of everything.
pub(crate) fn rich() -> Summary {
    let cases = vec![
        case(
            "validation.authenticated",
            "The right password is accepted",
            Conformance::Documented,
            Some(Regression::Same),
        ),
        variant(),
        deviation(),
        changed(),
        known(),
        case(
            "validation.token.bogus",
            "A bogus token changes nothing",
            Conformance::Documented,
            Some(Regression::New),
        ),
        case(
            "validation.body.duplicate",
            "A field stands in the body twice",
            Conformance::Undocumented,
            Some(Regression::Same),
        ),
        not_judged("set_password.read_only", "no account `read_only`"),
        not_judged("set_password.bystander", "no account `bystander`"),
        not_judged("validation.read_only", "no account `read_only`"),
        unreachable(),
    ];
    let sensor = TargetSummary {
        kind: Kind::Sensor,
        target: "https://sensor.example:8443\u{7}".into(),
        certificate: Some("sha256//AAAA".into()),
        failed_sign_ins: Some(FailedSignIns { count: 2, limit: 3 }),
        stopped: Some("a lock-out is suspected".into()),
        not_asked: vec!["validation.path".into()],
        counts: Counts::of(&cases),
        profile: vec![
            followed("validation.authenticated.body", Some("X11"), &[], false),
            followed("set_password.path", Some("X01"), &["both"], true),
            followed(
                "set_password_by_admin.user_unknown.body",
                Some("X14"),
                &["table"],
                false,
            ),
            followed(
                "set_password_by_admin.user_unknown.internal",
                Some("X15"),
                &["present", "another_name"],
                true,
            ),
            followed(
                "set_password.password_replaced.status",
                Some("X16"),
                &["conventional"],
                true,
            ),
            Followed {
                other: vec!["418\u{1b}[2J".into()],
                ..followed("any.unknown_path.status", None, &[], false)
            },
        ],
        inconsistent: vec![Inconsistency {
            fact: "validation.authenticated.body".into(),
            register: Some("X11".into()),
            followed: vec![
                ("example".into(), "validation.authenticated".into()),
                ("table".into(), "validation.token.bogus".into()),
            ],
            known: None,
        }],
        gone: vec!["validation.of_old".into()],
        review: Some("lab".into()),
        end: None,
        cases,
    };
    let cases = vec![case(
        "validation.authenticated",
        "The right password is accepted",
        Conformance::Documented,
        None,
    )];
    let console = TargetSummary {
        kind: Kind::Console,
        target: "built-in mock".into(),
        certificate: None,
        failed_sign_ins: None,
        stopped: None,
        not_asked: Vec::new(),
        counts: Counts::of(&cases),
        profile: vec![followed(
            "set_password_by_admin.user_unknown.body",
            Some("X14"),
            &["example"],
            true,
        )],
        inconsistent: Vec::new(),
        gone: Vec::new(),
        review: None,
        end: None,
        cases,
    };
    Summary {
        date: Some("2026-11-29T12:34:56Z".into()),
        label: Some("Release A".into()),
        options: ["check", "https://sensor.example:8443", "--kind", "sensor"]
            .map(str::to_owned)
            .into(),
        actions: vec![format!("set the password of `test` {HOSTILE}")],
        trouble: vec![format!(
            "the password of `test` was not given back: {HOSTILE}\n  hint: d4iot-double recover"
        )],
        ..summary(vec![sensor, console])
    }
}

/// A run of both kinds where all is well: the default wherever the real documents quarrel.
pub(super) fn plain() -> Summary {
    summary(
        [Kind::Sensor, Kind::Console]
            .map(|kind| {
                let cases = vec![
                    case(
                        "validation.authenticated",
                        "The right password is accepted",
                        Conformance::Documented,
                        Some(Regression::Same)
                    );
                    91
                ];
                let contract = contract::of(kind);
                let profile = contract.facts().into_iter().map(|entry| {
                    let register = contract
                        .ambiguity_number(&entry.name)
                        .map(|number| number.to_string());
                    followed(
                        &entry.name,
                        register.as_deref(),
                        &[entry.readings[0].name],
                        true,
                    )
                });
                TargetSummary {
                    kind,
                    target: "built-in mock".into(),
                    certificate: None,
                    failed_sign_ins: None,
                    stopped: None,
                    not_asked: Vec::new(),
                    counts: Counts::of(&cases),
                    profile: profile.collect(),
                    inconsistent: Vec::new(),
                    gone: Vec::new(),
                    review: None,
                    end: None,
                    cases,
                }
            })
            .into(),
    )
}

fn summary(targets: Vec<TargetSummary>) -> Summary {
    Summary {
        version: 1,
        tool: "d4iot-double 0.1.0".into(),
        date: None,
        label: None,
        options: Vec::new(),
        notes: Vec::new(),
        actions: Vec::new(),
        trouble: Vec::new(),
        fleet: None,
        causes: causes::of(&targets),
        targets,
    }
}

fn variant() -> CaseResult {
    CaseResult {
        reading: vec!["X14 set_password_by_admin.user_unknown.body: table".into()],
        ..case(
            "set_password_by_admin.user_unknown",
            "An unknown user is named",
            Conformance::Variant,
            Some(Regression::Same),
        )
    }
}

fn deviation() -> CaseResult {
    let mut case = case(
        "validation.sequence",
        "The new password validates and the old one does not",
        Conformance::Deviation,
        Some(Regression::New),
    );
    case.exchanges.push(ExchangeResult {
        body: HOSTILE.into(),
        content_type: Some("text/html\r\nX-Evil: 1".into()),
        outcome: None,
        ..exchange()
    });
    CaseResult {
        facts: vec!["X11 validation.authenticated.body".to_owned(), "X16 validation.authenticated.status".to_owned()],
        failed: true,
        reasons: vec![CaseFinding {
            step: 2,
            code: None,
            expected: "authenticated: `Authentication succeeded.` or `Authentication succeeded`".into(),
            received: format!("`msg` is `{HOSTILE}`, expected `Authentication succeeded.`"),
            readings: vec![
                "X11 validation.authenticated.body: example `Authentication succeeded.` (sensor:220)".into(),
                "X11 validation.authenticated.body: table `Authentication succeeded` (sensor:212)".into(),
            ],
            hint: Some("nearest: X11 validation.authenticated.body: example".into()),
            seen: Some(SeenReading {
                fact: "validation.authenticated.body".into(),
                reading: HOSTILE.into(),
                ground: Some("sensor:220".into()),
            }),
        }],
        ..case
    }
}

fn changed() -> CaseResult {
    CaseResult {
        failed: true,
        difference: "-  \"msg\": \"Authentication succeeded\"\n+  \"msg\": \"Authentication succeeded.\u{1b}\"\n".into(),
        ..case("validation.credentials", "Credentials as the page prints them", Conformance::Variant, Some(Regression::Changed))
    }
}

fn known() -> CaseResult {
    CaseResult {
        known: Some("firmware 22.3 says it so, ticket 4711 | <b>".into()),
        reasons: vec![CaseFinding::new(
            1,
            "password_replaced",
            "`Password was replaced`",
        )],
        ..case(
            "set_password.password_replaced",
            "A password is replaced",
            Conformance::Deviation,
            Some(Regression::Same),
        )
    }
}

fn not_judged(id: &str, reason: &str) -> CaseResult {
    let hint = Some("name it in the file of --accounts".into());
    CaseResult {
        reasons: vec![CaseFinding {
            hint,
            ..CaseFinding::not_judged(0, NotJudged::new(ReasonCode::AccountMissing, reason))
        }],
        exchanges: Vec::new(),
        ..case(id, "A role that may not act", Conformance::NotJudged, None)
    }
}

fn unreachable() -> CaseResult {
    let mut case = not_judged("validation.reset", "no answer: connection reset");
    case.reasons[0].hint = None;
    case.reasons[0].code = Some(ReasonCode::NoAnswer);
    case.exchanges.push(ExchangeResult {
        status: None,
        content_type: None,
        body: String::new(),
        trouble: Some("connection reset".into()),
        outcome: None,
        ..exchange()
    });
    case
}

fn case(
    id: &str,
    title: &str,
    conformance: Conformance,
    regression: Option<Regression>,
) -> CaseResult {
    CaseResult {
        id: id.into(),
        title: title.into(),
        facts: vec!["X11 validation.authenticated.body".to_owned()],
        effect: "auth-failure".into(),
        conformance,
        regression,
        reading: Vec::new(),
        file: "conformance/cases/validation.yaml".into(),
        line: 2,
        failed: false,
        known: None,
        reasons: Vec::new(),
        difference: String::new(),
        exchanges: vec![exchange()],
    }
}

fn exchange() -> ExchangeResult {
    ExchangeResult {
        curl: "curl -k -H 'Content-Type: application/json' -d '{\"username\": \"'\"$USER_USERNAME\"'\"}' https://sensor.example:8443/api/external/authentication/validation".to_owned(),
        status: Some(200),
        content_type: Some("application/json".into()),
        body: "{\"msg\":\"Authentication succeeded.\"}".into(),
        is_escaped: false,
        trouble: None,
        outcome: Some("authenticated".into()),
        micros: 1234,
    }
}

fn followed(fact: &str, register: Option<&str>, readings: &[&str], is_default: bool) -> Followed {
    Followed {
        fact: fact.into(),
        register: register.map(str::to_owned),
        readings: readings
            .iter()
            .map(|reading| (*reading).to_owned())
            .collect(),
        is_default,
        other: Vec::new(),
        seen: 3,
    }
}
