//! Changing, deleting and restoring messages, as heim does it.

use crate::{
    given::{NOW, deletion, edit, edit_id, message, message_id, private, room, room_key, sealed, stored, uploaded},
    place::{on_both, race},
};
use heim_common::Millis;
use heim_db::{Content, Database, Deleted, Edited, Message, MessageEdit, NewMessage, Rest, Sent};

fn changed(edited: Edited) -> Message {
    match edited {
        Edited::Edited(message) => message,
        refused => panic!("{refused:?}"),
    }
}

async fn send(db: &Database, id: u64, attachments: &[u64]) -> Message {
    stored(db.message_send(&message(id, "one", "anna", attachments)).await.unwrap())
}

on_both! {
    async fn a_change_is_seen_by_all_who_read_later(place: &Place) {
        let sent = send(place, 1, &[]).await;
        assert_eq!((sent.edit, sent.edited), (None, None));
        send(place, 2, &[]).await;
        let (content, parent) = (Some(Content::Plain("better".to_owned())), Some(message_id(1)));
        let better = MessageEdit { content: content.clone(), parent, ..edit(2, "one", 10, None) };
        let message = changed(place.message_edit(&better).await.unwrap());
        assert_eq!((message.edit, message.edited, message.deleted), (Some(edit_id(10)), Some(better.now), None));
        assert_eq!((Some(message.content.clone()), message.parent), (content, parent));
        assert_eq!(place.message(&room("one"), message_id(2)).await.unwrap().as_ref(), Some(&message));
        assert_eq!(place.log(&room("one"), 1, None).await.unwrap(), std::slice::from_ref(&message));
        // What is not named stays.
        let again = changed(place.message_edit(&edit(2, "one", 11, Some(10))).await.unwrap());
        let expected = Message { edit: Some(edit_id(11)), edited: Some(Millis(NOW.0 + 11)), ..message };
        assert_eq!(again, expected);
    }

    async fn only_who_knows_the_newest_change_may_add_one(place: &Place) {
        send(place, 1, &[]).await;
        // The first change has none before it, whatever its author says.
        changed(place.message_edit(&edit(1, "one", 10, Some(9))).await.unwrap());
        for previous in [None, Some(9)] {
            assert_eq!(place.message_edit(&edit(1, "one", 11, previous)).await.unwrap(), Edited::Inconsistent);
        }
        assert_eq!(place.message_edit(&edit(1, "two", 11, Some(10))).await.unwrap(), Edited::NotFound);
        assert_eq!(place.message_edit(&edit(2, "one", 11, None)).await.unwrap(), Edited::NotFound);
        let outcomes = race(place, 20, |db, index| async move {
            db.message_edit(&edit(1, "one", 20 + index as u64, Some(10))).await.unwrap()
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            outcomes.await.into_iter().partition(|outcome| matches!(outcome, Edited::Edited(_)));
        assert_eq!((won.len(), lost), (1, vec![Edited::Inconsistent; 19]));
    }

    async fn an_answer_is_moved_to_what_is_there(place: &Place) {
        for id in 1..=3 {
            send(place, id, &[]).await;
        }
        changed(place.message_edit(&deletion(3, "one", 10, None)).await.unwrap());
        for parent in [1, 3, 4] {
            let moved = MessageEdit { parent: Some(message_id(parent)), ..edit(1, "one", 11, None) };
            assert_eq!(place.message_edit(&moved).await.unwrap(), Edited::InvalidParent, "{parent}");
        }
        let moved = MessageEdit { parent: Some(message_id(2)), ..edit(1, "one", 11, None) };
        assert_eq!(changed(place.message_edit(&moved).await.unwrap()).parent, Some(message_id(2)));
    }

    async fn a_deleted_message_is_hidden_and_restored(place: &Place) {
        uploaded(place, 7, "one").await;
        let sent = send(place, 1, &[7]).await;
        let deleted = changed(place.message_edit(&deletion(1, "one", 10, None)).await.unwrap());
        let at = Some(Millis(NOW.0 + 10));
        assert_eq!((deleted.deleted, deleted.edited, &deleted.content), (at, at, &sent.content));
        assert_eq!(place.log(&room("one"), 10, None).await.unwrap(), []);
        assert_eq!(place.message(&room("one"), message_id(1)).await.unwrap(), Some(deleted));
        let answer = NewMessage { parent: Some(message_id(1)), ..message(2, "one", "anna", &[]) };
        assert_eq!(place.message_send(&answer).await.unwrap(), Sent::InvalidParent);
        // The time to restore it does not begin anew.
        let again = changed(place.message_edit(&deletion(1, "one", 11, Some(10))).await.unwrap());
        assert_eq!((again.deleted, again.edited), (at, Some(Millis(NOW.0 + 11))));
        let restored = changed(place.message_edit(&edit(1, "one", 12, Some(11))).await.unwrap());
        assert_eq!((restored.deleted, &restored.attachments), (None, &sent.attachments));
        assert_eq!(place.log(&room("one"), 10, None).await.unwrap(), [restored]);
    }

    async fn a_chat_server_deletes_whatever_was_changed(place: &Place) {
        send(place, 1, &[]).await;
        changed(place.message_edit(&edit(1, "one", 10, None)).await.unwrap());
        let delete = async |room_name: &str, edit| {
            place.message_delete(&room(room_name), message_id(1), edit_id(edit), NOW).await.unwrap()
        };
        assert_eq!(delete("two", 11).await, Deleted::NotFound);
        assert_eq!(delete("one", 11).await, Deleted::Now { previous: Some(edit_id(10)) });
        let deleted = place.message(&room("one"), message_id(1)).await.unwrap().unwrap();
        assert_eq!((deleted.edit, deleted.deleted, deleted.edited), (Some(edit_id(11)), Some(NOW), Some(NOW)));
        assert_eq!(delete("one", 12).await, Deleted::Before, "once is enough");
        assert_eq!(place.message(&room("one"), message_id(1)).await.unwrap(), Some(deleted));
    }

    async fn a_sealed_message_is_changed_under_a_key_that_is_there(place: &Place) {
        let epoch = private(place, "den").await;
        let content = Content::Sealed(sealed(1, "first", Rest::There(vec![1; 10_000])));
        place.message_send(&NewMessage { epoch, content, ..message(1, "den", "anna", &[]) }).await.unwrap();
        place.room_key_add(&room("den"), &room_key(2)).await.unwrap();
        let to = |key| Some(Content::Sealed(sealed(key, "second", Rest::None)));
        let under = |key| MessageEdit { epoch, content: to(key), ..edit(1, "den", 10, None) };
        assert_eq!(place.message_edit(&under(3)).await.unwrap(), Edited::Inconsistent);
        assert_eq!(Some(changed(place.message_edit(&under(2)).await.unwrap()).content), to(2));
        assert_eq!(Some(place.message(&room("den"), message_id(1)).await.unwrap().unwrap().content), to(2));
    }
}
