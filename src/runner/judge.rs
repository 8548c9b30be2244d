//! The judgement of one answer, alike for cases, the run's own requests and snapshots.

use bytes::Bytes;
use http::Request;

use crate::{
    client::{ClientError, TargetAnswer},
    contract::{Contract, Readings},
    suite::{
        Case, verdict,
        verdict::{SentStep, StepResponse, StepVerdict},
    },
};

/// Judges what came back for the request of a step, which is named by its number from 0.
pub(super) fn judge(
    contract: &Contract,
    served: &Readings,
    case: &Case,
    number: usize,
    request: &Request<Bytes>,
    answer: &TargetAnswer,
) -> StepVerdict {
    let received = match answer {
        Ok(answer) => StepResponse::Answer(answer),
        Err(ClientError::Broken(trouble) | ClientError::Malformed(trouble)) => {
            StepResponse::Broken(trouble)
        }
        Err(ClientError::Setup(trouble)) => StepResponse::Unreachable(trouble, None),
        Err(ClientError::Unreachable(failure)) => {
            StepResponse::Unreachable(&failure.message, Some(&failure.hint))
        }
    };
    // A padded body ends in tens of thousands of blanks.
    let body = serde_json::from_slice(request.body().trim_ascii_end());
    let body: serde_json::Value = body.unwrap_or_default();
    let username = body["username"].as_str().unwrap_or_default();
    let sent = SentStep {
        contract,
        served,
        case,
        number,
        username,
    };
    verdict::of_step(&sent, received)
}
