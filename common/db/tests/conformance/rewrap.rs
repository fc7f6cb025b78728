//! Bringing what is sealed under earlier keys under the current one, while the
//! room goes on.

use crate::{
    given::{
        edit, encryption, key_id, media_id, message, message_id, new_media, private, room, room_key, sealed, stored,
    },
    place::{on_both, race},
};
use heim_db::{Content, Created, Database, Edited, MessageEdit, NewMedia, NewMessage, Rest};

async fn filled(db: &Database) {
    let epoch = private(db, "den").await;
    db.room_key_add(&room("den"), &room_key(2)).await.unwrap();
    for id in 1..=6 {
        let key = id % 2 + 1;
        let new = NewMedia { epoch, encryption: Some(encryption(key)), ..new_media(id, "den", "anna") };
        assert_eq!(db.media_create(&new, 100).await.unwrap(), Created::Created);
        let content = Content::Sealed(sealed(key, &format!("head {id}"), Rest::There(vec![7; 10])));
        stored(db.message_send(&NewMessage { epoch, content, ..message(id, "den", "anna", &[]) }).await.unwrap());
    }
}

on_both! {
    async fn media_objects_come_under_the_current_key(place: &Place) {
        filled(place).await;
        let old = place.media_under_other_keys(&room("den"), key_id(2), None, 2).await.unwrap();
        assert_eq!(old, [(media_id(2), encryption(1)), (media_id(4), encryption(1))]);
        let rest = place.media_under_other_keys(&room("den"), key_id(2), Some(media_id(4)), 2).await.unwrap();
        assert_eq!(rest, [(media_id(6), encryption(1))]);
        let rewrap = async |id, from, to| place.media_rewrap(media_id(id), key_id(from), &encryption(to)).await.unwrap();
        assert!(!rewrap(2, 2, 2).await, "it is not under that one");
        assert!(!rewrap(2, 1, 3).await, "there is no such key");
        assert!(!rewrap(9, 1, 2).await, "there is no such object");
        for id in [2, 4, 6] {
            assert!(rewrap(id, 1, 2).await);
        }
        assert_eq!(place.media_under_other_keys(&room("den"), key_id(2), None, 10).await.unwrap(), []);
        assert_eq!(place.media(media_id(2)).await.unwrap().unwrap().encryption, Some(encryption(2)));
    }

    async fn messages_come_under_the_current_key(place: &Place) {
        filled(place).await;
        let old = place.messages_under_other_keys(&room("den"), key_id(2), None, 10).await.unwrap();
        assert_eq!(old.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 4, 6].map(message_id));
        let rest = place.messages_under_other_keys(&room("den"), key_id(2), Some(message_id(2)), 1).await.unwrap();
        assert_eq!(rest, [old[1].clone()]);
        let anew = sealed(2, "anew", Rest::None);
        for (id, content) in &old {
            assert_eq!(content.rest, Rest::There(vec![7; 10]), "it is read whole");
            assert!(!place.message_reseal(*id, content, &sealed(3, "lost", Rest::None)).await.unwrap());
            assert!(place.message_reseal(*id, content, &anew).await.unwrap());
            assert!(!place.message_reseal(*id, content, &anew).await.unwrap());
        }
        assert_eq!(place.messages_under_other_keys(&room("den"), key_id(2), None, 10).await.unwrap(), []);
        let message = place.message(&room("den"), message_id(2)).await.unwrap().unwrap();
        assert_eq!((message.content, message.edited), (Content::Sealed(anew), None));
        assert_eq!(place.room_keys_remove_unused(&room("den")).await.unwrap(), 0, "media objects have it still");
    }

    async fn a_change_of_a_message_is_not_undone(place: &Place) {
        filled(place).await;
        let old = place.messages_under_other_keys(&room("den"), key_id(2), None, 10).await.unwrap();
        // Somebody who does not know of the new key yet.
        let content = Content::Sealed(sealed(1, "changed", Rest::None));
        let epoch = place.room(&room("den")).await.unwrap().unwrap().epoch;
        let change = MessageEdit { epoch, content: Some(content.clone()), ..edit(2, "den", 10, None) };
        assert!(matches!(place.message_edit(&change).await.unwrap(), Edited::Edited(_)));
        assert!(!place.message_reseal(old[0].0, &old[0].1, &sealed(2, "anew", Rest::None)).await.unwrap());
        assert_eq!(place.message(&room("den"), message_id(2)).await.unwrap().unwrap().content, content);
    }

    async fn nothing_is_brought_under_a_key_that_goes_at_the_same_moment(place: &Place) {
        filled(place).await;
        // 2 is no longer the current one, and once nothing is under it, it goes.
        place.room_key_add(&room("den"), &room_key(3)).await.unwrap();
        for id in [1, 3, 5] {
            assert!(place.media_rewrap(media_id(id), key_id(2), &encryption(3)).await.unwrap());
        }
        for (id, content) in place.messages_under_other_keys(&room("den"), key_id(3), None, 10).await.unwrap() {
            if content.key == key_id(2) {
                assert!(place.message_reseal(id, &content, &sealed(3, "anew", Rest::None)).await.unwrap());
            }
        }
        let outcomes = race(place, 7, |db, index| async move {
            match index {
                3 => db.room_keys_remove_unused(&room("den")).await.unwrap() == 1,
                _ => db.media_rewrap(media_id([2, 4, 6][index % 3]), key_id(1), &encryption(2)).await.unwrap(),
            }
        });
        let mut outcomes = outcomes.await;
        let was_removed = outcomes.remove(3);
        assert_eq!(outcomes.into_iter().any(|moved| moved), !was_removed);
        for id in 1..=6 {
            let key = place.media(media_id(id)).await.unwrap().unwrap().encryption.unwrap().key_id;
            assert!(place.room_key(key).await.unwrap().is_some(), "{id}");
        }
    }
}
