//! How a use case fails: a code for the client, the cause for the operator.

use crate::{keys::KeyError, passcode::PasscodeError};
use heim_common::{MediaId, problem::Code};
use heim_db::{DbError, QuotaExceeded};
use heim_queue::QueueError;
use heim_store::StoreError;
use std::{error::Error, time::Duration};

/// A request that was not carried out.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) detail: Option<String>,
    /// The media object that has what was to be done to it already.
    pub(crate) id: Option<MediaId>,
    /// When another try may succeed, if that is known.
    pub(crate) retry_after: Option<Duration>,
    /// What the operator should know; `None` where the client is to blame.
    pub(crate) cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(crate) fn with(code: Code, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..code.into() }
    }

    pub(crate) fn because(code: Code, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Box::new(cause)), ..code.into() }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self { code, detail: None, id: None, retry_after: None, cause: None }
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        let code = match &error {
            error if error.is_full() => Code::StoreFull,
            error if error.is_unavailable() => Code::Unavailable,
            _ => Code::Internal,
        };
        Self::because(code, error)
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Database(error) => error.into(),
            error => Self::because(Code::KeysUnavailable, error),
        }
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Self { detail: Some("Redis does not answer.".to_owned()), ..Self::because(Code::Unavailable, error) }
    }
}

impl From<PasscodeError> for Failure {
    fn from(error: PasscodeError) -> Self {
        match error {
            PasscodeError::Length => Self::with(error.code(), error.to_string()),
            error => Self::because(error.code(), error),
        }
    }
}

impl From<QuotaExceeded> for Failure {
    fn from(QuotaExceeded { retry_after }: QuotaExceeded) -> Self {
        Self { retry_after: Some(retry_after), ..Code::QuotaExceeded.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            error if error.is_full() => Code::StoreFull,
            // No other try will open it.
            error if error.is_tampered() => Code::Internal,
            _ => Code::Unavailable,
        };
        Self::because(code, error)
    }
}
