//! Events are seen in the order of their numbers, and none is missed.

use crate::{
    given::{ATTEMPTS, LEASE, at_once, created, job_id, media_id, two_specs, upload, uploaded},
    place::{on_both, race},
};
use heim_common::{
    Millis,
    job::{Reason, Verdict},
    spec::{SPECS_MAX, TranscodingName, TranscodingSpec},
};
use heim_db::{Finished, Uploaded};
use std::time::Duration;

fn many_specs() -> Vec<TranscodingSpec> {
    let spec = |index| TranscodingSpec { name: format!("thumb-{index}").parse().unwrap(), ..two_specs()[0].clone() };
    (0..SPECS_MAX).map(spec).collect()
}

on_both! {
    async fn events_are_read_page_by_page(place: &Place) {
        for id in 1..=5 {
            uploaded(place, id, "one").await;
        }
        let page = place.events_since(0, 3).await.unwrap();
        assert_eq!(page.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
        let first = (page[0].room.as_str(), page[0].media, &page[0].name);
        assert_eq!(first, ("one", media_id(1), &TranscodingName::original()));
        assert_eq!(place.events_since(3, 100).await.unwrap().len(), 2);
        assert_eq!(place.events_since(5, 100).await.unwrap(), []);
        assert_eq!(place.events_last().await.unwrap(), 5);
    }

    async fn who_reads_along_misses_nothing(place: &Place) {
        for id in 1..=20 {
            created(place, id, "one", "anna").await;
            place.media_uploaded(&Uploaded { specs: many_specs(), ..upload(id) }).await.unwrap();
            place.job_claim(job_id(id), "worker", 1, LEASE).await.unwrap().unwrap();
        }
        let start = place.events_last().await.unwrap();
        // Twenty give up, with many events each, whose numbers interleave; ten
        // follow until they have seen what all of them wrote.
        let ended = race(place, 30, |db, index| async move {
            if index < 20 {
                let discard = Verdict::Discard { reason: Reason::Damaged };
                let job = job_id(index as u64 + 1);
                let ended = db.job_finish(job, 1, discard, &ATTEMPTS, &at_once).await.unwrap();
                let Finished::GaveUp(given_up) = ended else { panic!("{ended:?}") };
                return given_up.events.into_iter().map(|(_, seq)| seq).collect();
            }
            let (mut last, mut seen) = (start, Vec::new());
            while seen.len() < 20 * many_specs().len() {
                for event in db.events_since(last, 100).await.unwrap() {
                    last = event.seq;
                    seen.push(event.seq);
                }
            }
            seen
        });
        // A reader that missed one would read for ever.
        let mut ended = tokio::time::timeout(Duration::from_mins(1), ended).await.unwrap();
        let readers = ended.split_off(20);
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
