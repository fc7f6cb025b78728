//! What lanes did day by day: each end in one day, once, whoever counts and however often.

use crate::{
    given::{ATTEMPTS, at_once, claimed, job_id},
    place::{Place, on_both, race},
};
use heim_common::{
    Millis,
    job::{Lane, Verdict},
};
use heim_db::{DAYS_MAX, Database, LaneDay};
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;

/// So many attempts of a lane ended like this, so many days before today, in the middle
/// of the day.
async fn ended(place: &Place, days_ago: i64, lane: &str, verdict: &str, n: i64) {
    let at = (today(place).await - days_ago) * DAY_MS + DAY_MS / 2;
    for n in 0..n {
        let key = format!("coalesce(max(job), 1000) + 1, {n}");
        place
            .sql(&format!(
                "INSERT INTO attempt (job, fence, media_id, room, lane, worker, began, waited, ended, verdict)
                 SELECT {key}, 1, 'one', '{lane}', 'w', {at}, 0, {at}, '{verdict}' FROM attempt"
            ))
            .await;
    }
}

async fn today(db: &Database) -> i64 {
    db.now().await.unwrap().0 / DAY_MS
}

/// What is known of a lane in the last days, the first one first: done and failed.
async fn days(db: &Database, lane: Lane, days: u16) -> Vec<(u64, u64)> {
    let all = db.lane_days(days).await.unwrap();
    let of_lane: Vec<_> = all.iter().filter(|day| day.lane == lane).collect();
    let last = today(db).await * DAY_MS;
    for (place, day) in of_lane.iter().rev().enumerate() {
        assert_eq!(day.from, Millis(last - i64::try_from(place).unwrap() * DAY_MS), "{all:?}");
    }
    of_lane.iter().map(|LaneDay { done, failed, .. }| (*done, *failed)).collect()
}

/// Counts what is over; returns how many days that were.
async fn count(db: &Database) -> u32 {
    let mut counted = 0;
    while db.day_count().await.unwrap() {
        counted += 1;
    }
    counted
}

async fn forget_attempts(db: &Database) -> u64 {
    db.attempts_trim(Duration::ZERO).await.unwrap()
}

on_both! {
    async fn a_day_is_the_same_before_and_after_it_is_counted_and_its_attempts_are_gone(place: &Place) {
        assert_eq!(days(place, Lane::Interactive, 90).await, [(0, 0)], "nothing is known but that today nothing was");
        assert_eq!(count(place).await, 0);
        let claim = claimed(place, 1, "one", Duration::from_mins(1)).await;
        let gone = Verdict::Discard { reason: heim_common::job::Reason::Damaged };
        place.job_finish(job_id(1), claim.fence, gone, &ATTEMPTS, &at_once).await.unwrap();
        for (days_ago, lane, verdict, n) in [
            (4, "interactive", "done", 3),
            (4, "interactive", "discard", 2),
            (4, "interactive", "retry", 5),
            (4, "bulk", "done", 1),
            (2, "interactive", "done", 7),
            (2, "of-a-later-release", "done", 1),
            (2, "interactive", "snooze", 1),
        ] {
            ended(place, days_ago, lane, verdict, n).await;
        }
        let expected = [(3, 2), (0, 0), (7, 0), (0, 0), (0, 1)];
        let of_bulk = [(1, 0), (0, 0), (0, 0), (0, 0), (0, 0)];
        let agree = async |when: &str| {
            assert_eq!(days(place, Lane::Interactive, 90).await, expected, "{when}");
            assert_eq!(days(place, Lane::Bulk, 5).await, of_bulk, "{when}");
            assert_eq!(days(place, Lane::Interactive, 3).await, expected[2..], "{when}");
        };
        agree("none is counted").await;
        assert_eq!(forget_attempts(place).await, 0, "no attempt goes before its day is counted");
        agree("nothing was forgotten").await;
        // Yesterday may end late.
        let counted = count(place).await;
        assert!((3..=4).contains(&counted), "{counted}");
        agree("all but today are counted").await;
        assert_eq!(count(place).await, 0, "a day is counted once");
        assert_eq!(forget_attempts(place).await, 20);
        agree("the attempts are gone").await;
        place.sql("UPDATE attempt SET ended = ended + 1 WHERE ended IS NOT NULL").await;
        agree("today is counted by its attempts").await;
    }

    async fn of_many_who_count_and_forget_at_once_each_end_is_counted_once(place: &Place) {
        for days_ago in 2..9 {
            ended(place, days_ago, "interactive", "done", days_ago).await;
            ended(place, days_ago, "bulk", "discard", 1).await;
        }
        race(place, 12, |db, index| async move {
            if index % 3 == 0 {
                forget_attempts(&db).await;
            }
            count(&db).await;
            forget_attempts(&db).await;
            assert_eq!(days(&db, Lane::Interactive, 9).await[..7], [8, 7, 6, 5, 4, 3, 2].map(|done| (done, 0)));
        })
        .await;
        assert_eq!(days(place, Lane::Bulk, 9).await[..7], [(0, 1); 7]);
        assert_eq!(days(place, Lane::Backfill, 9).await[..], [(0, 0); 9]);
    }

    async fn a_pause_of_years_is_days_of_nothing_and_no_more_rows_than_are_told(place: &Place) {
        ended(place, 2_000, "interactive", "done", 4).await;
        ended(place, 300, "interactive", "done", 1).await;
        count(place).await;
        let all = days(place, Lane::Interactive, u16::MAX).await;
        assert_eq!((all.len(), all.iter().map(|(done, _)| done).sum::<u64>()), (usize::from(DAYS_MAX), 1));
        assert_eq!(all[all.len() - 301], (1, 0));
        // Later, a year of it is old.
        place.sql("UPDATE lane_day SET day = day - 400").await;
        count(place).await;
        let rows = place.lane_days(u16::MAX).await.unwrap();
        assert_eq!(rows.len(), usize::from(DAYS_MAX) * Lane::ALL.len());
        let bound = i64::from(DAYS_MAX) + 2;
        let old = format!("DELETE FROM lane_day WHERE day < {} - {bound}", today(place).await);
        let old = sea_orm::ConnectionTrait::execute_unprepared(&place.raw().await, &old).await.unwrap();
        assert_eq!(old.rows_affected(), 0, "what is old is gone already");
    }
}
