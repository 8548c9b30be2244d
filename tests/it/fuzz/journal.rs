//! Requests at both appliances, with a password put wherever the input says: what the journal shows of them has no trace of it, in any
//! spelling that the canary's search knows.
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::LazyLock,
};

use bytes::Bytes;
use d4iot_double::{
    contract::Kind,
    fixture,
    fixture::Fixture,
    journal::{Bounds, EntryFilter},
    server::{Client, MockAppliance, Service},
};
use http::{HeaderName, HeaderValue, Method, Request};

#[path = "../canary/search.rs"]
#[expect(
    clippy::duplicate_mod,
    reason = "the fuzz targets have this file alone"
)]
mod search;

pub(crate) fn run(data: &[u8]) {
    let [which, rest @ ..] = data else { return };
    let fixture = &FIXTURES[usize::from(which & 1)];
    let host = MockAppliance::new(fixture.appliance(), fixture.schedule(7));
    let mut asked = 0;
    for part in rest.split(|byte| *byte == 0xff) {
        let Some(request) = request(&filled(part)) else {
            continue;
        };
        let _ = host.answer(
            &request,
            Client {
                source: IpAddr::V4(Ipv4Addr::LOCALHOST),
                connection: 1,
            },
        );
        asked += 1;
    }
    let page = host.journal(&EntryFilter::default(), usize::MAX);
    assert_eq!(
        (page.entries.len(), page.count),
        (asked.min(Bounds::default().entries), asked as u64)
    );
    let shown = serde_json::to_string(&page.entries).expect("entries are JSON");
    assert_eq!(search::found(shown.as_bytes(), &[CANARY]), None, "{shown}");
}

/// Puts the password where the input has this byte, which is in no text.
fn filled(part: &[u8]) -> Vec<u8> {
    part.split(|byte| *byte == 0xfe)
        .collect::<Vec<_>>()
        .join(CANARY.as_bytes())
}

/// A first line with method and target, lines of headers, an empty one, and the body.
fn request(bytes: &[u8]) -> Option<Request<Bytes>> {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (first, mut rest) = (lines.next()?, lines.next().unwrap_or_default());
    let mut words = first.splitn(2, |byte| *byte == b' ');
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::from_bytes(words.next()?).ok()?;
    *request.uri_mut() = words.next().and_then(|target| target.try_into().ok())?;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            break;
        };
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(&line[..colon]),
            HeaderValue::from_bytes(&line[colon + 1..]),
        ) {
            request.headers_mut().try_append(name, value).ok()?;
        }
    }
    *request.body_mut() = Bytes::copy_from_slice(rest);
    Some(request)
}

static FIXTURES: LazyLock<[Fixture; 2]> = LazyLock::new(|| {
    [Kind::Sensor, Kind::Console].map(|kind| {
        let users =
            format!("{{ username: test, password: \"{CANARY}\", role: admin }}, {{ username: lab, password: Other-Passw0rd, role: read_only }}");
        fixture::read("fuzz.yaml", &format!("appliance: {kind}\nusers: [{users}]")).expect("the fixture is good")
    })
});

const CANARY: &str = "Kanarie-Vogel/77?";
