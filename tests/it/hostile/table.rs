//! Rows of bytes and what is expected of them, sent one after the other to one mock.

use d4iot_double::server::Limits;

use crate::hostile::mock::Mock;

/// Something to send on a connection of its own, and what must come of it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// What [`all`](crate::hostile::client::Client::all) tells; several, separated by ` | `, where the RFC leaves a choice that is not ours.
    pub(crate) expected: String,
}

impl Row {
    pub(crate) fn new(
        name: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
        expected: impl Into<String>,
    ) -> Row {
        Row {
            name: name.into(),
            bytes: bytes.into(),
            expected: expected.into(),
        }
    }
}

/// Sends every row, and asserts that all came to what was expected, that no smuggled request was taken, and that nobody was harmed.
#[expect(
    clippy::print_stdout,
    reason = "how many rows were tried is worth reading"
)]
pub(crate) async fn hold(title: &str, rows: &[Row], tls: bool) {
    let mut mock = Mock::start(tls, Limits::default()).await;
    let mut wrong = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let seen = mock.open().await.all(&row.bytes).await;
        if !row.expected.split(" | ").any(|expected| expected == seen) {
            wrong.push(format!(
                "{}: expected {}, got {seen}",
                row.name, row.expected
            ));
        }
        if mock.took(SMUGGLED_PATH) {
            wrong.push(format!("{}: what it hid was taken as a request", row.name));
        }
        // Only so many requests are remembered.
        mock.double.appliance().reset();
        // Handshakes for a new client each time would take longer than all else.
        let well = if tls && number % 16 != 0 {
            mock.answers_its_neighbour().await
        } else {
            mock.is_well().await
        };
        if let Err(harm) = well {
            wrong.push(format!("{}: {harm}", row.name));
        }
    }
    let over = if tls { "HTTPS" } else { "HTTP" };
    println!(
        "{title} over {over}: {} rows, {} wrong",
        rows.len(),
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

/// A request that must never be seen.
pub(crate) const SMUGGLED: &str = "POST /smuggled HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
pub(crate) const SMUGGLED_PATH: &str = "/smuggled";
