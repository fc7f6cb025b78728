//! Messages and what is attached to them.

use crate::{
    given::{self, created, media_id, message, message_id, registration, room, stored, uploaded},
    place::{on_both, race},
};
use heim_common::media::MediaState;
use heim_db::{Content, Message, MessageRow, NewMessage, Sent};

/// What a message of a public room says.
fn text(message: &Message) -> &str {
    match &message.content {
        Content::Plain(text) => text,
        sealed @ Content::Sealed(_) => panic!("{sealed:?}"),
    }
}

on_both! {
    async fn a_message_carries_its_media_objects_in_order(place: &Place) {
        uploaded(place, 1, "one").await;
        created(place, 2, "one", "anna").await;
        let sent = stored(place.message_send(&message(10, "one", "anna", &[2, 1, 2])).await.unwrap());
        let states: Vec<_> = sent.attachments.iter().map(|media| (media.id, media.state)).collect();
        assert_eq!(states, [(media_id(2), MediaState::Created), (media_id(1), MediaState::Uploaded)]);
        assert_eq!(sent.attachments[1].transcodings.len(), 1);
        assert_eq!(place.message(&room("one"), message_id(10)).await.unwrap(), Some(sent.clone()));
        assert_eq!(place.message(&room("two"), message_id(10)).await.unwrap(), None);
        assert_eq!(place.log(&room("one"), 10, None).await.unwrap(), [sent]);
    }

    async fn only_ones_own_media_of_this_room_can_be_attached(place: &Place) {
        created(place, 1, "one", "anna").await;
        created(place, 2, "two", "anna").await;
        created(place, 3, "one", "bert").await;
        for attachments in [&[2][..], &[3], &[4], &[1, 4]] {
            let sent = place.message_send(&message(10, "one", "anna", attachments)).await.unwrap();
            assert_eq!(sent, Sent::MediaNotFound, "{attachments:?}");
        }
        assert_eq!(place.log(&room("one"), 10, None).await.unwrap(), []);
    }

    async fn an_answer_needs_a_message_of_this_room(place: &Place) {
        let answer = |id, to, room| NewMessage { parent: Some(message_id(to)), ..message(id, room, "anna", &[]) };
        stored(place.message_send(&message(10, "one", "anna", &[])).await.unwrap());
        assert_eq!(place.message_send(&answer(11, 9, "one")).await.unwrap(), Sent::InvalidParent);
        assert_eq!(place.message_send(&answer(11, 10, "two")).await.unwrap(), Sent::InvalidParent);
        let sent = stored(place.message_send(&answer(11, 10, "one")).await.unwrap());
        assert_eq!(sent.parent, Some(message_id(10)));
    }

    async fn the_log_is_read_page_by_page(place: &Place) {
        for id in 1..=7 {
            stored(place.message_send(&message(id, "one", "anna", &[])).await.unwrap());
        }
        stored(place.message_send(&message(8, "two", "anna", &[])).await.unwrap());
        let ids = |log: Vec<Message>| log.iter().map(|message| message.id.0.0).collect::<Vec<_>>();
        assert_eq!(ids(place.log(&room("one"), 3, None).await.unwrap()), [5, 6, 7]);
        assert_eq!(ids(place.log(&room("one"), 3, Some(message_id(5))).await.unwrap()), [2, 3, 4]);
        assert_eq!(ids(place.log(&room("one"), 3, Some(message_id(2))).await.unwrap()), [1]);
        assert_eq!(ids(place.log(&room("one"), 0, None).await.unwrap()), [0; 0]);
        assert_eq!(ids(place.log(&room("one"), u64::MAX, None).await.unwrap()).len(), 7);
    }

    async fn only_get_message_reads_a_long_message_whole(place: &Place) {
        let said = |id, content: &str| NewMessage { content: Content::Plain(content.to_owned()), ..message(id, "one", "anna", &[]) };
        // At the edge of what clients are shown, a byte more, and in characters
        // of several bytes.
        let contents = ["z".repeat(4_096), "z".repeat(4_097), "z".repeat(1 << 20), "€".repeat(4_096), "€".repeat(9_999)];
        for (id, content) in (1..).zip(&contents) {
            stored(place.message_send(&said(id, content)).await.unwrap());
            assert_eq!(text(&place.message(&room("one"), message_id(id)).await.unwrap().unwrap()), content);
        }
        let log = place.log(&room("one"), 10, None).await.unwrap();
        let cut: Vec<_> = log.iter().map(|message| text(message).len()).collect();
        assert_eq!(cut, [4_096, 4_097, 4_097, 3 * 4_096, 3 * 4_097]);
        for message in log {
            assert!(contents.iter().any(|content| content.starts_with(text(&message))));
            assert_eq!(place.message_cut(&room("one"), message.id).await.unwrap(), Some(message));
        }
        assert_eq!(place.message_cut(&room("two"), message_id(1)).await.unwrap(), None);
    }

    async fn messages_of_all_rooms_are_followed_by_id(place: &Place) {
        for (id, room) in [(3, "two"), (1, "one"), (2, "two"), (4, "one")] {
            stored(place.message_send(&message(id, room, "anna", &[])).await.unwrap());
        }
        let rows = place.messages_since(message_id(1), 2).await.unwrap();
        let by = given::session("anna", "").session_id;
        let row = |id| MessageRow { id: message_id(id), room: room("two"), by: by.clone() };
        assert_eq!(rows, [row(2), row(3)]);
        assert_eq!(place.messages_since(message_id(3), 2).await.unwrap().len(), 1);
        assert_eq!(place.messages_since(message_id(4), 2).await.unwrap(), []);
    }

    async fn no_transcoding_falls_between_a_message_and_its_event(place: &Place) {
        for id in 1..=20 {
            uploaded(place, id, "one").await;
        }
        // Of each pair one attaches and one registers. Whoever registers looks,
        // when its event goes out, whether the message is there to be updated.
        let ended = race(place, 40, |db, index| async move {
            let id = index as u64 % 20 + 1;
            if index < 20 {
                let sent = stored(db.message_send(&message(100 + id, "one", "anna", &[id])).await.unwrap());
                sent.attachments[0].transcodings.len() == 2
            } else {
                db.transcoding_register(&registration(id, "one", 0, 1)).await.unwrap();
                db.message(&room("one"), message_id(100 + id)).await.unwrap().is_some()
            }
        });
        let ended = ended.await;
        let (in_the_message, by_an_event) = ended.split_at(20);
        for (id, told) in in_the_message.iter().zip(by_an_event).enumerate() {
            assert!(*told.0 || *told.1, "the thumbnail of {} was lost", id + 1);
        }
    }
}
