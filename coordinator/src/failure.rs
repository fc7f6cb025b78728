//! How a use case fails: a code for the client, the cause for the operator.

use crate::{keys::KeyError, passcode::PasscodeError};
use heim_common::problem::Code;
use heim_db::DbError;
use heim_store::StoreError;
use std::error::Error;

/// A request that was not carried out.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) detail: Option<String>,
    /// What the operator should know; `None` where the client is to blame.
    pub(crate) cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(crate) fn with(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: Some(detail.into()), cause: None }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self { code, detail: None, cause: None }
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        let code = match &error {
            error if error.is_full() => Code::StoreFull,
            error if error.is_unavailable() => Code::Unavailable,
            _ => Code::Internal,
        };
        Self { code, detail: None, cause: Some(Box::new(error)) }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Database(error) => error.into(),
            error => Self { code: Code::KeysUnavailable, detail: None, cause: Some(Box::new(error)) },
        }
    }
}

impl From<PasscodeError> for Failure {
    fn from(error: PasscodeError) -> Self {
        match error {
            PasscodeError::Length => Self::with(error.code(), error.to_string()),
            error => Self { code: error.code(), detail: None, cause: Some(Box::new(error)) },
        }
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
        Self { code, detail: None, cause: Some(Box::new(error)) }
    }
}
