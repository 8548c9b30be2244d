//! The journal: order.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_racing_change_wins_and_the_order_explains_all_answers() {
    let rounds = 10_000 / 64;
    let host = MockAppliance::new(
        fixture::built_in(Kind::Sensor).appliance(),
        d4iot_double::failure::Schedule::default(),
    );
    let double = Arc::new(
        RunningAppliance::open(
            host.with_journal(
                Bounds::default().with_entries(20_000),
                MemoryBudget::new(usize::MAX),
            ),
            None,
        )
        .unwrap(),
    );
    let mut set = serde_json::Value::Null;
    let mut clients = Vec::new();
    for _ in 0..64 {
        clients.push(connect(&double).await);
    }
    for round in 0..rounds {
        let tasks: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                tokio::spawn(async move {
                    let body = format!(
                        r#"{{"username": "test", "password": "{}", "new_password": "{}"}}"#,
                        if round == 0 {
                            "Test12345!".to_owned()
                        } else {
                            format!("Round1234!{}", round - 1)
                        },
                        format_args!("Round1234!{round}"),
                    );
                    client
                        .write_all(&request("/api/external/authentication/set_password", &body))
                        .await
                        .unwrap();
                    let answer = read_answer(&mut client).await;
                    (client, answer.contains("200 OK"))
                })
            })
            .collect();
        let mut winners = 0;
        clients = Vec::new();
        for task in tasks {
            let (client, won) = task.await.unwrap();
            winners += usize::from(won);
            clients.push(client);
        }
        assert_eq!(winners, 1, "round {round}");
        // In the order of the journal the first of a round has the right password, and all others the one that it replaced.
        let page = double.appliance().journal(&EntryFilter::default(), 64);
        let outcomes: Vec<_> = page
            .entries
            .iter()
            .map(|entry| (entry.outcome, entry.changed))
            .collect();
        let expected = std::iter::once((Some("password_replaced"), true)).chain(
            std::iter::repeat_n((Some("authentication_failed"), false), 63),
        );
        assert_eq!(outcomes, expected.collect::<Vec<_>>());
        // Known again by its fingerprint: what the winner sets is what the next round's winner gives.
        let winner = &page.entries[0].fingerprints;
        assert!(round == 0 || winner["password"] == set, "round {round}");
        set = winner["new_password"].clone();
        double.appliance().clear_journal();
    }
}
