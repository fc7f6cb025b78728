//! The keys of rooms: kept as long as anything is sealed under them.

use crate::{
    given::{
        LEASE, NOW, encryption, key_id, media_id, message, message_id, new_media, private, room, room_key, sealed,
        stored, upload, wrapped,
    },
    place::{on_both, race},
};
use heim_common::Millis;
use heim_db::{Content, Created, Database, NewMedia, NewMessage, NewRoomKey, Rest, RoomKeyRow, Sent};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};

async fn sends(db: &Database, id: u64, epoch: i64, key: u64) -> Sent {
    let content = Content::Sealed(sealed(key, "head", Rest::None));
    db.message_send(&NewMessage { epoch, content, ..message(id, "den", "anna", &[]) }).await.unwrap()
}

async fn creates(db: &Database, id: u64, epoch: i64, key: u64) -> Created {
    let new = NewMedia { epoch, encryption: Some(encryption(key)), ..new_media(id, "den", "anna") };
    db.media_create(&new, 100).await.unwrap()
}

/// Whether a transaction of this database waits for another.
async fn somebody_waits(postgres: &DatabaseConnection) -> bool {
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = Statement::from_string(DbBackend::Postgres, waiting);
    postgres.query_one_raw(waiting).await.unwrap().is_some()
}

