//! Bodies: every class of JSON text that there is, and what an appliance makes of it.

use std::collections::BTreeMap;

use d4iot_double::server::Limits;
use rstest::rstest;

use crate::{
    hostile::{
        client::{Client, post},
        json,
        json::Class,
        mock::Mock,
    },
    sample::sample,
};

#[rstest]
#[tokio::test]
async fn a_body_is_json_to_the_letter_or_refused(#[values(false, true)] tls: bool) {
    // Deeper than any body within the default limit can be.
    let mut mock = Mock::start(
        tls,
        Limits {
            body_bytes: 2 << 20,
            ..Limits::default()
        },
    )
    .await;
    let mut client = mock.open().await;
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::<(Class, String), usize>::new());
    // What is read is the same over TLS: a part of it there. Neither number divides those of a grammar's alternatives.
    let texts = sample(json::all(), 0, if tls { 41 } else { 5 });
    for (number, text) in texts.enumerate() {
        let seen = ask(&mut client, &text.bytes).await;
        let right = match text.class {
            Class::Accept => seen == "200 authenticated",
            Class::NoObject => seen == "400 missing_field",
            Class::Refuse => seen == "400 malformed_body",
            Class::Free => ["200 authenticated", "400 malformed_body"].contains(&&*seen),
        };
        if !right {
            wrong.push(format!("{}: {:?}, got {seen}", text.name, text.class));
        }
        *counts.entry((text.class, seen)).or_default() += 1;
        // A handshake for each of them would take longer than all else.
        let well = if number % 64 == 0 {
            mock.is_well().await
        } else {
            mock.answers_its_neighbour().await
        };
        if let Err(harm) = well {
            wrong.push(format!("{}: {harm}", text.name));
            client = mock.open().await;
        }
    }
    println!(
        "bodies over {}: {counts:?}, {} wrong",
        if tls { "HTTPS" } else { "HTTP" },
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An answer that echoes a name tells how it was read.
#[rstest]
#[case::letters(r"a\u0062c", "abc")]
#[case::all_short_escapes(r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t")]
#[case::nul(r"\u0000", "\0")]
#[case::pair(r"\uD834\uDD1E", "\u{1d11e}")]
#[case::last_pair(r"\udbff\udfff", "\u{10ffff}")]
#[case::first_pair(r"\ud800\udc00", "\u{10000}")]
#[case::raw("\u{e4}\u{20ac}\u{1d11e}", "\u{e4}\u{20ac}\u{1d11e}")]
#[case::no_characters(r"\uffff\ufffe\ufdd0", "\u{ffff}\u{fffe}\u{fdd0}")]
#[case::half_of_each(r"\u00e4ä", "ää")]
#[case::twice_escaped(r"\\u0041", r"\u0041")]
#[tokio::test]
async fn a_string_means_what_it_says(#[case] text: &str, #[case] expected: &str) {
    let mock = Mock::start(false, Limits::default()).await;
    let body = format!(
        r#"{{"admin_username":"admin","admin_password":"Test0987","username":"{text}","new_password":"Test54321!"}}"#
    );
    let head = "POST /api/external/authentication/set_password_by_admin HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let mut client = mock.open().await;
    client
        .send(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
        .await
        .unwrap();
    let answer = client.answer().await.unwrap().unwrap();
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let said = said["error"]["userDisplayErrorMessage"].as_str().unwrap();
    assert!(said.contains(expected), "{said:?}");
}

async fn ask(client: &mut Client, body: &[u8]) -> String {
    client
        .send(&post(&format!("content-length: {}\r\n", body.len()), body))
        .await
        .unwrap();
    client.answer().await.unwrap().unwrap().to_string()
}
