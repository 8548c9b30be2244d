//! Any answer of a target: recognised or not, at every operation of both kinds.
use bytes::Bytes;
use d4iot_double::{
    contract,
    contract::{Kind, Operation},
    suite::{match_response::MatchContext, verdict},
};
use http::{HeaderValue, Response, StatusCode};

pub(crate) fn run(data: &[u8]) {
    let [high, low, rest @ ..] = data else { return };
    let (content_type, body) = rest.split_at(rest.iter().position(|byte| *byte == 0).unwrap_or(0));
    let mut answer = Response::new(Bytes::copy_from_slice(
        body.strip_prefix(&[0]).unwrap_or(body),
    ));
    *answer.status_mut() = StatusCode::from_u16(100 + (u16::from_be_bytes([*high, *low]) % 900))
        .expect("from 100 to 999");
    if let Ok(value) = HeaderValue::from_bytes(content_type) {
        answer.headers_mut().insert("content-type", value);
    }
    for kind in Kind::ALL {
        let contract = contract::of(*kind);
        for operation in Operation::ALL {
            let operation = *operation;
            let context = MatchContext {
                contract,
                operation,
                username: "",
            };
            let _ = verdict::probe_evidence(contract, operation, &answer);
            let _ = context.claims_success(&answer);
        }
    }
}
