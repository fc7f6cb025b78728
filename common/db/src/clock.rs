//! The database's clock, as an expression: leases are judged by it alone, so
//! that processes with wrong clocks still agree.

use sea_orm::{
    DbBackend,
    sea_query::{Expr, ExprTrait},
};
use std::time::Duration;

/// Milliseconds since the Unix epoch, read when the statement runs.
///
/// A scalar subquery: PostgreSQL then reads the clock once a statement, and can
/// compare it with an indexed column.
pub(crate) fn sql(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "(SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint))",
        _ => "(SELECT CAST(round(unixepoch('subsec') * 1000) AS integer))",
    }
}

/// [`sql`] as an expression.
pub(crate) fn now(backend: DbBackend) -> Expr {
    Expr::cust(sql(backend))
}

/// The point `duration` from now.
pub(crate) fn after(backend: DbBackend, duration: Duration) -> Expr {
    now(backend).add(millis(duration))
}

/// The point `duration` ago.
pub(crate) fn before(backend: DbBackend, duration: Duration) -> Expr {
    now(backend).sub(millis(duration))
}

/// A duration as rows have it. Longer ones than a century are cut, so that no
/// sum overflows.
pub(crate) fn millis(duration: Duration) -> i64 {
    const CENTURY_MS: u128 = 100 * 365 * 86_400_000;
    i64::try_from(duration.as_millis().min(CENTURY_MS)).unwrap_or(i64::MAX)
}
