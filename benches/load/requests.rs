//! What `check` is compared with: reqwest sending the same requests to mocks, without judging the answers.

use d4iot_double::{
    contract,
    contract::{Kind, Readings},
    fixture::built_in,
    runner::RunContext,
    server::tls::Identity,
    suite::{Case, cases, request},
};

/// Sends every request of both suites at once, as `check` does.
pub(crate) async fn send_all() {
    let identity = Identity::generate(&[]).unwrap();
    let [console, sensor] = [Kind::Console, Kind::Sensor].map(|kind| send(kind, &identity));
    tokio::join!(console, sensor);
}

async fn send(kind: Kind, identity: &Identity) {
    let readings = Readings::default();
    let (double, context) = RunContext::mock(&built_in(kind), String::new(), identity).unwrap();
    let (appliance, start) = context.mock.as_ref().unwrap();
    let cases = cases::all().iter().map(|located| &located.case);
    for Case { steps, .. } in cases.filter(|case| case.kinds.contains(&kind)) {
        appliance.set_state(start.clone());
        for step in steps {
            let text = |placeholder| context.accounts.text(placeholder);
            let request = request::build(step, contract::of(kind), &readings, &text).unwrap();
            // Some requests get no answer, here as in `check`.
            drop(context.target.send(&request).await);
        }
    }
    double.stop().await;
}
