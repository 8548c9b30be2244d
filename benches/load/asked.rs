//! What `check` is held against: reqwest sending the very requests of both suites to mocks, and nobody judging the answers.

use d4iot_double::{
    contract,
    contract::{Kind, Readings},
    fixture::built_in,
    runner::RunContext,
    server::tls::Identity,
    suite::{Case, cases, request},
};

/// Sends every request of both kinds, each kind's one after the other, as `check` does; returns how many were answered.
pub(crate) fn all() -> usize {
    let runtime = d4iot_double::cli::serve::runtime().unwrap();
    runtime.block_on(async {
        let identity = Identity::generate(&[]).unwrap();
        let one = |kind: Kind| {
            let identity = identity.clone();
            tokio::spawn(async move { of_kind(kind, &identity).await })
        };
        let tasks = [Kind::Console, Kind::Sensor].map(one);
        let mut count = 0;
        for task in tasks {
            count += task.await.unwrap();
        }
        count
    })
}

async fn of_kind(kind: Kind, identity: &Identity) -> usize {
    let contract = contract::of(kind);
    let readings = Readings::default();
    let (double, context) = RunContext::mock(&built_in(kind), String::new(), identity).unwrap();
    let (host, start) = context.mock.as_ref().unwrap();
    let cases: Vec<&Case> = cases::all()
        .iter()
        .map(|located| &located.case)
        .filter(|case| case.kinds.contains(&kind))
        .collect();
    let mut count = 0;
    for case in cases {
        host.set_state(start.clone());
        for step in &case.steps {
            let request = request::build(step, contract, &readings, &|placeholder| {
                context.accounts.text(placeholder)
            })
            .unwrap();
            // What answers and what not is the same for `check`: some requests get no answer at all.
            drop(context.target.send(&request).await);
            count += 1;
        }
    }
    double.stop().await;
    count
}
