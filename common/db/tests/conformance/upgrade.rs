//! What the first release left behind is read by this one.

use crate::{
    given::{LEASE, NOW, edit, media_id, message_id, registration, room, session},
    place::{Place, raw},
};
use heim_db::{Content, Database, DatabaseConfig, Edited, Shown};
use sea_orm::{ConnectionTrait, TransactionTrait};

/// The migrations of the first release.
const FIRST: u32 = 5;

const ROWS: &str = "
INSERT INTO room (name, private, created) VALUES ('one', false, 1);
INSERT INTO media_object (id, room, agent_id, name, server_id, server_era, created, expires, max_size, uploaded, state,
    storage, content_type, size) VALUES
    (1, 'one', 'agent:anna', 'anna', 's', 'e', 1, 2, 1000, 3, 'ready', 'media/1', 'image/png', 5),
    (2, 'one', 'agent:anna', 'anna', 's', 'e', 1, 2, 1000, 3, 'ready', 'media/2', 'image/png', 5);
INSERT INTO media_transcoding (media_id, name, version, uri, content_type, size) VALUES
    (1, 'original', 0, 'media/1', 'image/png', 5), (1, 'thumb-160', 1, 'media/1t', 'image/webp', 2);
INSERT INTO event (room, media_id, name, created) VALUES
    ('one', 1, 'original', 1), ('one', 1, 'thumb-160', 1), ('one', 2, 'original', 1);
INSERT INTO message (id, room, agent_id, session_id, name, server_id, server_era, content, posted) VALUES
    (9, 'one', 'agent:anna', 'x', 'anna', 's', 'e', 'hello', 1700000000000);
INSERT INTO message_attachment (message_id, media_id, position) VALUES (9, 1, 0);
";

async fn upgraded(url: String) {
    let connection = raw(&format!("{url}{}", if url.starts_with("sqlite") { "?mode=rwc" } else { "" })).await;
    let tx = connection.begin().await.unwrap();
    heim_migrations::apply_first(&tx, FIRST).await.unwrap();
    tx.execute_unprepared(ROWS).await.unwrap();
    tx.commit().await.unwrap();

    let database = Database::connect(&DatabaseConfig { url, ..DatabaseConfig::default() }).await.unwrap();
    assert!(!database.pending_migrations().await.unwrap().is_empty());
    database.migrate().await.unwrap();
    let one = database.room(&room("one")).await.unwrap().unwrap();
    assert_eq!((one.epoch, one.private, one.deleted, one.passcode), (0, false, false, None));
    let media = database.media(media_id(1)).await.unwrap().unwrap();
    assert_eq!((media.seq, media.transcodings.len(), media.encryption), (2, 2, None), "all of it was told");
    assert_eq!(database.media(media_id(2)).await.unwrap().unwrap().seq, 3);
    assert_eq!(database.media_shown(media_id(1)).await.unwrap(), Shown::Live);
    assert_eq!(database.media_counts().await.unwrap().unattached, 1, "the second");
    let message = database.message(&room("one"), message_id(9)).await.unwrap().unwrap();
    assert_eq!(message.content, Content::Plain("hello".to_owned()));
    assert_eq!((message.edit, message.sender.is_manager, message.attachments.len()), (None, false, 1));
    // And it goes on.
    assert!(database.session_join(&room("one"), &session("anna", ""), one.epoch, LEASE, NOW).await.unwrap());
    let edited = database.message_edit(&edit(9, "one", 1, None)).await.unwrap();
    assert!(matches!(edited, Edited::Edited(_)));
    let mut newer = registration(1, "one", 0, 2);
    newer.transcoding.name = "thumb-160".parse().unwrap();
    database.transcoding_register(&newer).await.unwrap();
    assert_eq!(database.media(media_id(1)).await.unwrap().unwrap().seq, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_of_the_first_release_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    upgraded(format!("sqlite:{}", folder.path().join("heim.db").display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_database_of_the_first_release_is_upgraded() {
    upgraded(Place::server().fresh_url()).await;
}
