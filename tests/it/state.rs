//! State out and in: an exported appliance, loaded again, is exported the same; two that load it answer alike.
//!
//! The seed is fixed, so that a run can be repeated; `PROPTEST_RNG_SEED=N PROPTEST_CASES=M` look further.

mod fixtures;
mod manage;
mod steps;

use d4iot_double::{fixture, fixture::Fixture, server::MockAppliance};
use fixtures::any_fixture;
use proptest::{prelude::*, strategy::ValueTree, test_runner::RngSeed};
use steps::{Step, any_steps};

use crate::process::Process;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_exported_appliance_is_loaded_as_it_was(
        fixture in any_fixture(),
        before in any_steps(),
        other in any_fixture(),
        after in any_steps(),
    ) {
        let mut fixture = read(&fixture);
        fixture.frozen = true;
        let original = MockAppliance::from_fixture(&fixture, 7);
        for step in &before {
            step.take(&original, 0);
        }
        let text = original.export().export();
        let mut loaded = read(&text);
        loaded.frozen = true;
        let seed = loaded.seed.unwrap();
        let copy = MockAppliance::from_fixture(&loaded, seed);
        // It makes no difference what an appliance was before.
        let changed = MockAppliance::from_fixture(&read(&other), 1);
        changed.load(&loaded, seed);
        for host in [&copy, &changed] {
            prop_assert_eq!(host.export().export(), text.as_str());
        }
        for step in &after {
            prop_assert_eq!(step.take(&copy, 100), step.take(&changed, 100), "{:?}\n{}", step, text);
        }
        prop_assert_eq!(
            copy.export().export(),
            changed.export().export()
        );
        for host in [&copy, &changed] {
            host.reset();
            prop_assert_eq!(host.export().export(), text.as_str());
        }
    }
}

/// What the properties rest on: random steps meet modes that apply and changed passwords, and not only refusals.
#[test]
fn the_random_appliances_have_something_to_write() {
    let mut runner = proptest::test_runner::TestRunner::new(config());
    let mut met = [0; 2];
    for _ in 0..64 {
        let fixture = any_fixture().new_tree(&mut runner).unwrap().current();
        let steps = any_steps().new_tree(&mut runner).unwrap().current();
        let mut fixture = read(&fixture);
        fixture.frozen = true;
        let host = MockAppliance::from_fixture(&fixture, 7);
        let lines: Vec<String> = steps.iter().map(|step| step.take(&host, 0)).collect();
        let text = host.export().export();
        met[0] += usize::from(text.contains("\"reading\": {"));
        met[1] += usize::from(
            lines
                .iter()
                .any(|lines| lines.contains("is_plain: false") && lines.contains("Password")),
        );
    }
    assert!(met.iter().all(|count| *count >= 3), "{met:?}");
}

fn read(text: &str) -> Fixture {
    fixture::read("state.json", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    };
    let lines = |variable: &str| std::env::var_os(variable).is_some();
    if !lines("PROPTEST_RNG_SEED") {
        config.rng_seed = RngSeed::Fixed(4);
    }
    if !lines("PROPTEST_CASES") {
        config.cases = 64;
    }
    config
}

/// The command that a person asks takes what was taken out.
#[test]
fn fixture_check_takes_an_exported_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let mut rotation = read(include_str!("../../fixtures/scenarios/bad-night.yaml"));
    rotation.frozen = true;
    let host = MockAppliance::from_fixture(&rotation, 7);
    for user in ["test", "myUser"] {
        Step::change(
            user,
            if user == "test" {
                "Test12345!"
            } else {
                "1234@abcd"
            },
            "Rotated-1",
        )
        .take(&host, 0);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the test writes the file that the command reads"
    )]
    std::fs::write(&path, host.export().export()).unwrap();
    let end = Process::start(&["fixture", "check", &path.display().to_string()]).end();
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    assert_eq!(
        end.out,
        "ok sensor sensor: 4 users, policy examples, 5 failure modes\n"
    );
}
