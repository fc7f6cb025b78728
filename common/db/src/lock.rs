//! Locks that are not on rows. `SQLite` needs none of them: its transactions
//! begin `IMMEDIATE` and so run one after the other.

use crate::cause::Cause;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

/// What is done by one transaction at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Changing the schema.
    Migration = 1,
    /// Choosing a free worker number.
    WorkerNumber = 2,
    /// See [`writes_event`] and [`sees_events`].
    Events = 3,
}

/// The first half of the numbers of our locks: "heim" in ASCII. Locks on
/// text have the next two.
const SPACE: i32 = 0x6865_696d;

async fn run(tx: &DatabaseTransaction, sql: &str, values: Vec<sea_orm::Value>) -> Result<(), Cause> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    }
    Ok(())
}

/// Waits until this transaction is the only one at it, until it ends.
pub(crate) async fn order(tx: &DatabaseTransaction, order: Order) -> Result<(), Cause> {
    run(tx, "SELECT pg_advisory_xact_lock($1, $2)", vec![SPACE.into(), (order as i32).into()]).await
}

/// Waits until this transaction is the only one that counts what is this
/// agent's. Agents whose hashes meet wait for one another: harmless.
pub(crate) async fn agent(tx: &DatabaseTransaction, agent_id: &str) -> Result<(), Cause> {
    run(tx, "SELECT pg_advisory_xact_lock($1, hashtext($2))", vec![(SPACE + 1).into(), agent_id.into()]).await
}

/// Waits until this transaction is the only one that counts what is uploaded to
/// this room.
pub(crate) async fn uploads_to(tx: &DatabaseTransaction, room: &str) -> Result<(), Cause> {
    run(tx, "SELECT pg_advisory_xact_lock($1, hashtext($2))", vec![(SPACE + 2).into(), room.into()]).await
}

/// Held by every transaction that draws numbers of the table `event`, from
/// before the first number until the commit. Any number of them hold it at once.
pub(crate) async fn writes_event(tx: &DatabaseTransaction) -> Result<(), Cause> {
    let values = vec![SPACE.into(), (Order::Events as i32).into()];
    run(tx, "SELECT pg_advisory_xact_lock_shared($1, $2)", values).await
}

/// Waits until every number that was drawn is committed or will never be: who
/// then reads the last one has a point before which nothing more appears.
pub(crate) async fn sees_events(tx: &DatabaseTransaction) -> Result<(), Cause> {
    order(tx, Order::Events).await
}

/// Lets the statements of this transaction take as long as they need.
pub(crate) async fn without_timeouts(tx: &DatabaseTransaction) -> Result<(), Cause> {
    run(tx, "SET LOCAL statement_timeout = 0", Vec::new()).await?;
    run(tx, "SET LOCAL lock_timeout = 0", Vec::new()).await
}
