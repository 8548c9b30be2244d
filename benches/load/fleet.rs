//! Ten thousand appliances in one process, through the library: `MockAppliance` and `RunningAppliance`, as many tests of one program would use them.

use std::{io::Read, sync::Arc, time::Instant};

use d4iot_double::{
    contract::Kind,
    fixture::built_in,
    server,
    server::{Limits, MockAppliance, RunningAppliance},
};

/// Serves so many sensors over HTTP until its input ends. Says how long making them took, in milliseconds of the
/// wall and of the processor, then where the first thousand listen.
pub(crate) fn serve(count: usize) {
    server::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (start, before) = (Instant::now(), cpu_ms());
        let (fixture, limits) = (built_in(Kind::Sensor), Arc::new(Limits::default()));
        let make = |_| {
            let listener = server::bind(([127, 0, 0, 1], 0).into()).unwrap();
            let host = MockAppliance::new(fixture.appliance(), fixture.schedule(0));
            RunningAppliance::serve(listener, host, None, Arc::clone(&limits)).unwrap()
        };
        let doubles: Vec<RunningAppliance> = (0..count).map(make).collect();
        let (took, cpu) = (start.elapsed().as_secs_f64() * 1e3, cpu_ms() - before);
        let addresses: Vec<String> = doubles
            .iter()
            .take(1000)
            .map(|double| double.address().to_string())
            .collect();
        println!("{took} {cpu} {} {}", addresses.join(","), doubles[0].url());
        // Its end is the end of this process.
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
        drop(ended.await);
    });
}

/// How long this thread has run.
fn cpu_ms() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}
