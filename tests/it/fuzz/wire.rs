//! Any bytes on a connection to a served sensor: it ends, nothing panics, and the next client is answered.
use std::{
    sync::{LazyLock, Mutex},
    time::Duration,
};

use d4iot_double::{
    contract::Kind,
    fixture, server,
    server::{Limits, Log, MockAppliance, RunningAppliance},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::{Builder, Runtime},
};

pub(crate) fn run(data: &[u8]) {
    let (runtime, double) = &*SERVED;
    runtime.block_on(async {
        let ask = async |bytes: &[u8]| {
            let mut stream = TcpStream::connect(double.address())
                .await
                .expect("it is there");
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        tokio::time::timeout(SOON, ask(data))
            .await
            .expect("it ends");
        let answer = tokio::time::timeout(SOON, ask(GOOD))
            .await
            .expect("the next one is answered");
        assert!(
            answer.starts_with(b"HTTP/1.1 200 OK\r\n") || answer.starts_with(b"HTTP/1.1 401 "),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    });
    assert!(
        TOLD.lock()
            .expect("no panic")
            .iter()
            .all(|line| !line.contains("panicked"))
    );
}

static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

static SERVED: LazyLock<(Runtime, RunningAppliance)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let double = runtime.block_on(async {
        let fixture = fixture::built_in(Kind::Sensor);
        let log = Log::to(|line| TOLD.lock().expect("no panic").push(line.to_owned()));
        let listener = server::bind(([127, 0, 0, 1], 0).into()).expect("a port");
        RunningAppliance::serve(
            listener,
            MockAppliance::new(fixture.appliance(), fixture.schedule(7)),
            None,
            Limits {
                log,
                ..Limits::default()
            },
        )
        .expect("it starts")
    });
    (runtime, double)
});

/// A password may have been changed by then: a refusal is an answer as well.
const GOOD: &[u8] = b"POST /api/external/authentication/validation HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 43\r\n\r\n{\"username\":\"test\",\"password\":\"Test12345!\"}";
const SOON: Duration = Duration::from_secs(20);
