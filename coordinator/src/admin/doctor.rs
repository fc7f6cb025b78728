//! `heim-coordinator admin doctor`: looks at all that a coordinator stands on, and
//! says in words what is wrong with it and what to do.
//!
//! Each part is looked at for itself, so that the first that is away does not hide
//! the others. Nothing is changed: what is written to find out whether it can be is
//! taken away again.

use crate::{config::KeysConfig, config_file::ConfigFile, keys::Keyring};
use heim_common::time::Clock;
use heim_db::{Database, DbError};
use heim_runtime::{finding::Findings, telemetry::chain};
use std::time::Duration;

/// By how much this machine's clock may differ from the database's. Signed links
/// and ids go by the one, leases by the other.
const SKEW_WARNED_MS: u64 = 1_000;
const SKEW_MAX_MS: u64 = 30_000;

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
        Ok(()) => found.ok(PART, "takes writes, and has the schema of this version"),
        Err(error) if error.is_full() => {
            found.wrong(PART, chain(&error), "give its disk more room: until then uploads are refused with 507");
        }
        Err(error) => found.wrong(PART, chain(&error), "see whether it is read-only, a standby, or out of connections"),
    }
    Some(db)
}

async fn clock(db: &Database, clock: Clock, found: &mut Findings) {
    const PART: &str = "clock";
    let before = clock();
    let there = match db.now().await {
        Ok(there) => there,
        Err(error) => return found.wrong(PART, chain(&error), "see the database"),
    };
    let after = clock();
    // What it took to ask is not held against either.
    let apart = there.0.saturating_sub(after.0).max(before.0.saturating_sub(there.0)).max(0).unsigned_abs();
    let side = if there.0 > after.0 { "behind" } else { "ahead of" };
    let seen = format!("this machine is {:.1} s {side} the database", Duration::from_millis(apart).as_secs_f64());
    let remedy = "keep the clocks of both machines by NTP: links expire by the one, leases by the other";
    match apart {
        SKEW_MAX_MS.. => found.wrong(PART, seen, remedy),
        SKEW_WARNED_MS.. => found.warning(PART, seen, remedy),
        _ => found.ok(PART, "agrees with the database's"),
    }
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
        let remedy = "see that workers run, and what `heim-worker doctor` says where they do";
        return found.warning(PART, format!("{seen}: perhaps no worker is there"), remedy);
    }
    found.ok(PART, seen);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_file::Elsewhere;
    use heim_common::Millis;
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
        assert_eq!(parts(&found), ["settings", "database", "clock", "queue", "store", "keys", "jobs"]);
        let not_ok: Vec<_> = found.iter().filter(|(_, standing)| *standing != Standing::Ok).collect();
        assert_eq!(not_ok, [&("keys".to_owned(), Standing::Warning)], "there is no master key");
        for (clock, expected) in [
            (ahead::<500> as Clock, Standing::Ok),
            (ahead::<5_000>, Standing::Warning),
            (ahead::<-5_000>, Standing::Warning),
            (ahead::<60_000>, Standing::Wrong),
        ] {
            assert_eq!(standing(&file, clock).await[2], ("clock".to_owned(), expected));
        }
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
