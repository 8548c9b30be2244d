//! The journal: waiting.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_within_milliseconds_of_the_event() {
    let double = open("");
    let mut worst = Vec::new();
    let mut client = connect(&double).await;
    for round in 1..=100 {
        let host = Arc::clone(double.appliance());
        let waiting = tokio::spawn(async move {
            host.wait(
                &EntryFilter {
                    operation: Some(Operation::Validation),
                    ..EntryFilter::default()
                },
                round,
            )
            .await;
            Instant::now()
        });
        client
            .write_all(&validation("test", "Test12345!"))
            .await
            .unwrap();
        read_answer(&mut client).await;
        let answered = Instant::now();
        worst.push(
            within(waiting)
                .await
                .unwrap()
                .saturating_duration_since(answered),
        );
    }
    worst.sort();
    // Five milliseconds are the promise; ten times that is a fault, whatever else this machine does.
    assert!(worst[50] < Duration::from_millis(50), "{:?}", worst[50]);
}

#[tokio::test]
async fn a_frozen_clock_holds_an_answer_until_it_is_advanced() {
    let double = open("delay: 30s");
    double.appliance().clock().freeze();
    let mut client = connect(&double).await;
    client
        .write_all(&validation("test", "Test12345!"))
        .await
        .unwrap();
    within(double.appliance().wait(
        &EntryFilter {
            state: Some(Progress::Open),
            ..EntryFilter::default()
        },
        1,
    ))
    .await;
    double.appliance().clock().advance(Duration::from_secs(30));
    read_answer(&mut client).await;
    ended(&double, Progress::Done).await;
}
