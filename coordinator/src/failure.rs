//! How a use case fails: a code for the client, the cause for the operator.

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
        let code = if error.is_unavailable() { Code::Unavailable } else { Code::Internal };
        Self { code, detail: None, cause: Some(Box::new(error)) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = if error.is_full() { Code::StoreFull } else { Code::Unavailable };
        Self { code, detail: None, cause: Some(Box::new(error)) }
    }
}
