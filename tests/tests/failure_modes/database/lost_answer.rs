//! The database commits, and the answer is lost on the way back.

use heim_common::wire::UploadHandle;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::{Accepted, assert_kept, bmp},
    postgres::Postgres,
    proxy::{Fault, Proxy},
    sql, truth,
    until::until,
    web::{Answer, Web},
};
use std::time::Duration;

struct Stage {
    fleet: Fleet,
    proxy: Proxy,
    client: Client,
    // Dropped last: the fleet looks into it at its end.
    _server: Postgres,
}

async fn stage() -> Stage {
    let server = Postgres::start();
    let direct = server.fresh_url();
    let (before, name) = direct.rsplit_once('/').expect("a database has a name");
    let (scheme, port) = before.rsplit_once(':').expect("the server has a port");
    let proxy = Proxy::before(port.parse().expect("a port is a number"));
    let by = format!("{scheme}:{}/{name}", proxy.port());
    let fleet = Fleet::over(direct, Some(by), 1, 1, &[("database.timeout_ms", "1000")]).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    Stage { fleet, proxy, client, _server: server }
}

impl Stage {
    /// Uploads while no commit is heard of, until the row says that it was
    /// carried out; heals then, or only after the answer.
    async fn upload(&self, heals_at_once: bool) -> (UploadHandle, Answer) {
        let handle = self.client.upload_handle().await;
        self.client.send("look", &[handle.id]).await;
        self.proxy.set(Fault::CutAnswerTo(b"COMMIT"));
        let committed = format!("SELECT count(*) FROM media_object WHERE id = {} AND uploaded > 0", handle.id.as_i64());
        let heal = async {
            until("it is committed", async || {
                (sql::number(self.fleet.database_url(), &committed).await == 1).then_some(())
            })
            .await;
            if heals_at_once {
                self.proxy.heal();
            }
        };
        let web = Web::default();
        let ((), answer) = tokio::join!(heal, web.upload(&handle, bmp(1)));
        self.proxy.heal();
        (handle, answer)
    }

    async fn assert_there_once(&self, handle: &UploadHandle) {
        let database = self.fleet.database().await;
        truth::settled(&database).await;
        let accepted = Accepted { id: handle.id, bytes: bmp(1), tries: 1 };
        assert_kept(&database, &self.fleet.store(), &[accepted]).await;
        let originals =
            format!("SELECT count(*) FROM event WHERE media_id = {} AND name = 'original'", handle.id.as_i64());
        assert_eq!(sql::number(self.fleet.database_url(), &originals).await, 1);
        self.client.media_event(handle.id, "preview-1280").await;
        let told = self.client.heard.media_events(handle.id);
        let originals = told.iter().filter(|(_, event)| heim_tests::packets::subject(event).1 == "original");
        assert_eq!(originals.count(), 1, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f51_a_commit_whose_answer_was_lost_is_asked_for_and_answered_by_201() {
    let stage = stage().await;
    let (handle, answer) = stage.upload(true).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    stage.assert_there_once(&handle).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f51_what_the_database_never_says_is_answered_by_503_and_nothing_is_lost() {
    let stage = stage().await;
    let (handle, answer) = stage.upload(false).await;
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    // The client tries again, as it was told to, and hears that it is there.
    let again = Web::default().upload(&handle, bmp(2)).await;
    assert_eq!(again.refusal(), (409, "already-uploaded".to_owned()));
    // Nobody has announced it: the rows tell.
    tokio::time::timeout(Duration::from_mins(1), stage.client.media_event(handle.id, "original")).await.unwrap();
    stage.assert_there_once(&handle).await;
}
