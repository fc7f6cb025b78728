//! A database that does what the schedule says. Its clock is turned by writing
//! to the rows, past the crate.

use crate::{
    model::{ATTEMPTS, Model, specs},
    rows,
    step::{Answer, Name, Object, Step},
};
use heim_common::{
    EditId, JobId, MediaId, MessageId, Millis, RoomName, SessionId, Snowflake, UserId,
    job::{Lane, Reason},
    key::ObjectKey,
    media::{Transcoding, Uploader},
    session::SessionView,
    spec::{TranscodingSpec, default_specs},
};
use heim_db::{
    Content, Created, Cursors, Database, DatabaseConfig, Deleted, Edited, Expired, Finished, GivenUp, MessageEdit,
    NewMedia, NewMessage, Quotas, Reaped, Registered, Registration, Sent, UploadOutcome, Uploaded,
};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use std::{collections::BTreeMap, path::Path, time::Duration};
use tempfile::TempDir;

/// Later than everything, until `Step::Ages`.
pub(crate) const NOW: Millis = Millis(4_000_000_000_000);
const HOUR: Duration = Duration::from_hours(1);
const LIMIT: u64 = 100;
/// More than there are jobs.
const WINDOW: usize = 100;
/// Where a commit waits for no disk: it is not what is tested here.
const MEMORY: &str = "/dev/shm";

pub(crate) struct Real {
    pub(crate) db: Database,
    raw: DatabaseConnection,
    _folder: TempDir,
    /// The last event's number.
    pub(crate) seq: i64,
}

pub(crate) fn number(index: usize) -> Snowflake {
    Snowflake(index as u64 + 1)
}

pub(crate) fn media(object: Object) -> MediaId {
    MediaId(number(object))
}

pub(crate) fn job(object: Object) -> JobId {
    JobId(number(object))
}

pub(crate) fn object(id: Snowflake) -> Object {
    usize::try_from(id.0).unwrap() - 1
}

fn room() -> RoomName {
    "one".parse().unwrap()
}

fn hour(_failures: u32) -> Duration {
    HOUR
}

fn agent() -> UserId {
    UserId::from_stored("agent:anna".to_owned())
}

fn wanted(object: Object) -> Vec<TranscodingSpec> {
    let wanted: Vec<_> = default_specs().into_iter().take(specs(object).count()).collect();
    assert!(wanted.iter().enumerate().all(|(index, spec)| spec.name.as_str() == rows::word(index + 1)));
    wanted
}

fn name(word: &str) -> Name {
    (0..3).find(|name| rows::word(*name) == word).unwrap()
}

impl Real {
    pub(crate) async fn start() -> Self {
        let folder = if Path::new(MEMORY).is_dir() { TempDir::new_in(MEMORY) } else { TempDir::new() }.unwrap();
        let url = format!("sqlite:{}", folder.path().join("heim.db").display());
        let db = Database::connect(&DatabaseConfig { url: url.clone(), ..DatabaseConfig::default() }).await.unwrap();
        db.migrate().await.unwrap();
        Self { db, raw: sea_orm::Database::connect(url).await.unwrap(), _folder: folder, seq: 0 }
    }

    /// Empty, but for an open room.
    pub(crate) async fn open(&self) {
        self.sql(
            "DELETE FROM lane_pause; DELETE FROM message; DELETE FROM media_object; DELETE FROM attempt; DELETE FROM event; DELETE FROM room;
                  INSERT INTO room (name, private, created) VALUES ('one', false, 1)",
        )
        .await;
    }

    async fn sql(&self, sql: &str) {
        self.raw.execute_unprepared(sql).await.unwrap();
    }

    /// What is there, sorted. Attempts are never at odds with their jobs.
    pub(crate) async fn rows(&self) -> Vec<String> {
        let query = Statement::from_string(sea_orm::DbBackend::Sqlite, rows::AT_ODDS);
        let at_odds: i64 = self.raw.query_one_raw(query).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(at_odds, 0, "attempts and jobs do not agree");
        let query = Statement::from_string(sea_orm::DbBackend::Sqlite, rows::SQL);
        let rows = self.raw.query_all_raw(query).await.unwrap();
        let mut lines: Vec<String> = rows.iter().map(|row| row.try_get("", "line").unwrap()).collect();
        lines.sort();
        lines
    }

