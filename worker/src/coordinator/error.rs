//! How a call to the coordinator can go wrong, sorted by what follows from it.

use heim_common::problem::Code;
use reqwest::StatusCode;
use serde::Deserialize;

/// A call that was not answered with 200.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No answer: refused, cut, or too late. It may have been carried out.
    #[error("calling the coordinator")]
    Unreachable(#[source] reqwest::Error),
    /// It is not able to answer now.
    #[error("the coordinator is not available: {0}")]
    Unavailable(StatusCode),
    /// The job is done, or somebody else holds it.
    #[error("the job is not ours")]
    NotYours,
    /// The lease ran out, and perhaps another worker has the job.
    #[error("the lease is lost")]
    LeaseLost,
    /// The same version of the transcoding is there with another body.
    #[error("the transcoding is registered with another body")]
    Conflict,
    /// There is no such job, room or media object any more.
    #[error("the coordinator knows nothing of it")]
    Gone,
    /// It will not do this, however often it is asked.
    #[error("the coordinator refuses: {0}")]
    Refused(StatusCode),
    /// A job is held under this fence, and what to do is said in the words of a
    /// later release.
    #[error("the coordinator speaks of what this release does not know")]
    Foreign(i64),
    /// The answer is not what was agreed on.
    #[error("the coordinator's answer cannot be read")]
    Unreadable,
}

/// The one field of a problem+json body that programs look at.
#[derive(Deserialize)]
struct Problem {
    code: String,
}

impl CallError {
    /// Sorts an answer that is not a success.
    pub(super) fn from_answer(status: StatusCode, body: &[u8]) -> Self {
        let code = serde_json::from_slice::<Problem>(body).map(|problem| problem.code).unwrap_or_default();
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::Gone,
            StatusCode::CONFLICT if code == Code::NotYours.as_str() => Self::NotYours,
            StatusCode::CONFLICT if code == Code::LeaseLost.as_str() => Self::LeaseLost,
            StatusCode::CONFLICT if code == Code::TranscodingConflict.as_str() => Self::Conflict,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Self::Unavailable(status),
            status if status.is_server_error() => Self::Unavailable(status),
            status => Self::Refused(status),
        }
    }

    /// Whether the same call may go better in a while.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unavailable(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_code_decide_and_text_does_not() {
        let sort =
            |status: u16, body: &str| CallError::from_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert!(matches!(sort(409, r#"{"code":"lease-lost"}"#), CallError::LeaseLost));
        assert!(matches!(sort(409, r#"{"code":"not-yours","title":"lease-lost"}"#), CallError::NotYours));
        assert!(matches!(sort(409, r#"{"code":"transcoding-conflict"}"#), CallError::Conflict));
        assert!(matches!(sort(409, "lease-lost"), CallError::Refused(_)));
        assert!(matches!(sort(404, ""), CallError::Gone));
        for again in [408, 429, 500, 502, 503, 507] {
            assert!(sort(again, "").is_transient(), "{again}");
        }
        for never in [400, 401, 403, 404, 413, 301] {
            assert!(!sort(never, "").is_transient(), "{never}");
        }
    }
}
