//! What the database says of one job.

use crate::truth;
use heim_common::{JobId, MediaId};
use heim_db::Database;

/// A job's row.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// `pending`, `running`, `done` or `failed`.
    pub state: String,
    /// How often it was claimed.
    pub fence: i64,
    /// Attempts that ended badly.
    pub failures: i64,
    /// Children that died of it.
    pub deaths: i64,
    /// Who holds it, or ended it.
    pub worker: String,
    /// The whole line.
    pub line: String,
}

/// The job of a media object.
pub async fn job(database: &Database, media: MediaId) -> Job {
    let rows = truth::rows(database).await;
    let of_this = format!("/{} ", media.as_i64());
    let line = rows.lines().find(|line| line.starts_with("job ") && line.contains(&of_this));
    let line = line.unwrap_or_else(|| panic!("{media} has no job: {rows}")).to_owned();
    let words: Vec<_> = line.split(' ').collect();
    let after = |word: &str| words[words.iter().position(|found| *found == word).expect("it is in every line") + 1];
    let number = |word: &str| after(word).parse::<i64>().expect("a number");
    Job {
        id: JobId::from_i64(number("job")),
        state: words[words.iter().position(|found| *found == "fence").expect("it is there") - 1].to_owned(),
        fence: number("fence"),
        failures: number("failures"),
        deaths: number("deaths"),
        worker: after("worker").to_owned(),
        line,
    }
}

/// How many events tell of a media object.
pub async fn events(database: &Database, media: MediaId) -> usize {
    let of_this = format!("/{} ", media.as_i64());
    let rows = truth::rows(database).await;
    rows.lines().filter(|line| line.starts_with("event ") && line.contains(&of_this)).count()
}
