//! `heim-coordinator admin doctor`: looks at all that a coordinator stands on, and
//! says in words what is wrong with it and what to do.
//!
//! Each part is looked at for itself, so that the first that is away does not hide
//! the others. Nothing is changed: what is written to find out whether it can be is
//! taken away again.

use super::{
    said::lasting,
    worker::{SILENT_MS, is_alive},
};
use crate::{config::KeysConfig, config_file::ConfigFile, keys::Keyring};
use heim_common::{time::Clock, worker::WorkerState};
use heim_db::{Database, DbError, WorkerRow};
use heim_runtime::{finding::Findings, telemetry::chain};

/// The oldest PostgreSQL that anything was tried with.
const POSTGRES_TRIED: u32 = 15;

/// Looks at everything.
pub async fn examine<W>(file: &ConfigFile<W>, clock: Clock) -> Findings {
    let mut found = Findings::default();
    match file.settings() {
        Ok(_) => found.ok("settings", "can be used"),
        Err(error) => {
            found.wrong("settings", chain(&error), "`heim-coordinator serve --check-config` prints what is in force");
        }
    }
    let db = database(file, &mut found).await;
    if let Some(db) = &db {
        self::clock(db, clock, &mut found).await;
    }
    heim_queue::examine(&file.queue, &mut found).await;
    heim_store::examine(&file.store, &mut found).await;
    if let Some(db) = db {
        keys(&file.keys, &db, &mut found).await;
        jobs(&db, &mut found).await;
        workers(&db, &mut found).await;
    }
    found
}

/// The database, where it has the schema of this version.
async fn database<W>(file: &ConfigFile<W>, found: &mut Findings) -> Option<Database> {
    const PART: &str = "database";
    let db = match Database::connect(&file.database).await {
        Ok(db) => db,
        Err(error) => {
            let remedy = "see that the server of database.url runs, and lets this machine and this user in";
            found.wrong(PART, chain(&error), remedy);
            return None;
        }
    };
    match db.pending_migrations().await {
        Ok(pending) if pending.is_empty() => {}
        Ok(pending) => {
            let seen = format!("{} migrations of this version are missing, from {} on", pending.len(), pending[0]);
            found.wrong(PART, seen, "run `heim-coordinator migrate`");
            return None;
        }
        Err(error) => {
            found.wrong(PART, chain(&error), "see that database.url names a database of heim-media, or an empty one");
            return None;
        }
    }
    match db.ping().await {
        Ok(()) => schema(&db, found).await,
        Err(error) if error.is_full() => {
            found.wrong(PART, chain(&error), "give its disk more room: until then uploads are refused with 507");
        }
        Err(error) => found.wrong(PART, chain(&error), "see whether it is read-only, a standby, or out of connections"),
    }
    Some(db)
}

/// A database that takes writes: of which version it is, and its schema.
async fn schema(db: &Database, found: &mut Findings) {
    const PART: &str = "database";
    let looked: Result<_, DbError> = async { Ok((db.server().await?, db.later_migrations().await?)) }.await;
    let (server, later) = match looked {
        Ok(looked) => looked,
        Err(error) => return found.wrong(PART, chain(&error), "see the database"),
    };
    if server.postgres.is_some_and(|major| major < POSTGRES_TRIED) {
        let remedy = format!("PostgreSQL {POSTGRES_TRIED} is the oldest that this was tried with");
        found.warning(PART, format!("takes writes, and is {server}"), remedy);
    } else if let Some(last) = later.last() {
        let seen = format!("{server} takes writes; its schema is that of a later version, up to {last}");
        found.warning(PART, seen, "go on to that version: this one works beside it, for as long as the change takes");
    } else {
        found.ok(PART, format!("{server} takes writes, and has the schema of this version"));
    }
}

async fn clock(db: &Database, clock: Clock, found: &mut Findings) {
    let before = clock();
    let there = match db.now().await {
        Ok(there) => there,
        Err(error) => return found.wrong("clock", chain(&error), "see the database"),
    };
    let after = clock();
    // What it took to ask is not held against either.
    let (ahead, behind) = (before.0.saturating_sub(there.0), there.0.saturating_sub(after.0));
    let ahead = if behind > 0 { -behind } else { ahead.max(0) };
    found.clock(ahead, "the database", "keep both clocks by NTP: links expire by the one, leases by the other");
}

async fn keys(config: &KeysConfig, db: &Database, found: &mut Findings) {
    const PART: &str = "keys";
    let keys: Keyring = match config.keyring() {
        Ok(keys) => keys,
        Err(error) => {
            let remedy = "see docs/private-rooms.md: without the key nothing that is private can be opened, ever";
            return found.wrong(PART, chain(&error), remedy);
        }
    };
    let needed = match db.room_key_masters().await {
        Ok(needed) => needed,
        Err(error) => return found.wrong(PART, chain(&error), "see the database"),
    };
    let unknown: Vec<_> = needed.iter().filter(|master| !keys.knows(master)).map(String::as_str).collect();
    match (unknown.is_empty(), keys.master()) {
        (false, _) => found.wrong(
            PART,
            format!("rooms have keys under master keys that are not here: {}", unknown.join(", ")),
            "put them into keys.previous; if they are lost, so is what is under them",
        ),
        (true, Ok(master)) => found.ok(PART, format!("new rooms use the master key {}; none is missing", master.id())),
        (true, Err(_)) => found.warning(
            PART,
            "there is no master key, so there can be no new private rooms",
            "set keys.master_file, as docs/private-rooms.md says, or leave it if all rooms are public",
        ),
    }
}

