//! Looks into the database of a fleet behind the back of the crate that owns it:
//! for what its rows must not say, and for turning its clock back.

use crate::until::within;
use std::{path::Path, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

/// Runs a statement in a PostgreSQL database; returns its rows, a line each, the
/// columns parted by `|`.
pub async fn sql(url: &str, statement: &str) -> String {
    let mut command = Command::new("psql");
    let quiet = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"];
    command.args(quiet).arg(format!("--command={statement}")).arg(url).kill_on_drop(true);
    let ended = within("psql ends", command.output()).await.expect("psql is not installed: `make test` installs it");
    assert!(ended.status.success(), "{statement}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("psql speaks text").trim_end().to_owned()
}

/// As [`sql`], for a single number.
pub async fn number(url: &str, statement: &str) -> i64 {
    let text = sql(url, statement).await;
    text.parse().unwrap_or_else(|error| panic!("{statement}: {error}: {text}"))
}

/// A transaction of somebody else, who holds what it has locked until this is
/// dropped.
#[derive(Debug)]
pub struct Locked(Child);

impl Locked {
    /// In a PostgreSQL database: begins, and carries out a statement.
    pub async fn in_postgres(url: &str, statement: &str) -> Self {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]).arg(url);
        Self::held(psql, &format!("BEGIN; {statement}; SELECT 'locked';")).await
    }

    /// In a file of `SQLite`: the only one who may write.
    pub async fn in_sqlite(file: &Path) -> Self {
        let mut sqlite = Command::new("sqlite3");
        sqlite.arg("-bail").arg(file);
        Self::held(sqlite, "PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE; SELECT 'locked';").await
    }

    async fn held(mut command: Command, statements: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut holder = command.spawn().expect("psql and sqlite3 are installed: `make test` installs them");
        let orders = holder.stdin.as_mut().expect("it was piped");
        orders.write_all(format!("{statements}\n").as_bytes()).await.expect("it reads");
        let mut lines = BufReader::new(holder.stdout.take().expect("it was piped")).lines();
        within("the lock is held", async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "locked" {
                    return;
                }
            }
            panic!("no lock: {statements}");
        })
        .await;
        Self(holder)
    }

    /// Ends it: nothing was changed.
    pub async fn release(mut self) {
        drop(self.0.stdin.take());
        within("the transaction ends", self.0.wait()).await.expect("a child can be awaited");
    }
}

/// Runs a statement in a file of `SQLite`; returns its rows, a line each.
pub async fn in_sqlite(file: &Path, statement: &str) -> String {
    let mut command = Command::new("sqlite3");
    command.args(["-bail", "-cmd", ".timeout 30000"]).arg(file).arg(statement).kill_on_drop(true);
    let ended = within("sqlite3 ends", command.output()).await.expect("sqlite3 is not installed: `make test` does it");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("sqlite3 speaks text").trim_end().to_owned()
}

/// What `SQLite` itself finds wrong with a file: `ok` where that is nothing.
pub async fn integrity(file: &Path) -> String {
    in_sqlite(file, "PRAGMA integrity_check").await
}
