//! More clients at once than any test has: in the long mode, since it needs 20,000 descriptors and some seconds.

use std::time::Instant;

use d4iot_double::{server, server::Limits};
use rstest::rstest;

use crate::hostile::{client::good, mock::Mock};

/// `D4IOT_CROWD` says how many, 8,000 when not given.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs 20,000 descriptors and some seconds: run by .ci/long"]
async fn a_crowd_is_answered(#[values(false, true)] tls: bool) {
    let count: usize = std::env::var("D4IOT_CROWD").map_or(8_000, |count| count.parse().unwrap());
    let descriptors = server::raise_descriptor_limit();
    assert!(
        descriptors.is_none_or(|limit| limit > 2 * count as u64 + 100),
        "both ends need {count} descriptors, there are {descriptors:?}"
    );
    let mut mock = Mock::start(tls, Limits::default()).await;
    let began = Instant::now();
    let mut crowd = Vec::new();
    for _ in 0..count {
        crowd.push(mock.open().await);
    }
    let opened = began.elapsed();
    // All are open; all ask; all are answered.
    for client in &mut crowd {
        client.send(&good("")).await.unwrap();
    }
    let mut right = 0;
    for client in &mut crowd {
        right += usize::from(
            client
                .answer()
                .await
                .unwrap()
                .is_some_and(|answer| answer.to_string() == "200 authenticated"),
        );
    }
    let asked = began.elapsed() - opened;
    mock.is_well().await.unwrap();
    println!(
        "{count} connections over {}: opened in {opened:.1?}, asked and answered in {asked:.1?}, {right} right",
        if tls { "HTTPS" } else { "HTTP" }
    );
    assert_eq!(right, count);
    drop(crowd);
    mock.is_well().await.unwrap();
}
