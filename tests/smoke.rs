#![allow(missing_docs)]
use d4iot_double::*;
#[tokio::test(flavor = "multi_thread")]
async fn smoke() {
    let identity = server::tls::Identity::generate(&[]).unwrap();
    for kind in [contract::Kind::Sensor, contract::Kind::Console] {
        let (double, lab) = runner::Lab::mock(&fixture::built_in(kind), "built-in mock".into(), &identity).unwrap();
        let cases: Vec<_> = conformance::suite::all().iter().filter(|l| l.case.kinds.contains(&kind)).collect();
        let start = std::time::Instant::now();
        let run = runner::run(&lab, &cases, &runner::Memory::Nothing, &|_| {}).await.unwrap();
        println!("{kind} {:?} {:?}", run.summary.counts, start.elapsed());
        for c in &run.summary.cases {
            if c.failed || c.conformance == report::Conformance::NotJudged || c.conformance == report::Conformance::Variant {
                println!("{} {:?} {:#?} {:?}", c.id, c.conformance, c.reasons, c.reading);
            }
        }
        for i in &run.summary.inconsistent {
            println!("{i:?}");
        }
        for f in &run.summary.profile {
            if !f.ruling || f.readings.len() != 1 {
                println!("{f:?}");
            }
        }
        double.end().await;
    }
}
