//! Events are seen in the order of their numbers, and none is missed.

use crate::{
    given::{media_id, registration, uploaded},
    place::{on_both, race},
};
use heim_common::{Millis, spec::TranscodingName};
use heim_db::Registered;
use std::time::Duration;

on_both! {
    async fn events_are_read_page_by_page(place: &Place) {
        for id in 1..=5 {
            uploaded(place, id, "one").await;
        }
        let page = place.events_since(0, 3).await.unwrap();
        assert_eq!(page.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!((page[0].room.as_str(), page[0].media, &page[0].name), ("one", media_id(1), &TranscodingName::original()));
        assert_eq!(place.events_since(3, 100).await.unwrap().len(), 2);
        assert_eq!(place.events_since(5, 100).await.unwrap(), []);
        assert_eq!(place.events_last().await.unwrap(), 5);
    }

    async fn who_reads_along_misses_nothing(place: &Place) {
        for id in 1..=40 {
            uploaded(place, id, "one").await;
        }
        let start = place.events_last().await.unwrap();
        // Forty write; ten follow until they have seen what all of them wrote.
        let ended = race(place, 50, |db, index| async move {
            if index < 40 {
                let registered = db.transcoding_register(&registration(index as u64 + 1, "one", 0, 1)).await.unwrap();
                let Registered::New { seq } = registered else { panic!("{registered:?}") };
                return vec![seq];
            }
            let (mut last, mut seen) = (start, Vec::new());
            while seen.len() < 40 {
                for event in db.events_since(last, 7).await.unwrap() {
                    last = event.seq;
                    seen.push(event.seq);
                }
            }
            seen
        });
        // A reader that missed one would read for ever.
        let mut ended = tokio::time::timeout(Duration::from_mins(1), ended).await.unwrap();
        let readers = ended.split_off(40);
        let mut written = ended.concat();
        written.sort_unstable();
        for seen in readers {
            assert_eq!(seen, written);
        }
    }

    async fn old_events_are_forgotten_and_their_numbers_not_used_again(place: &Place) {
        uploaded(place, 1, "one").await;
        assert_eq!(place.events_trim(Millis(0)).await.unwrap(), 0);
        assert_eq!(place.events_trim(Millis(i64::MAX)).await.unwrap(), 1);
        assert_eq!(place.events_since(0, 10).await.unwrap(), []);
        uploaded(place, 2, "one").await;
        assert_eq!(place.events_last().await.unwrap(), 2);
    }
}
