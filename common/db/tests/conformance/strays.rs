//! What does not fit together between the store and the rows.

use crate::{
    given::{claimed, media_id, registration, room, uploaded},
    place::{on_both, race},
};
use heim_common::{job::Reason, media::MediaState};
use heim_db::{Expired, Named, Registered, Remedy, StrayKind};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

on_both! {
    async fn a_stray_is_told_when_it_was_found_long_ago(place: &Place) {
        let (orphan, all) = (StrayKind::Orphan, names(&["b", "a", "b"]));
        assert!(place.strays_note(orphan, &[], DAY).await.unwrap().is_empty());
        assert!(place.strays_note(orphan, &all, DAY).await.unwrap().is_empty(), "seen for the first time");
        let old = race(place, 4, |db, _| async move {
            db.strays_note(StrayKind::Orphan, &names(&["a", "b"]), Duration::ZERO).await.unwrap()
        });
        assert!(old.await.iter().all(|old| old.len() == 2));
        place.strays_note(StrayKind::Unfinished, &names(&["c"]), DAY).await.unwrap();
        assert_eq!(place.strays_count(orphan).await.unwrap(), 2);
        place.strays_forget(&names(&["a", "never"])).await.unwrap();
        assert_eq!(place.strays_count(orphan).await.unwrap(), 1);
        place.strays_note(orphan, &names(&["a", "b"]), DAY).await.unwrap();
        assert_eq!(place.strays_count(orphan).await.unwrap(), 2, "it begins anew");
    }

    async fn what_was_not_found_again_is_forgotten(place: &Place) {
        let orphan = StrayKind::Orphan;
        place.strays_note(orphan, &names(&["a", "b"]), DAY).await.unwrap();
        place.strays_note(StrayKind::Unfinished, &names(&["c"]), DAY).await.unwrap();
        let first = place.now().await.unwrap();
        let mut began = first;
        while began == first {
            began = place.now().await.unwrap();
        }
        place.strays_note(orphan, &names(&["b"]), DAY).await.unwrap();
        place.strays_trim(orphan, began).await.unwrap();
        assert_eq!(place.strays_note(orphan, &names(&["b"]), Duration::ZERO).await.unwrap().len(), 1);
        assert_eq!(place.strays_count(orphan).await.unwrap(), 1);
        assert_eq!(place.strays_count(StrayKind::Unfinished).await.unwrap(), 1);
    }

    async fn a_lost_transcoding_is_made_again_and_a_lost_original_is_a_failure(place: &Place) {
        claimed(place, 1, "one", DAY).await;
        assert!(place.holdings(&[media_id(1)]).await.unwrap()[&media_id(1)].is_worked_on);
        let made = registration(1, "one", 0, 1);
        assert!(matches!(place.transcoding_register(&made).await.unwrap(), Registered::New { .. }));
        uploaded(place, 2, "one").await;
        let rows = place.transcodings_page(None, 2).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.media).collect::<Vec<_>>(), [media_id(1); 2]);
        assert_eq!(place.transcodings_page(Some(&rows[1]), 9).await.unwrap().len(), 1);
        let [original, thumb] = ["original", made.transcoding.name.as_str()].map(|name| {
            rows.iter().find(|row| row.name == name).cloned().unwrap()
        });
        let other = Named { key: original.key.clone(), ..thumb.clone() };
        assert_eq!(place.transcoding_lost(&other).await.unwrap(), Remedy::Nothing, "the row names another object");
        assert_eq!(place.transcoding_lost(&thumb).await.unwrap(), Remedy::MadeAgain);
        assert_eq!(place.transcoding_lost(&thumb).await.unwrap(), Remedy::Nothing);
        let lost = place.transcoding_lost(&original).await.unwrap();
        assert!(matches!(&lost, Remedy::Failed(Expired::Failed { media, room: of, .. })
            if *media == media_id(1) && *of == room("one")), "{lost:?}");
        assert_eq!(place.transcoding_lost(&original).await.unwrap(), Remedy::Nothing, "told once");
        let media = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((media.state, media.failure), (MediaState::Failed, Some(Reason::OriginalLost)));
    }
}
