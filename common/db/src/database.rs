//! The handle on the database: opening it, migrating it, asking how it is.

use crate::{
    cause::Cause,
    clock,
    config::DatabaseConfig,
    doubt::Doubt,
    entity::coordinator,
    error::DbError,
    lock::{self, Order},
    transaction::transact,
};
use heim_common::Millis;
use heim_runtime::disk::Disk;
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, Func, Query},
    sqlx::{
        Connection,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};
use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// An index over a large table takes its time.
const MIGRATION_TIME_MAX: Duration = Duration::from_hours(1);

/// A pool of connections to `SQLite` or PostgreSQL. Clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: DatabaseConnection,
    /// `SQLite` has one writer at a time. Those of this process queue here in
    /// order instead of spinning on the file's lock.
    pub(crate) gate: Option<Arc<Mutex<()>>>,
    pub(crate) timeout: Duration,
    /// Where the file is, if it is one.
    file: Option<PathBuf>,
}

/// What keeps a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its version, in its own words.
    pub version: String,
    /// The first number of a PostgreSQL's version; `None` for `SQLite`.
    pub postgres: Option<u32>,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.postgres.is_some() { "PostgreSQL" } else { "SQLite" };
        write!(f, "{name} {}", self.version)
    }
}

impl Database {
    /// Opens the database; a `SQLite` file is created where there is none.
    ///
    /// # Errors
    /// If the URL names no database, or the database does not answer.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, DbError> {
        let timeout = Duration::from_millis(config.timeout_ms);
        let (mut options, gate, file) = match config.url.split_once(':') {
            Some(("sqlite", path)) => {
                let path = path_of(path)?;
                (sqlite(path, timeout), Some(Arc::default()), Some(PathBuf::from(path)))
            }
            Some(("postgres" | "postgresql", rest)) => (postgres(rest, timeout)?, None, None),
            _ => return Err(DbError::Url("must begin with `sqlite:` or `postgres:`")),
        };
        options
            .max_connections(Ord::max(config.pool_max, 2))
            .acquire_timeout(timeout)
            .connect_timeout(timeout)
            .sqlx_logging(false);
        let pool = sea_orm::Database::connect(options).await.map_err(|error| DbError::Connect(error.into()))?;
        Ok(Self { pool, gate, timeout, file })
    }

    /// Brings the schema up to this release. Any number of processes may do so
    /// at once.
    ///
    /// # Errors
    /// If the database does not answer or a migration fails; it is then as it
    /// was before.
    pub async fn migrate(&self) -> Result<(), DbError> {
        let patient = Self { timeout: MIGRATION_TIME_MAX, ..self.clone() };
        transact!(patient, DbError::Migrate, async |tx| {
            lock::without_timeouts(tx).await?;
            lock::order(tx, Order::Migration).await?;
            Ok(heim_migrations::apply(tx).await?)
        })
    }

    /// The names of the migrations that the database lacks. Whoever serves
    /// refuses to start while there are any.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, DbError> {
        self.read(DbError::Migrate, async { Ok(heim_migrations::pending(&self.pool).await?) }).await
    }

    /// The names of the migrations that the database has and this release does not know.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn later_migrations(&self) -> Result<Vec<String>, DbError> {
        self.read(DbError::Migrate, async { Ok(heim_migrations::later(&self.pool).await?) }).await
    }

    /// What keeps the database.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn server(&self) -> Result<Server, DbError> {
        let is_postgres = self.backend() == DbBackend::Postgres;
        let version = if is_postgres {
            Func::cust("current_setting").arg("server_version")
        } else {
            Func::cust("sqlite_version")
        };
        self.read(DbError::Probe, async {
            let query = Query::select().expr_as(version, "version").to_owned();
            let row = self.pool.query_one(&query).await?.ok_or_else(|| Cause::unreadable("version", "text"))?;
            let version: String = row.try_get("", "version")?;
            let digits = version.split(|letter: char| !letter.is_ascii_digit()).next();
            let major = digits.and_then(|digits| digits.parse().ok()).filter(|_| is_postgres);
            Ok(Server { version, postgres: major })
        })
        .await
    }

    /// The database's own time.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn now(&self) -> Result<Millis, DbError> {
        self.read(DbError::Probe, async {
            let query = Query::select().expr_as(clock::now(self.backend()), "now").to_owned();
            let row = self.pool.query_one(&query).await?.ok_or_else(|| Cause::unreadable("now", "time"))?;
            Ok(Millis(row.try_get("", "now")?))
        })
        .await
    }

    /// Writes, to see whether writing works: the first coordinator's row, with
    /// what is in it.
    ///
    /// # Errors
    /// If the database does not answer or does not accept writes.
    pub async fn ping(&self) -> Result<(), DbError> {
        transact!(self, DbError::Probe, async |tx| {
            let first =
                Query::select().expr(Expr::col(coordinator::Column::Number).min()).from(coordinator::Entity).to_owned();
            coordinator::Entity::update_many()
                .col_expr(coordinator::Column::LeaseUntil, Expr::col(coordinator::Column::LeaseUntil))
                .filter(coordinator::Column::Number.in_subquery(first))
                .exec(tx)
                .await?;
            Ok(())
        })
    }

    /// The disk of a database that is a file. What a server is on, it does not tell.
    ///
    /// # Errors
    /// If the file is not there.
    pub fn disk(&self) -> io::Result<Option<Disk>> {
        self.file.as_deref().map(Disk::of).transpose()
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }
}

