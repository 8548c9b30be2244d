//! The journal: bounds.

use super::*;

#[test]
fn journals_are_bounded_together_and_drop_oldest_entries() {
    let budget = MemoryBudget::new(400_000);
    let host = || {
        let host = MockAppliance::new(
            fixture::built_in(Kind::Sensor).appliance(),
            d4iot_double::failure::Schedule::default(),
        );
        host.with_journal(Bounds::default(), Arc::clone(&budget))
    };
    let (first, second, third) = (host(), host(), host());
    let client = d4iot_double::server::Client {
        source: [127, 0, 0, 1].into(),
        connection: 1,
    };
    let request = http::Request::post("/")
        .body(vec![b'x'; 4000].into())
        .unwrap();
    for host in [&first, &second, &third] {
        for _ in 0..60 {
            host.answer(&request, client);
            assert!(budget.used() <= 400_000, "{}", budget.used());
        }
    }
    let held = [&first, &second, &third]
        .map(|host| host.journal(&EntryFilter::default(), 99).entries.len());
    assert_eq!((held[0], held[2]), (0, 60));
    assert!(held[1] > 20 && held[1] < 60, "{held:?}");
    assert_eq!(first.journal(&EntryFilter::default(), 9).dropped, 60);
    drop((first, second));
    assert!(budget.used() > 0);
    third.reset();
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn a_hundred_thousand_requests_of_10_kb_stay_under_the_bound() {
    if !is_own_process("journal::bounds::a_hundred_thousand_requests_of_10_kb_stay_under_the_bound")
    {
        return;
    }
    let double = open("");
    let host = double.appliance();
    let client = d4iot_double::server::Client {
        source: [127, 0, 0, 1].into(),
        connection: 1,
    };
    let request = http::Request::post("/")
        .body(vec![b'x'; 10_000].into())
        .unwrap();
    let before = resident();
    for _ in 0..100_000 {
        host.answer(&request, client);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < (8 + 32) * 1024 * 1024, "{grown} bytes");
    let page = host.journal(&EntryFilter::default(), 1000);
    assert_eq!(
        (page.count, page.dropped, page.entries.len()),
        (100_000, 99_000, 1000)
    );
    assert!(
        page.entries
            .iter()
            .all(|entry| entry.request.body_cut && entry.request.body_bytes == 10_000)
    );
    println!(
        "100,000 requests of 10 KB: {} KiB more, {} held, {} dropped",
        grown / 1024,
        page.entries.len(),
        page.dropped
    );
}
