//! A view of a media object is what was told of it up to its number: nothing
//! less, and nothing more.

use crate::{
    given::{
        ATTEMPTS, at_once, claimed, created, job_id, media_id, message, registration, room, stored, two_specs, upload,
        uploaded,
    },
    place::{on_both, race},
};
use heim_common::{
    job::{Reason, Verdict},
    media::MediaObject,
    spec::{SPECS_MAX, TranscodingName, TranscodingSpec},
};
use heim_db::{Registration, Uploaded};
use std::collections::BTreeSet;

fn names(object: &MediaObject) -> BTreeSet<String> {
    object.transcodings.iter().map(|transcoding| transcoding.name.to_string()).collect()
}

fn thumb(index: usize) -> TranscodingName {
    format!("thumb-{index}").parse().unwrap()
}

on_both! {
    async fn the_number_of_the_last_event_goes_with_the_object(place: &Place) {
        created(place, 1, "one", "anna").await;
        let seq = async || place.media(media_id(1)).await.unwrap().unwrap().seq;
        assert_eq!(seq().await, 0);
        place.media_uploaded(&upload(1)).await.unwrap();
        assert_eq!(seq().await, 1);
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        assert_eq!(seq().await, 2);
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        assert_eq!(seq().await, 2, "it was told before");
        place.transcoding_register(&registration(1, "one", 0, 2)).await.unwrap();
        assert_eq!(seq().await, 3);
        let fence = claimed(place, 2, "one", crate::given::LEASE).await.fence;
        let discard = Verdict::Discard { reason: Reason::Damaged };
        place.job_finish(job_id(2), fence, discard, &ATTEMPTS, &at_once).await.unwrap();
        let failed = place.media(media_id(2)).await.unwrap().unwrap();
        assert_eq!(failed.seq, place.events_last().await.unwrap(), "all of what will never be there");
    }

    async fn what_is_registered_between_two_reads_is_left_for_its_event(place: &Place) {
        uploaded(place, 1, "one").await;
        stored(place.message_send(&message(1, "one", "anna", &[1])).await.unwrap());
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        assert_eq!(names(&place.media(media_id(1)).await.unwrap().unwrap()).len(), 2);
        // As a reader sees it who read the object before the registration and
        // its transcodings after it.
        place.sql("UPDATE media_object SET seq = 1").await;
        let mut views = vec![place.media(media_id(1)).await.unwrap().unwrap()];
        views.extend(place.log(&room("one"), 1, None).await.unwrap().remove(0).attachments);
        for view in views {
            assert_eq!((view.seq, names(&view)), (1, BTreeSet::from(["original".to_owned()])));
        }
    }

    async fn readers_among_writers_see_just_what_was_told(place: &Place) {
        let spec = |index| TranscodingSpec { name: thumb(index), ..two_specs()[0].clone() };
        for id in 1..=2 {
            created(place, id, "one", "anna").await;
            let specs = (0..SPECS_MAX).map(spec).collect();
            place.media_uploaded(&Uploaded { specs, ..upload(id) }).await.unwrap();
        }
        stored(place.message_send(&message(1, "one", "anna", &[1, 2])).await.unwrap());
        let views = race(place, 12, |db, index| async move {
            let mut views = Vec::new();
            let id = index as u64 % 2 + 1;
            for round in 0..SPECS_MAX {
                if index < 4 {
                    // Two for each object, so that every second is told already.
                    let mut new = registration(id, "one", 0, 1);
                    new.transcoding.name = thumb(round);
                    db.transcoding_register(&Registration { room: room("one"), ..new }).await.unwrap();
                } else if index < 8 {
                    views.push(db.media(media_id(id)).await.unwrap().unwrap());
                } else {
                    views.extend(db.log(&room("one"), 1, None).await.unwrap().remove(0).attachments);
                }
            }
            views
        });
        let views = views.await.concat();
        let events = place.events_since(0, 1_000).await.unwrap();
        assert!(!views.is_empty());
        for view in views {
            let told = events.iter().filter(|event| event.media == view.id && event.seq <= view.seq);
            let told: BTreeSet<_> = told.map(|event| event.name.to_string()).collect();
            assert_eq!(names(&view), told, "{} up to {}", view.id, view.seq);
        }
    }
}