async fn jobs(db: &Database, found: &mut Findings) {
    const PART: &str = "jobs";
    let looked: Result<_, DbError> = async { Ok((db.jobs_outstanding().await?, db.lanes_paused().await?)) }.await;
    let (jobs, paused) = match looked {
        Ok(looked) => looked,
        Err(error) => return found.wrong(PART, chain(&error), "see the database"),
    };
    let seen = format!("{} wait, {} run, {} have failed", jobs.pending, jobs.running, jobs.failed);
    if !paused.is_empty() {
        let lanes: Vec<_> = paused.keys().map(|lane| lane.as_str()).collect();
        let remedy = "`heim-coordinator admin lane resume all`, when they may go on";
        return found.warning(PART, format!("{seen}; paused: {}", lanes.join(", ")), remedy);
    }
    if jobs.pending > 0 && jobs.running == 0 {
        let remedy = "see the workers";
        return found.warning(PART, format!("{seen}: nobody works on them"), remedy);
    }
    found.ok(PART, seen);
}

/// By what they said of themselves last: they say it to a coordinator, as they claim, so
/// that whoever was heard of just now reaches one and is let in.
async fn workers(db: &Database, found: &mut Findings) {
    const PART: &str = "workers";
    let workers = match db.workers().await {
        Ok(workers) => workers,
        Err(error) => return found.wrong(PART, chain(&error), "see the database"),
    };
    let (alive, gone): (Vec<_>, Vec<_>) = workers.iter().partition(|worker| is_alive(worker));
    let silent: Vec<_> = gone.into_iter().filter(|worker| worker.state != WorkerState::Stopped).collect();
    let at_fault = |faulty: &[&WorkerRow], what: &dyn Fn(&WorkerRow) -> String| {
        let each: Vec<_> = faulty.iter().map(|worker| format!("{} ({})", worker.name, what(worker))).collect();
        each.join(", ")
    };
    let last = |worker: &WorkerRow| format!("{} ago", lasting(worker.silent_ms));
    let remedy = "see that it runs; `heim-worker doctor`, where it does, says what keeps it from its coordinator";
    if alive.is_empty() {
        let seen = match silent[..] {
            [] => "none was heard of".to_owned(),
            _ => format!("none was heard of in the last {}: {}", lasting(SILENT_MS), at_fault(&silent, &last)),
        };
        return found.warning(PART, seen, remedy);
    }
    let others: Vec<_> = alive.iter().copied().filter(|worker| worker.version != env!("CARGO_PKG_VERSION")).collect();
    if !silent.is_empty() {
        found.warning(PART, format!("silent: {}", at_fault(&silent, &last)), remedy);
    } else if !others.is_empty() {
        let seen = format!("of another version: {}", at_fault(&others, &|worker| worker.version.clone()));
        found.warning(PART, seen, "bring all to the same version, when the upgrade is through");
    } else {
        found.ok(PART, format!("{} were heard of just now", alive.len()));
    }
    let missing = |worker: &WorkerRow| {
        worker.missing_walls().map(|(wall, how)| format!("{wall} {how}")).collect::<Vec<_>>().join("; ")
    };
    let open: Vec<_> = alive.into_iter().filter(|worker| worker.missing_walls().next().is_some()).collect();
    if open.is_empty() {
        found.ok("walls", "all are up around the pixel children of all workers that were heard of");
    } else {
        let remedy =
            "see docs/decisions/0008-walls.md; `pixels.require_sandbox` keeps a worker from starting without them";
        found.warning("walls", at_fault(&open, &missing), remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_file::Elsewhere;
    use heim_common::{Millis, wire::WorkerReport};
    use heim_runtime::{clock, finding::Standing};
    use tempfile::TempDir;

    /// A deployment of one process in a folder, with these sections changed.
    fn file(folder: &TempDir, more: &str) -> ConfigFile<Elsewhere> {
        let folder = folder.path().display();
        let own = folder.to_string() + "/heim.toml";
        let text = format!(
            "[database]\nurl = \"sqlite:{folder}/heim.db\"\n[queue]\nurl = \"memory:\"\n[store]\nurl = \
             \"file://{folder}/store\"\n[signing]\nsecret = \"sixteen letters!\"\n[hooks]\nsecret = \"sixteen \
             letters!\"\n{more}"
        );
        std::fs::write(&own, text).unwrap();
        heim_runtime::config::load(crate::DEFAULT_CONFIG, Some(own.as_ref())).unwrap()
    }

    /// How each part stands.
    async fn standing(file: &ConfigFile<Elsewhere>, clock: Clock) -> Vec<(String, Standing)> {
        let found: serde_json::Value = serde_json::from_str(&examine(file, clock).await.json()).unwrap();
        let word = |finding: &serde_json::Value| match finding["standing"].as_str().unwrap() {
            "ok" => Standing::Ok,
            "warning" => Standing::Warning,
            _ => Standing::Wrong,
        };
        let findings = found.as_array().unwrap();
        assert!(findings.iter().all(|finding| finding["remedy"].is_string() == (word(finding) != Standing::Ok)));
        findings.iter().map(|finding| (finding["part"].as_str().unwrap().to_owned(), word(finding))).collect()
    }

    fn ahead<const MS: i64>() -> Millis {
        Millis(clock::system().0 + MS)
    }

    #[tokio::test]
    async fn what_is_well_is_ok_and_a_clock_that_is_not_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder, "");
        let parts = |found: &[(String, Standing)]| found.iter().map(|(part, _)| part.clone()).collect::<Vec<_>>();
        let found = standing(&file, clock::system).await;
        assert_eq!(parts(&found), ["settings", "database", "queue", "store"], "the schema is missing");
        assert_eq!(found[1].1, Standing::Wrong);

        Database::connect(&file.database).await.unwrap().migrate().await.unwrap();
        let found = standing(&file, clock::system).await;
        assert_eq!(parts(&found), ["settings", "database", "clock", "queue", "store", "keys", "jobs", "workers"]);
        let not_ok: Vec<_> = found.iter().filter(|(_, standing)| *standing != Standing::Ok).collect();
        let neither = ["keys", "workers"].map(|part| (part.to_owned(), Standing::Warning));
        assert_eq!(not_ok, neither.iter().collect::<Vec<_>>(), "there is no master key, and no worker");
        for (clock, expected) in [
            (ahead::<500> as Clock, Standing::Ok),
            (ahead::<5_000>, Standing::Warning),
            (ahead::<-5_000>, Standing::Warning),
            (ahead::<60_000>, Standing::Wrong),
        ] {
            assert_eq!(standing(&file, clock).await[2], ("clock".to_owned(), expected));
        }
    }

    /// How the parts about workers stand, and what was seen of them.
    async fn of_workers(db: &Database) -> Vec<(Standing, String)> {
        let mut found = Findings::default();
        workers(db, &mut found).await;
        let found: Vec<serde_json::Value> = serde_json::from_str(&found.json()).unwrap();
        let standing = |word: &str| if word == "ok" { Standing::Ok } else { Standing::Warning };
        let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
        found.iter().map(|finding| (standing(&text(finding, "standing")), text(finding, "seen"))).collect()
    }

    #[tokio::test]
    async fn workers_are_told_of_by_what_they_said_last() {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::connect(&file(&folder, "").database).await.unwrap();
        db.migrate().await.unwrap();
        assert_eq!(of_workers(&db).await, [(Standing::Warning, "none was heard of".to_owned())]);

        let told = serde_json::json!({
            "worker": "w-1", "version": env!("CARGO_PKG_VERSION"), "walls": { "seccomp": "up" },
        });
        let mut report: WorkerReport = serde_json::from_value(told).unwrap();
        db.worker_report(&report).await.unwrap();
        let found = of_workers(&db).await;
        assert_eq!(found[0], (Standing::Ok, "1 were heard of just now".to_owned()));
        assert_eq!((found.len(), found[1].0), (2, Standing::Ok), "{found:?}");

        report.walls.insert("landlock".to_owned(), "missing: an old kernel".to_owned());
        report.version = "0.0.1".into();
        db.worker_report(&report).await.unwrap();
        let expected = ["of another version: w-1 (0.0.1)", "w-1 (landlock missing: an old kernel)"];
        assert_eq!(of_workers(&db).await, expected.map(|seen| (Standing::Warning, seen.to_owned())));

        report.state = WorkerState::Stopped;
        db.worker_report(&report).await.unwrap();
        assert_eq!(of_workers(&db).await, [(Standing::Warning, "none was heard of".to_owned())]);
    }

    #[tokio::test]
    async fn what_is_wrong_hides_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let broken = "[keys]\nmaster = \"hunter2\"\n";
        let mut file = file(&folder, broken);
        Database::connect(&file.database).await.unwrap().migrate().await.unwrap();
        file.store.url = "file:///proc/nowhere".to_owned();
        let found = standing(&file, clock::system).await;
        let wrong: Vec<_> =
            found.iter().filter(|(_, s)| *s == Standing::Wrong).map(|(part, _)| part.as_str()).collect();
        assert_eq!(wrong, ["settings", "store", "keys"], "{found:?}");
        assert!(!examine(&file, clock::system).await.to_string().contains("hunter2"));

        file.database.url = "postgres://nobody@127.0.0.1:1/nothing".to_owned();
        file.hooks.secret = heim_runtime::Secret::default();
        let found = standing(&file, clock::system).await;
        let wrong: Vec<_> =
            found.iter().filter(|(_, s)| *s == Standing::Wrong).map(|(part, _)| part.as_str()).collect();
        assert_eq!(wrong, ["settings", "database", "store"], "{found:?}");
    }
}