fn path_of(sqlite: &str) -> Result<&str, DbError> {
    let path = sqlite.strip_prefix("//").unwrap_or(sqlite);
    if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
        return Err(DbError::Url("`sqlite:` must be followed by the path of a file"));
    }
    Ok(path)
}

/// `FULL`: in WAL mode everything less may lose the last commits with the power,
/// and what was answered by a 2xx is durable.
fn sqlite(path: &str, timeout: Duration) -> ConnectOptions {
    let path = path.to_owned();
    // The path is given as it is: inside of a URL, `%` and spaces would change.
    let mut options = ConnectOptions::new("sqlite:file");
    options.test_before_acquire(false).map_sqlx_sqlite_opts(move |options| {
        options
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(timeout / crate::transaction::TRIES)
            .foreign_keys(true)
            // What is deleted is overwritten: keys of rooms are among it.
            .pragma("secure_delete", "ON")
            // In KiB, 16 MiB for each connection: with the default, of 2 MB, the
            // indices of a million jobs are read from the file again and again.
            .pragma("cache_size", "-16384")
    });
    // Where the disk is full or fails, `SQLite` rolls back by itself, and the
    // driver, whose own rollback then fails, takes the connection to be within a
    // transaction for ever: the next one on it would be nested, and leave the
    // file's lock behind. So such a connection is closed.
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.after_release(|connection, _| {
            Box::pin(async move {
                // A rollback may be under way still; this is answered after it.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
    });
    options
}

fn postgres(rest: &str, timeout: Duration) -> Result<ConnectOptions, DbError> {
    if !rest.starts_with("//") {
        return Err(DbError::Url("`postgres:` must be followed by `//host/name`"));
    }
    let mut options = ConnectOptions::new(format!("postgres:{rest}"));
    let (doubt, timeout) = (Doubt::within(timeout), timeout.as_millis().to_string());
    options.set_application_name("heim-media").map_sqlx_postgres_opts(move |options| {
        options.options([
            ("statement_timeout", timeout.as_str()),
            ("lock_timeout", &timeout),
            ("idle_in_transaction_session_timeout", &timeout),
        ])
    });
    options.test_before_acquire(false).map_sqlx_postgres_pool_opts(move |pool| {
        let doubt = doubt.clone();
        pool.before_acquire(move |connection, known| {
            let doubt = doubt.clone();
            Box::pin(async move { doubt.is_good(connection, known.idle_for).await })
        })
    });
    Ok(options)
}