    /// `after` is the model with the step done; `edits` are the newest changes
    /// of the messages before it.
    pub(crate) async fn step(&self, step: Step, after: &Model, edits: &[Option<u64>]) -> Answer {
        match step {
            Step::Create(object) => self.create(object).await,
            Step::Upload(object, upload) => self.upload(object, upload).await,
            Step::Refuse(object, reason) => {
                let ended = self.db.media_refuse(media(object), reason).await.unwrap();
                Answer::Ended(ended.as_ref().map(ended_as).into_iter().collect())
            }
            Step::Expire => Answer::Ended(self.db.handles_expire(HOUR).await.unwrap().iter().map(ended_as).collect()),
            Step::Send(object) => self.send(object, after.messages.len()).await,
            Step::DeleteMessage(index) => self.delete(index, after.edits).await,
            Step::RestoreMessage(index) => self.restore(index, after.edits, edits).await,
            Step::DeleteRoom => yes(self.db.room_delete(&room(), NOW).await.unwrap().is_some()),
            Step::SweepRoom => yes(self.db.room_sweep(&room(), LIMIT).await.unwrap()),
            Step::Release => {
                let released = self.db.media_release(HOUR, HOUR, LIMIT).await.unwrap();
                Answer::These(released.into_iter().map(|id| object(id.0)).collect())
            }
            Step::ForgetMessages => Answer::Count(self.db.messages_forget(HOUR, LIMIT).await.unwrap()),
            Step::Forget(object) => yes(self.db.media_forget(media(object), HOUR).await.unwrap()),
            Step::LeaseEnds(_) | Step::RestEnds(_) | Step::HandleEnds(_) | Step::HintIsLost(_) | Step::Ages(_) => {
                self.turn_the_clock(step).await
            }
            Step::Retry(_) | Step::Discard(_) | Step::PauseLane | Step::ResumeLane | Step::Purge(_) => {
                self.steer(step, after.edits).await
            }
            of_job => self.step_of_job(of_job).await,
        }
    }

    async fn turn_the_clock(&self, step: Step) -> Answer {
        let sql = match step {
            Step::LeaseEnds(object) => {
                format!("UPDATE job SET lease_until = 0 WHERE id = {} AND state = 'running'", object + 1)
            }
            Step::RestEnds(object) => format!(
                "UPDATE job SET run_after = 0, rests_until = CASE WHEN rests_until IS NULL THEN NULL ELSE 0 END
                 WHERE id = {}",
                object + 1
            ),
            Step::HandleEnds(object) => format!("UPDATE media_object SET expires = 0 WHERE id = {}", object + 1),
            Step::HintIsLost(object) => {
                format!("UPDATE job SET dispatched = 0 WHERE id = {} AND dispatched IS NOT NULL", object + 1)
            }
            Step::Ages(object) => format!(
                "UPDATE media_object SET created = 0, uploaded = min(uploaded, 0), gone = min(gone, 0) WHERE id = {0};
                 UPDATE message SET deleted = min(deleted, 0)
                 WHERE id IN (SELECT message_id FROM message_attachment WHERE media_id = {0})",
                object + 1
            ),
            other => panic!("not about the clock: {other:?}"),
        };
        self.sql(&sql).await;
        Answer::Yes
    }

    async fn step_of_job(&self, step: Step) -> Answer {
        match step {
            Step::Claim(object, engine) => {
                match self.db.job_claim(job(object), "worker", engine, HOUR).await.unwrap() {
                    Some(claim) => Answer::Claimed {
                        fence: claim.fence,
                        missing: claim.missing.iter().map(|spec| name(spec.name.as_str())).collect(),
                    },
                    None => Answer::No,
                }
            }
            Step::Heartbeat(lease) => yes(self.db.job_heartbeat(job(lease.job), lease.fence, HOUR).await.unwrap()),
            Step::Register { object, name, version, altered, lease } => {
                let lease = lease.map(|lease| (job(lease.job), lease.fence));
                let registration = Registration { lease, ..registration(object, name, version, altered) };
                match self.db.transcoding_register(&registration).await.unwrap() {
                    Registered::New { seq } => Answer::New(seq),
                    Registered::Same => Answer::Same,
                    Registered::Older => Answer::Older,
                    Registered::Conflict => Answer::Conflict,
                    Registered::NoSuchMedia => Answer::NotThere,
                    Registered::LeaseLost => Answer::LeaseLost,
                }
            }
            Step::Finish(lease, verdict) => {
                match self.db.job_finish(job(lease.job), lease.fence, verdict, &ATTEMPTS, &hour).await.unwrap() {
                    Finished::Done => Answer::Done,
                    Finished::Again => Answer::Again,
                    Finished::GaveUp(given_up) => gave_up(&given_up),
                    Finished::LeaseLost => Answer::LeaseLost,
                }
            }
            Step::Dispatch => {
                self.db.jobs_rested().await.unwrap();
                if self.db.lanes_paused().await.unwrap().contains_key(&Lane::Interactive) {
                    return Answer::These(Vec::new());
                }
                self.db.jobs_retell(Lane::Interactive, self.waiting().await, HOUR).await.unwrap();
                let wanted = BTreeMap::from([(Lane::Interactive, WINDOW)]);
                let choice = self.db.jobs_choose(&wanted, &Cursors::default()).await.unwrap();
                Answer::These(choice.jobs.into_values().flatten().map(|id| object(id.0)).collect())
            }
            Step::Reap => {
                let reaped = self.db.job_reap(&ATTEMPTS, &hour).await.unwrap().into_iter().map(|reaped| match reaped {
                    Reaped::Again(id) => (object(id.0), Answer::Again),
                    Reaped::GaveUp(given_up) => (object(given_up.job.0), gave_up(&given_up)),
                });
                Answer::Reaped(reaped.collect())
            }
            other => panic!("not of a job: {other:?}"),
        }
    }