on_both! {
    async fn the_newest_key_is_the_current_one(place: &Place) {
        private(place, "den").await;
        assert_eq!(place.room_key_current(&room("one")).await.unwrap(), None);
        assert!(!place.room_key_add(&room("one"), &room_key(5)).await.unwrap(), "it is public");
        assert!(!place.room_key_add(&room("nowhere"), &room_key(5)).await.unwrap());
        let later = NewRoomKey { master: "second".to_owned(), created: Millis(9), ..room_key(7) };
        assert!(place.room_key_add(&room("den"), &later).await.unwrap());
        let row = |id, master: &str, created| {
            RoomKeyRow { id: key_id(id), room: room("den"), wrapped: wrapped(id), master: master.to_owned(), created }
        };
        let (first, second) = (row(1, "first", NOW), row(7, "second", Millis(9)));
        assert_eq!(place.room_key_current(&room("den")).await.unwrap().as_ref(), Some(&second));
        assert_eq!(place.room_key(key_id(1)).await.unwrap().as_ref(), Some(&first));
        assert_eq!(place.room_keys(None, 1).await.unwrap(), [first]);
        assert_eq!(place.room_keys(Some(key_id(1)), 10).await.unwrap(), [second]);
        assert_eq!(place.room_key_masters().await.unwrap(), ["first", "second"]);
    }

    async fn a_key_is_wrapped_anew_by_one_of_many(place: &Place) {
        private(place, "den").await;
        let outcomes = race(place, 10, |db, index| async move {
            let anew = format!("anew {index}").into_bytes();
            db.room_key_rewrap(key_id(1), &wrapped(1), &anew, "second").await.unwrap()
        });
        let outcomes = outcomes.await;
        let winner = outcomes.iter().position(|won| *won).unwrap();
        assert_eq!(outcomes.iter().filter(|won| **won).count(), 1);
        let key = place.room_key(key_id(1)).await.unwrap().unwrap();
        assert_eq!((key.wrapped, key.master), (format!("anew {winner}").into_bytes(), "second".to_owned()));
        assert_eq!(place.room_key_masters().await.unwrap(), ["second"]);
    }

    async fn a_key_stays_while_something_is_sealed_under_it(place: &Place) {
        let epoch = private(place, "den").await;
        for id in 2..=5 {
            place.room_key_add(&room("den"), &room_key(id)).await.unwrap();
        }
        stored(sends(place, 1, epoch, 2).await);
        assert_eq!(creates(place, 1, epoch, 3).await, Created::Created);
        let unused_then = async |needed: &[u64]| {
            let needed: Vec<_> = needed.iter().map(|id| key_id(*id)).collect();
            place.room_keys_unused_then(&room("den"), &needed).await.unwrap()
        };
        assert_eq!([unused_then(&[]).await, unused_then(&[2, 3]).await, unused_then(&[5]).await], [4, 2, 4]);
        assert_eq!(place.room_keys_remove_unused(&room("den")).await.unwrap(), 2, "1 and 4");
        let kept: Vec<_> = place.room_keys(None, 10).await.unwrap().into_iter().map(|key| key.id).collect();
        assert_eq!(kept, [key_id(2), key_id(3), key_id(5)]);
        assert_eq!(sends(place, 2, epoch, 4).await, Sent::RoomClosed);
        assert_eq!(creates(place, 2, epoch, 4).await, Created::RoomClosed);
        assert_eq!(place.room_keys_remove_unused(&room("den")).await.unwrap(), 0);
        assert_eq!(place.room_keys_remove_unused(&room("one")).await.unwrap(), 0);
        assert_eq!(place.room_keys_remove_unused(&room("nowhere")).await.unwrap(), 0);
        place.sql("UPDATE media_object SET gone = 1 WHERE id = 1").await;
        assert_eq!(unused_then(&[]).await, 1, "what is being removed stays under 3");
    }

    async fn nothing_is_sealed_under_a_key_that_goes_at_the_same_moment(place: &Place) {
        let epoch = private(place, "den").await;
        place.room_key_add(&room("den"), &room_key(2)).await.unwrap();
        let outcomes = race(place, 21, |db, index| async move {
            let id = index as u64;
            match index {
                10 => db.room_keys_remove_unused(&room("den")).await.unwrap() == 1,
                0..10 => matches!(sends(&db, id, epoch, 1).await, Sent::Stored(_)),
                _ => creates(&db, id, epoch, 1).await == Created::Created,
            }
        });
        let mut outcomes = outcomes.await;
        let was_removed = outcomes.remove(10);
        assert_eq!(place.room_key(key_id(1)).await.unwrap().is_none(), was_removed);
        assert_eq!(outcomes.into_iter().any(|sealed| sealed), !was_removed);
    }

    async fn a_key_goes_when_all_who_might_seal_under_it_are_done(place: &Place) {
        private(place, "den").await;
        place.room_key_add(&room("den"), &room_key(2)).await.unwrap();
        // Somebody who seals under the first key, and is not done.
        let connection = place.raw().await;
        let writer = connection.begin().await.unwrap();
        let is_postgres = connection.get_database_backend() == DbBackend::Postgres;
        if is_postgres {
            writer.execute_unprepared("SELECT 1 FROM room WHERE name = 'den' FOR SHARE").await.unwrap();
        }
        let insert = "INSERT INTO message (id, room, agent_id, session_id, name, server_id, server_era, content, posted,
            sealed, encryption_key_id) VALUES (1, 'den', 'agent:anna', 'x', '', '', '', '', 1, 'head', 1)";
        writer.execute_unprepared(insert).await.unwrap();
        let database = place.another().await;
        let remover = tokio::spawn(async move { database.room_keys_remove_unused(&room("den")).await.unwrap() });
        while is_postgres && !remover.is_finished() && !somebody_waits(&connection).await {}
        writer.commit().await.unwrap();
        assert_eq!(remover.await.unwrap(), 0);
        assert!(place.room_key(key_id(1)).await.unwrap().is_some());
    }

    async fn a_job_is_claimed_with_the_key_of_its_object(place: &Place) {
        let epoch = private(place, "den").await;
        assert_eq!(creates(place, 1, epoch, 1).await, Created::Created);
        place.media_uploaded(&upload(1)).await.unwrap();
        place.room_key_add(&room("den"), &room_key(2)).await.unwrap();
        assert!(place.media_rewrap(media_id(1), key_id(1), &encryption(2)).await.unwrap());
        let claim = place.job_claim(upload(1).job, "worker", 1, LEASE).await.unwrap().unwrap();
        assert_eq!(claim.encryption, Some(encryption(2)));
        assert_eq!(place.message(&room("den"), message_id(1)).await.unwrap(), None);
    }
}
