//! Finished jobs, which nobody needs for long: what they made, or why they failed,
//! is in the media object's row.

use crate::{clock, database::Database, error::DbError, transaction::transact};
use sea_orm::{ConnectionTrait, Statement};
use std::time::Duration;

/// Most jobs that one call removes.
const TRIMMED_MAX: u64 = 1_000;

impl Database {
    /// Removes jobs that ended longer than `kept` ago, the oldest first. Returns how
    /// many; while there are any more, as many as one call removes.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_trim(&self, kept: Duration) -> Result<u64, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let backend = tx.get_database_backend();
            let now = clock::sql(backend);
            let sql = format!(
                "DELETE FROM job WHERE id IN (
                   SELECT id FROM job WHERE finished IS NOT NULL AND finished < {now} - $1
                   ORDER BY finished LIMIT {TRIMMED_MAX})"
            );
            let delete = Statement::from_sql_and_values(backend, sql, [clock::millis(kept).into()]);
            Ok(tx.execute_raw(delete).await?.rows_affected())
        })
    }
}
