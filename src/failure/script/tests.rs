//! Every script against the bytes it should send.

use std::time::Duration;

use http::{HeaderValue, Response, StatusCode};
use rstest::rstest;

use super::*;
use crate::failure::Pace;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const BODY: &[u8] = br#"{"msg":"x"}"#;

fn answer(body: &'static [u8]) -> Delivery {
    let mut response = Response::new(Bytes::from_static(body));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Delivery::plain(response)
}

fn written(script: &[WireStep]) -> Vec<u8> {
    script
        .iter()
        .flat_map(|step| {
            if let WireStep::Write(bytes) = step {
                bytes.to_vec()
            } else {
                Vec::new()
            }
        })
        .collect()
}

fn text(script: &[WireStep]) -> String {
    String::from_utf8(written(script)).unwrap()
}

fn ended(how: CloseKind, at: CutPoint) -> Delivery {
    Delivery {
        end: Some((how, at)),
        ..answer(BODY)
    }
}

#[test]
fn a_plain_answer_is_written_whole_and_the_connection_kept() {
    let script = answer(BODY).script(RequestFlags::default(), DATE);
    let expected = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\ndate: {DATE}\r\n\r\n{{\"msg\":\"x\"}}"
    );
    assert_eq!(script, [WireStep::Write(expected.into())]);
}

#[rstest]
#[case::close(RequestFlags { close: true, ..RequestFlags::default() }, "HTTP/1.1 200 OK\r\n", "connection: close\r\n\r\n{\"msg\":\"x\"}", true)]
#[case::head(RequestFlags { head: true, ..RequestFlags::default() }, "HTTP/1.1 200 OK\r\n", "GMT\r\n\r\n", false)]
#[case::old(RequestFlags { http10: true, close: true, ..RequestFlags::default() }, "HTTP/1.0 200 OK\r\n", "connection: close\r\n\r\n{\"msg\":\"x\"}", true)]
#[case::old_and_kept(RequestFlags { http10: true, ..RequestFlags::default() }, "HTTP/1.0 200 OK\r\n", "connection: keep-alive\r\n\r\n{\"msg\":\"x\"}", false)]
fn an_answer_suits_its_request(
    #[case] asked: RequestFlags,
    #[case] start: &str,
    #[case] end: &str,
    #[case] closes: bool,
) {
    let script = answer(BODY).script(asked, DATE);
    let text = text(&script);
    assert!(
        text.starts_with(start) && text.ends_with(end) && text.contains("content-length: 11\r\n"),
        "{text}"
    );
    assert_eq!(script.last() == Some(&WireStep::Close), closes);
}

#[test]
fn an_answer_without_a_body_tells_no_length() {
    let mut delivery = answer(BODY);
    *delivery.response.status_mut() = StatusCode::NO_CONTENT;
    let text = text(&delivery.script(RequestFlags::default(), DATE));
    assert!(
        !text.contains("content-length") && text.ends_with("\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn headers_about_the_sending_are_ours() {
    let mut delivery = answer(BODY);
    for (name, value) in [
        ("connection", "upgrade"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("date", "today"),
    ] {
        delivery
            .response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    let text = text(&delivery.script(RequestFlags::default(), DATE));
    assert!(
        text.contains("date: today\r\ncontent-length: 11\r\n\r\n")
            && !text.contains("upgrade")
            && !text.contains("chunked"),
        "{text}"
    );
}

#[rstest]
#[case::too_long(5, "content-length: 16")]
#[case::too_short(-5, "content-length: 6")]
#[case::never_below_zero(-50, "content-length: 0")]
fn a_length_that_lies_is_followed_by_the_whole_body_and_fin(
    #[case] off: i64,
    #[case] length: &str,
) {
    let script = Delivery {
        framing: Framing::Length(off),
        ..answer(BODY)
    }
    .script(RequestFlags::default(), DATE);
    let text = text(&script);
    assert!(
        text.contains(&format!("{length}\r\n"))
            && text.contains("connection: close\r\n")
            && text.ends_with("\r\n\r\n{\"msg\":\"x\"}"),
        "{text}"
    );
    assert_eq!(script.last(), Some(&WireStep::Close));
}

#[test]
fn a_malformed_chunk_comes_after_a_lawful_one() {
    let script = Delivery {
        framing: Framing::MalformedChunk,
        ..answer(BODY)
    }
    .script(RequestFlags::default(), DATE);
    let text = text(&script);
    assert!(
        text.contains("transfer-encoding: chunked\r\n") && !text.contains("content-length"),
        "{text}"
    );
    assert!(
        text.ends_with("\r\n\r\n5\r\n{\"msg\r\nxyz\r\n\":\"x\"}\r\n0\r\n\r\n"),
        "{text}"
    );
    assert_eq!(script.last(), Some(&WireStep::Close));
}

#[rstest]
#[case::before_answer(CloseKind::Reset, CutPoint::BeforeAnswer, "", WireStep::Reset)]
#[case::after_head(
    CloseKind::Hang,
    CutPoint::AfterHead,
    "content-length: 11|\r\n\r\n",
    WireStep::Hang
)]
#[case::mid_body(
    CloseKind::Hang,
    CutPoint::MidBody,
    "content-length: 11|\r\n\r\n{\"msg",
    WireStep::Hang
)]
#[case::truncated(
    CloseKind::Close,
    CutPoint::InBody(3),
    "content-length: 11|connection: close\r\n\r\n{\"m",
    WireStep::Close
)]
#[case::truncated_behind_its_end(
    CloseKind::Close,
    CutPoint::InBody(99),
    "|{\"msg\":\"x\"}",
    WireStep::Close
)]
#[case::after_bytes(CloseKind::Reset, CutPoint::AfterBytes(7), "HTTP/1.|", WireStep::Reset)]
#[case::after_more_bytes_than_there_are(
    CloseKind::Reset,
    CutPoint::AfterBytes(u64::MAX),
    "|{\"msg\":\"x\"}",
    WireStep::Reset
)]
fn an_end(
    #[case] how: CloseKind,
    #[case] at: CutPoint,
    #[case] expected: &str,
    #[case] last: WireStep,
) {
    let script = ended(how, at).script(RequestFlags::default(), DATE);
    let text = text(&script);
    let (within, end) = expected.split_once('|').unwrap_or_default();
    assert!(
        text.contains(within) && text.ends_with(end) && (!expected.is_empty() || text.is_empty()),
        "{text}"
    );
    assert_eq!(script.last(), Some(&last));
}

