//! The two doors to the database: every read and every transaction of this
//! crate goes through one of them, so bounds and retries are here alone.

use crate::{cause::Cause, database::Database, error::DbError};
use sea_orm::{DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use std::future::Future;
use tokio::sync::OwnedMutexGuard;

/// How often a transaction is run when others are in its way.
pub(crate) const TRIES: u32 = 3;

/// How many timeouts of one statement a whole transaction may take.
const STATEMENTS_SLOW: u32 = 3;

/// Runs a transaction and waits for its commit; again and from its beginning if
/// others were in its way. The body must therefore have no effect but on the
/// database.
///
/// A macro only because a function that takes an async closure has, in today's
/// Rust, a future that cannot be sent to another thread.
macro_rules! transact {
    ($database:expr, $attempted:path, async |$tx:ident| $body:block) => {{
        let mut tries = 1;
        loop {
            let once = async {
                let turn = $database.begin().await?;
                let $tx = turn.transaction();
                let ended = async $body.await;
                turn.end(ended).await
            };
            match $database.bounded(once).await {
                Err(cause) if cause.is_conflict() && tries < $crate::transaction::TRIES => {
                    tracing::debug!(tries, %cause, "a transaction is run again");
                    tries += 1;
                }
                ended => break ended.map_err($attempted),
            }
        }
    }};
}
pub(crate) use transact;

/// A transaction that has begun.
pub(crate) struct Turn {
    tx: DatabaseTransaction,
    _gate: Option<OwnedMutexGuard<()>>,
}

impl Turn {
    pub(crate) fn transaction(&self) -> &DatabaseTransaction {
        &self.tx
    }

    /// Commits what went well; the turn is over when that is durable.
    pub(crate) async fn end<T>(self, ended: Result<T, Cause>) -> Result<T, Cause> {
        if ended.is_ok() {
            self.tx.commit().await?;
        } else {
            // If even this fails, the connection is broken, and closing it
            // rolls back as well.
            let _ = self.tx.rollback().await;
        }
        ended
    }
}

impl Database {
    /// `SQLite`'s transactions begin `IMMEDIATE`: one that reads first and
    /// writes then would otherwise fail whenever another wrote in between.
    ///
    /// A task of its own sees it through if the caller gives up: the driver
    /// would put a connection back into the pool that has begun and does not
    /// know it (sqlx issue 4393), and what the next one writes there is lost.
    pub(crate) async fn begin(&self) -> Result<Turn, Cause> {
        let gate = match &self.gate {
            Some(gate) => Some(gate.clone().lock_owned().await),
            None => None,
        };
        let immediate = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { Ok(Turn { tx: pool.begin_with_options(options).await?, _gate: gate }) });
        // It neither panics nor is cancelled, but for a runtime that ends.
        begun.await.unwrap_or_else(|_| Err(Cause::timed_out()))
    }

    /// Runs reads that need no common point in time.
    pub(crate) async fn read<T>(
        &self,
        attempted: fn(Cause) -> DbError,
        work: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, DbError> {
        self.bounded(work).await.map_err(attempted)
    }

    /// The server's own timeouts do not help when its packets stop coming.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = Result<T, Cause>>) -> Result<T, Cause> {
        match tokio::time::timeout(self.timeout * STATEMENTS_SLOW, work).await {
            Ok(ended) => ended,
            Err(_) => Err(Cause::timed_out()),
        }
    }
}
