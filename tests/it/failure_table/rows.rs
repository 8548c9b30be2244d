//! The rows: what is done, and what it is done to.

/// One failure, as a fixture writes it.
pub(crate) struct Row {
    /// The text between the braces of `do`.
    pub(crate) act: &'static str,
    /// What is asked for, and so what is looked at.
    pub(crate) about: About,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// A validation's answer.
    Answer,
    /// A new connection.
    Connection,
    /// A change of a password, and which password holds after it.
    State,
}

const fn answer(act: &'static str) -> Row {
    Row {
        act,
        about: About::Answer,
    }
}

const fn connection(act: &'static str) -> Row {
    Row {
        act,
        about: About::Connection,
    }
}

const fn state(act: &'static str) -> Row {
    Row {
        act,
        about: About::State,
    }
}

pub(crate) const ROWS: &[Row] = &[
    answer("outcome: locked_out"),
    answer("reading: { X11: table }"),
    answer("status: 503"),
    answer("headers: { X-Gateway: g1 }"),
    answer("body: none of your business"),
    answer("json: { msg: Hello }"),
    answer("page: apache"),
    answer("page: login"),
    answer("page: proxy"),
    answer("redirect: /login"),
    answer("status: 503, retry_after: 5s"),
    answer("truncate: 12"),
    answer("invalid_json: true"),
    answer("empty: true"),
    answer("wrong_content_type: true"),
    answer("bom: true"),
    answer("gzip: true"),
    answer("content_length: '+10'"),
    answer("length_off: -5"),
    answer("garbage: 64"),
    answer("malformed_chunk: true"),
    answer("duplicate_keys: true"),
    answer("delay: 500ms"),
    answer("delay: { uniform: [110ms, 190ms] }"),
    answer("delay: { lognormal: { median: 80ms, sigma: 0.4, max: 90ms } }"),
    answer("dribble: { bytes: 64, every: 100ms }"),
    answer("bandwidth: 1KiB/s"),
    answer("hang: before_head"),
    answer("hang: after_head"),
    answer("hang: mid_body"),
    answer("hang: { after_bytes: 9 }"),
    answer("reset: before_head"),
    answer("reset: after_head"),
    answer("reset: mid_body"),
    answer("reset: { after_bytes: 9 }"),
    answer("close: before_head"),
    answer("close: after_head"),
    answer("close: { after_bytes: 9 }"),
    connection("down: { for: 5s }"),
    connection("certificate: expired"),
    connection("certificate: not_yet_valid"),
    connection("certificate: wrong_name"),
    connection("certificate: cn_only"),
    connection("certificate: unknown_ca"),
    connection("certificate: incomplete_chain"),
    connection("certificate: swapped"),
    connection("handshake: abort"),
    connection("handshake: stall"),
    connection("handshake: plaintext"),
    connection("tls: 1.2"),
    connection("tls: 1.3"),
    connection("client_certificate: true"),
    state("commit: false"),
    state("commit: true, status: 500"),
    state("commit: true, reset: before_head"),
    state("commit: false, reset: before_head"),
    state("stale: { for: 3s }"),
    state("stale: { requests: 2 }"),
];