/// Every combination: what is written is the expected answer as far as the cut, in the pace asked for, after the wait, and ends as said.
#[test]
fn what_is_written_is_what_would_be_written_up_to_the_cut() {
    let paces = [None, Some(1), Some(8), Some(100_000)].map(|bytes| {
        bytes.map(|bytes| Pace {
            bytes,
            every: Duration::from_millis(3),
        })
    });
    let cuts = [
        CutPoint::AfterHead,
        CutPoint::AfterBytes(1),
        CutPoint::AfterBytes(150),
        CutPoint::BeforeAnswer,
        CutPoint::InBody(0),
        CutPoint::InBody(5),
        CutPoint::InBody(999),
        CutPoint::MidBody,
    ];
    let ends = || {
        cuts.into_iter().flat_map(|at| {
            [CloseKind::Close, CloseKind::Hang, CloseKind::Reset].map(|how| (how, at))
        })
    };
    let mut combinations = 0;
    for body in [b"".as_slice(), b"x", BODY, &[0xff; 3_000]] {
        for framing in [
            Framing::True,
            Framing::Length(5),
            Framing::Length(-5),
            Framing::MalformedChunk,
        ] {
            for bits in 0..8 {
                let asked = RequestFlags {
                    http10: bits & 1 == 1,
                    head: bits & 2 == 2,
                    close: bits & 4 == 4,
                };
                for pace in paces {
                    for wait in [Duration::ZERO, Duration::from_secs(2)] {
                        for end in std::iter::once(None).chain(ends().map(Some)) {
                            let delivery = Delivery {
                                wait,
                                framing,
                                pace,
                                end,
                                ..answer(body)
                            };
                            holds(&delivery, asked);
                            combinations += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 4 * 4 * 8 * 4 * 2 * 25);
}

fn holds(delivery: &Delivery, asked: RequestFlags) {
    let script = delivery.script(asked, DATE);
    let fin = delivery.end.is_some_and(|(how, _)| how == CloseKind::Close);
    // The same answer without pace, wait and cut; that it will end by FIN is told in its head.
    let whole = Delivery {
        framing: delivery.framing,
        ..Delivery::plain(delivery.response.clone())
    };
    let whole = written(&whole.script(
        RequestFlags {
            close: asked.close || fin,
            ..asked
        },
        DATE,
    ));
    let head = whole
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let expected = match delivery.end.map(|(_, at)| at) {
        None => &whole[..],
        Some(CutPoint::AfterHead) => &whole[..head],
        Some(CutPoint::AfterBytes(count)) => &whole[..whole.len().min(count as usize)],
        Some(CutPoint::BeforeAnswer) => &[],
        Some(CutPoint::InBody(count)) => &whole[..whole.len().min(head + count as usize)],
        Some(CutPoint::MidBody) => &whole[..head + (whole.len() - head) / 2],
    };
    assert_eq!(written(&script), expected, "{delivery:?} {asked:?}");
    let closes = asked.close || delivery.framing != Framing::True;
    let last = match delivery.end.map(|(how, _)| how) {
        Some(CloseKind::Close) => Some(WireStep::Close),
        Some(CloseKind::Hang) => Some(WireStep::Hang),
        Some(CloseKind::Reset) => Some(WireStep::Reset),
        None => closes.then_some(WireStep::Close),
    };
    let mut steps = script.as_slice();
    if let Some(last) = &last {
        assert_eq!(steps.split_off_last(), Some(last));
    }
    let waits_for_nothing = written(&script).is_empty() && last == Some(WireStep::Hang);
    if !delivery.wait.is_zero() && !waits_for_nothing {
        assert_eq!(
            steps.split_off_first(),
            Some(&WireStep::Wait(delivery.wait))
        );
    }
    let most = delivery.pace.map_or(usize::MAX, |pace| pace.bytes);
    for (index, step) in steps.iter().enumerate() {
        match step {
            WireStep::Write(bytes) => assert!(
                index % 2 == 0 && !bytes.is_empty() && bytes.len() <= most,
                "{script:?}"
            ),
            WireStep::Wait(every) => assert!(
                index % 2 == 1 && Some(*every) == delivery.pace.map(|pace| pace.every),
                "{script:?}"
            ),
            other => panic!("{other:?} in {script:?}"),
        }
    }
    assert!(steps.is_empty() || steps.len() % 2 == 1, "{script:?}");
}
