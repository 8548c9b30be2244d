//! Hundreds of connections that failure modes hold, cut and reset leave no descriptor behind.

use std::{fs, net::SocketAddr, sync::Arc, time::Duration};

use d4iot_double::{
    contract::Kind,
    failure::{CloseKind, CutPoint, Delay, FailureAction, FailureMode, Schedule, When},
    fixture, server,
    server::{Limits, MockAppliance, RunningAppliance},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::own_process::is_own_process;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors_go_back_to_what_they_were() {
    if !is_own_process("failures_descriptors::descriptors_go_back_to_what_they_were") {
        return;
    }
    let ends = [CloseKind::Close, CloseKind::Hang, CloseKind::Reset].map(|how| FailureAction {
        end: Some((how, CutPoint::MidBody)),
        ..FailureAction::default()
    });
    let delayed = FailureAction {
        delay: Some(Delay::Fixed(Duration::from_millis(20))),
        ..FailureAction::default()
    };
    let modes = ends
        .into_iter()
        .chain([delayed])
        .enumerate()
        .map(|(number, action)| {
            let calls = (0..300)
                .filter(|call| call % 4 == number as u64)
                .map(|call| call + 1)
                .collect();
            FailureMode {
                name: number.to_string(),
                on: None,
                user: None,
                when: When {
                    calls,
                    ..When::default()
                },
                action: Arc::new(action),
                armed: true,
                written: Arc::default(),
            }
        });
    let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let host = MockAppliance::new(
        fixture::built_in(Kind::Sensor).appliance(),
        Schedule::new(modes.collect(), 7),
    );
    let double = RunningAppliance::serve(listener, host, None, Limits::default()).unwrap();
    let address = double.address();
    let before = descriptors();
    let clients: Vec<_> = (0..300).map(|_| tokio::spawn(ask(address))).collect();
    for client in clients {
        client.await.unwrap();
    }
    let all = async {
        while descriptors() > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), all)
        .await
        .expect("the descriptors go back");
    let fired: u64 = double
        .appliance()
        .counters()
        .iter()
        .map(|counter| counter.fired)
        .sum();
    assert_eq!(fired, 300);
    double.stop().await;
}

/// Asks once, reads for a moment, and leaves.
async fn ask(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST /api/external/authentication/validation HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    let mut received = Vec::new();
    let _ = tokio::time::timeout(
        Duration::from_millis(200),
        stream.read_to_end(&mut received),
    )
    .await;
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
