//! Why the database failed, told apart by codes and never by text.

use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// Why an attempt failed. Opaque: programs ask
/// [`DbError::is_unavailable`](crate::DbError::is_unavailable), operators read it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Cause(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error(transparent)]
    Sql(DbErr),
    #[error("the database did not answer in time")]
    TimedOut,
    #[error("a row of `{table}` holds a {what} that this release cannot read")]
    Unreadable { table: &'static str, what: &'static str },
}

impl From<DbErr> for Cause {
    fn from(error: DbErr) -> Self {
        Self(Kind::Sql(error))
    }
}

impl Cause {
    pub(crate) fn timed_out() -> Self {
        Self(Kind::TimedOut)
    }

    pub(crate) fn unreadable(table: &'static str, what: &'static str) -> Self {
        Self(Kind::Unreadable { table, what })
    }

    /// Whether other transactions were in the way, so that the whole of this
    /// one should be run again.
    pub(crate) fn is_conflict(&self) -> bool {
        match self.code().as_deref() {
            // PostgreSQL: serialization failure, deadlock.
            Some("40001" | "40P01") => true,
            Some(code) => sqlite_primary(code).is_some_and(|code| matches!(code, SQLITE_BUSY | SQLITE_LOCKED)),
            None => false,
        }
    }

    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self.0, Kind::Unreadable { .. })
    }

    /// `SQLite`: full; PostgreSQL: disk full.
    pub(crate) fn is_full(&self) -> bool {
        self.code().is_some_and(|code| code == "53100" || sqlite_primary(&code) == Some(SQLITE_FULL))
    }

    /// `SQLite`: read-only; PostgreSQL: within a read-only transaction.
    pub(crate) fn is_read_only(&self) -> bool {
        self.code().is_some_and(|code| code == "25006" || sqlite_primary(&code) == Some(SQLITE_READONLY))
    }

    pub(crate) fn is_unavailable(&self) -> bool {
        match &self.0 {
            Kind::TimedOut | Kind::Sql(DbErr::ConnectionAcquire(_)) => true,
            Kind::Unreadable { .. } => false,
            Kind::Sql(_) if self.is_conflict() => true,
            Kind::Sql(_) => match self.sqlx() {
                Some(SqlxError::Database(error)) => error.code().is_some_and(|code| is_passing(&code)),
                Some(error) => matches!(
                    error,
                    SqlxError::Io(_)
                        | SqlxError::Tls(_)
                        | SqlxError::Protocol(_)
                        | SqlxError::PoolTimedOut
                        | SqlxError::PoolClosed
                        | SqlxError::WorkerCrashed
                        | SqlxError::BeginFailed
                ),
                None => false,
            },
        }
    }

    fn sqlx(&self) -> Option<&SqlxError> {
        match &self.0 {
            Kind::Sql(
                DbErr::Conn(RuntimeErr::SqlxError(error))
                | DbErr::Exec(RuntimeErr::SqlxError(error))
                | DbErr::Query(RuntimeErr::SqlxError(error)),
            ) => Some(error),
            Kind::Sql(_) | Kind::TimedOut | Kind::Unreadable { .. } => None,
        }
    }

    fn code(&self) -> Option<String> {
        Some(self.sqlx()?.as_database_error()?.code()?.into_owned())
    }
}

const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_READONLY: u32 = 8;
const SQLITE_IOERR: u32 = 10;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;

/// The primary code within a code of `SQLite`. PostgreSQL's codes have five
/// characters, `SQLite`'s are shorter.
fn sqlite_primary(code: &str) -> Option<u32> {
    (code.len() < 5).then(|| code.parse::<u32>().ok()).flatten().map(|code| code & 0xff)
}

/// Whether a database that refuses with this code may be well again soon.
fn is_passing(code: &str) -> bool {
    if let Some(primary) = sqlite_primary(code) {
        return matches!(primary, SQLITE_READONLY | SQLITE_IOERR | SQLITE_FULL | SQLITE_CANTOPEN);
    }
    // Connection lost, resources spent, operator intervention (restart, a
    // cancelled statement), lock not granted, read-only, failing disk; a
    // transaction that nothing came from for too long, because it was cut off.
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "53" | "57" | "58") || matches!(code, "55P03" | "25006" | "25P03")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_count_as_their_primary_code() {
        assert_eq!(sqlite_primary("517"), Some(SQLITE_BUSY));
        assert_eq!(sqlite_primary("2067"), Some(19));
        assert_eq!(sqlite_primary("40001"), None);
    }

    #[test]
    fn what_passes_and_what_is_our_fault() {
        for code in ["08006", "53300", "57P01", "57P03", "57014", "55P03", "25006", "25P03", "13", "778"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["23505", "42601", "22P02", "2067", "1"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
