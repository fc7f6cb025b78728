//! Looks into the database of a fleet behind the back of the crate that owns it:
//! for what its rows must not say, and for turning its clock back.

use crate::until::within;
use tokio::process::Command;

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