    /// Hints that the transport still has: those of `Step::HintIsLost` are from 1970.
    async fn waiting(&self) -> usize {
        let sql = "SELECT count(*) AS hints FROM job WHERE state = 'pending' AND dispatched > 0";
        let query = Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
        let row = self.raw.query_one_raw(query).await.unwrap().unwrap();
        usize::try_from(row.try_get::<i64>("", "hints").unwrap()).unwrap()
    }

    async fn create(&self, object: Object) -> Answer {
        let (name, server_id, server_era) = ("anna".to_owned(), "server".to_owned(), "era".to_owned());
        let new = NewMedia {
            id: media(object),
            room: room(),
            epoch: 0,
            uploader: Uploader { id: agent(), name, server_id, server_era },
            created: NOW,
            expires: NOW,
            max_size: 1_000,
            width: None,
            height: None,
            encryption: None,
        };
        match self.db.media_create(&new, 9).await.unwrap() {
            Created::Created => Answer::Yes,
            Created::RoomClosed => Answer::Closed,
            Created::TooManyPending => Answer::No,
        }
    }

    async fn upload(&self, object: Object, upload: u64) -> Answer {
        let uploaded = Uploaded {
            id: media(object),
            now: NOW,
            key: ObjectKey::original(media(object), Snowflake(upload)),
            content_type: "image/jpeg".to_owned(),
            size: 500,
            digest: [7; 32],
            width: None,
            height: None,
            specs: wanted(object),
            job: job(object),
            lane: Lane::Interactive,
            quotas: Quotas::default(),
            trace: None,
        };
        match self.db.media_uploaded(&uploaded).await.unwrap() {
            UploadOutcome::Stored { seq } => Answer::Stored(seq),
            UploadOutcome::AlreadyUploaded => Answer::AlreadyUploaded,
            UploadOutcome::Gone => Answer::NotThere,
            UploadOutcome::QuotaExceeded(_) => unreachable!("no quota is set"),
        }
    }

    async fn send(&self, object: Object, id: usize) -> Answer {
        let sender = SessionView {
            id: agent(),
            name: "anna".to_owned(),
            server_id: "server".to_owned(),
            server_era: "era".to_owned(),
            session_id: SessionId::from_stored("anna-1".to_owned()),
            is_manager: false,
        };
        let new = NewMessage {
            id: MessageId(Snowflake(id as u64)),
            room: room(),
            epoch: 0,
            parent: None,
            sender,
            content: Content::Plain("look".to_owned()),
            posted: NOW,
            attachments: vec![media(object)],
        };
        match self.db.message_send(&new).await.unwrap() {
            Sent::Stored(_) => Answer::Yes,
            Sent::RoomClosed => Answer::Closed,
            Sent::MediaNotFound => Answer::NotThere,
            Sent::InvalidParent => Answer::No,
        }
    }

    async fn delete(&self, index: usize, edit: u64) -> Answer {
        let (id, edit) = (MessageId(number(index)), EditId(Snowflake(edit)));
        match self.db.message_delete(&room(), id, edit, NOW).await.unwrap() {
            Deleted::Now { .. } => Answer::Yes,
            Deleted::Before => Answer::No,
            Deleted::NotFound => Answer::NotThere,
        }
    }

    async fn restore(&self, index: usize, edit: u64, edits: &[Option<u64>]) -> Answer {
        let edit = MessageEdit {
            room: room(),
            epoch: 0,
            id: MessageId(number(index)),
            edit: EditId(Snowflake(edit)),
            previous: edits.get(index).copied().flatten().map(|edit| EditId(Snowflake(edit))),
            parent: None,
            content: None,
            delete: false,
            announce: true,
            now: NOW,
        };
        match self.db.message_edit(&edit).await.unwrap() {
            Edited::Edited(_) => Answer::Yes,
            Edited::RoomClosed => Answer::Closed,
            Edited::NotFound => Answer::NotThere,
            Edited::Inconsistent | Edited::InvalidParent => Answer::No,
        }
    }
}

pub(crate) fn yes(is_so: bool) -> Answer {
    if is_so { Answer::Yes } else { Answer::No }
}

fn ended_as(ended: &Expired) -> (Object, Option<i64>) {
    match *ended {
        Expired::Removed(id) => (object(id.0), None),
        Expired::Failed { media, room: _, seq } => (object(media.0), Some(seq)),
    }
}

pub(crate) fn gave_up(given_up: &GivenUp) -> Answer {
    let events = given_up.events.iter().map(|(word, seq)| (name(word.as_str()), *seq)).collect();
    let reason: Reason = given_up.reason;
    Answer::GaveUp(reason, events)
}

fn registration(object: Object, index: Name, version: u32, altered: bool) -> Registration {
    let name = wanted(object)[index - 1].name.clone();
    Registration {
        room: room(),
        media: media(object),
        transcoding: Transcoding {
            key: ObjectKey::transcoding(media(object), &name, version),
            name,
            version,
            content_type: "image/webp".to_owned(),
            size: 50 + u64::from(altered),
            width: None,
            height: None,
        },
        description: None,
        lease: None,
    }
}
