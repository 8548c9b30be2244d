//! The journal: how answers end.

use super::*;

#[rstest]
#[case::whole("", Progress::Done, 200)]
#[case::delayed("delay: 1ms", Progress::Done, 200)]
#[case::dribbled("dribble: { bytes: 8, every: 1ms }", Progress::Done, 200)]
#[case::another_outcome("outcome: locked_out", Progress::Done, 403)]
#[case::a_page("page: apache", Progress::Done, 503)]
#[case::reset_before("reset: before_answer", Progress::Cut, 200)]
#[case::reset_within("reset: { after_bytes: 20 }", Progress::Cut, 200)]
#[case::closed("close: after_head", Progress::Cut, 200)]
#[case::truncated("truncate: 5", Progress::Cut, 200)]
#[tokio::test]
async fn an_entry_says_how_its_answer_ended(
    #[case] act: &str,
    #[case] expected: Progress,
    #[case] status: u16,
) {
    let double = open(act);
    let mut client = connect(&double).await;
    client
        .write_all(&validation("test", "Test12345!"))
        .await
        .unwrap();
    let mut answer = Vec::new();
    if expected == Progress::Done {
        read_answer(&mut client).await;
    } else {
        // What is cut ends.
        let _ = client.read_to_end(&mut answer).await;
    }
    let view = ended(&double, expected).await;
    assert_eq!((view.status, view.state), (Some(status), expected.name()));
    assert_eq!(
        view.failure.as_deref(),
        if act.is_empty() { None } else { Some("bad") }
    );
    assert_eq!(
        view.outcome,
        match act.split(':').next().unwrap() {
            "outcome" => Some("locked_out"),
            "status" | "page" | "json" | "redirect" => None,
            _ => Some("authenticated"),
        }
    );
    assert_eq!(view.judged, "authenticated");
    assert!(view.took_ms.unwrap() >= if act.contains("1ms") { 1.0 } else { 0.0 });
    double.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_differs_from_a_cut_answer() {
    for (act, leaves) in [
        ("hang: before_head", true),
        ("hang: mid_body", true),
        ("hang: before_head", false),
        ("delay: 1h", false),
    ] {
        let double = open(act);
        let mut client = connect(&double).await;
        client
            .write_all(&validation("test", "Test12345!"))
            .await
            .unwrap();
        let arrived = EntryFilter {
            state: Some(Progress::Open),
            ..EntryFilter::default()
        };
        within(double.appliance().wait(&arrived, 1)).await;
        let host = Arc::clone(double.appliance());
        let expected = if leaves {
            drop(client);
            Progress::Left
        } else {
            drop(double);
            Progress::Cut
        };
        within(host.wait(
            &EntryFilter {
                state: Some(expected),
                ..EntryFilter::default()
            },
            1,
        ))
        .await;
        assert_eq!(host.count(&arrived), 0, "{act}");
    }
}

#[tokio::test]
async fn what_is_pipelined_is_done_each_in_its_turn() {
    let double = open("");
    let mut client = connect(&double).await;
    let many: Vec<u8> = (0..20)
        .flat_map(|number| validation(&format!("user{number}"), "x"))
        .collect();
    client.write_all(&many).await.unwrap();
    let done = EntryFilter {
        state: Some(Progress::Done),
        ..EntryFilter::default()
    };
    within(double.appliance().wait(&done, 20)).await;
    let users: Vec<_> = double
        .appliance()
        .journal(&done, 99)
        .entries
        .into_iter()
        .map(|view| view.user.unwrap())
        .collect();
    assert_eq!(
        users,
        (0..20)
            .map(|number| format!("user{number}"))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn what_the_server_refuses_by_itself_is_noted_as_well() {
    let double = open("");
    for (request, outcome) in [
        ("POST /a HTTP/1.1\r\n\r\n".to_owned(), Outcome::BadRequest),
        (
            format!(
                "POST {VALIDATION} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 70000\r\n\r\n"
            ),
            Outcome::BodyTooLarge,
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n",
                "x".repeat(40_000)
            ),
            Outcome::HeadTooLarge,
        ),
    ] {
        let mut client = connect(&double).await;
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        within(client.read_to_end(&mut answer)).await.unwrap();
        let wanted = EntryFilter {
            outcome: Some(outcome),
            state: Some(Progress::Done),
            ..EntryFilter::default()
        };
        within(double.appliance().wait(&wanted, 1)).await;
        let page = double.appliance().journal(&wanted, 9);
        assert_eq!(
            (page.entries.len(), page.entries[0].outcome),
            (1, Some(outcome.name()))
        );
        assert!(
            String::from_utf8_lossy(&answer)
                .starts_with(&format!("HTTP/1.1 {}", page.entries[0].status.unwrap()))
        );
    }
}
