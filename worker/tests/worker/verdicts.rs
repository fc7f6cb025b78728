//! Which end of an attempt is told as what.

use crate::{
    corpus::{photo, real_child},
    scene::{Scene, Terms, original},
};
use heim_common::{
    job::{Reason, Verdict},
    spec::OutputType,
};
use std::fs;

async fn verdict(file: &[u8], change: impl FnOnce(&mut Terms)) -> Verdict {
    let scene = Scene::set(file, change).await;
    scene.play().await;
    let verdicts = scene.coordinator.verdicts();
    assert_eq!(verdicts.len(), 1, "{verdicts:?}");
    verdicts[0]
}

#[tokio::test]
async fn a_file_that_is_no_picture_is_discarded() {
    let end = verdict(b"hello, I am called cat.png", |terms| terms.children = real_child()).await;
    assert_eq!(end, Verdict::Discard { reason: Reason::UnsupportedType });
}

#[tokio::test]
async fn what_this_build_cannot_write_is_left_to_another_and_the_rest_is_made() {
    let scene = Scene::set(&photo("j8_iphone6_420.jpg"), |terms| {
        terms.children = real_child();
        terms.claim.transcodings[0].spec.content_type = OutputType::Avif;
    })
    .await;
    scene.play().await;
    let written = scene.coordinator.hooks().into_iter().map(|hook| hook.content_type).collect::<Vec<_>>();
    if heim_pixels::can_write(OutputType::Avif) {
        assert_eq!(written, ["image/avif", "image/webp", "image/webp", "image/webp"]);
        assert_eq!(scene.coordinator.verdicts(), [Verdict::Done]);
    } else {
        assert_eq!(written, ["image/webp"; 3]);
        let left = Verdict::Snooze { after_ms: 5_000, reason: Some(Reason::UnsupportedOutput) };
        assert_eq!(scene.coordinator.verdicts(), [left]);
    }
}

#[tokio::test]
async fn a_file_that_hangs_its_child_is_discarded() {
    let end = verdict(b"hang", |terms| terms.claim.deadline_ms = 100).await;
    assert_eq!(end, Verdict::Discard { reason: Reason::TooCostly });
}

#[tokio::test]
async fn a_dead_child_is_tried_again() {
    assert_eq!(verdict(b"abort", |_| {}).await, Verdict::Retry { reason: Reason::ChildDied });
    assert_eq!(verdict(b"signal 15\nhang", |_| {}).await, Verdict::Retry { reason: Reason::Internal });
}

#[tokio::test]
async fn an_original_that_is_not_there_as_it_should_be_is_lost() {
    let lost = Verdict::Discard { reason: Reason::OriginalLost };
    assert_eq!(verdict(b"work 4", |terms| terms.claim.media.size += 1).await, lost);
    let scene = Scene::set(b"work 4", |_| {}).await;
    scene.store.delete(&original()).await.unwrap();
    scene.play().await;
    assert_eq!(scene.coordinator.verdicts(), [lost]);
}

#[tokio::test]
async fn an_original_of_another_sha256_reaches_no_child_and_is_fetched_again() {
    // The claim of an earlier coordinator does not say it: that one is carried out.
    assert_eq!(verdict(b"work 4", |terms| terms.claim.media.sha256 = None).await, Verdict::Done);
    // In the last of many chunks, too.
    for file in [b"work 4\n".to_vec(), [&b"work 4\n"[..], &vec![b'\n'; 1 << 20]].concat()] {
        let scene = Scene::set(&file, |_| {}).await;
        let mut stored = file.clone();
        *stored.last_mut().unwrap() ^= 1;
        fs::write(scene.file(&original()), stored).unwrap();
        scene.play().await;
        let again = Verdict::Retry { reason: Reason::OriginalAltered };
        assert_eq!((scene.coordinator.verdicts(), scene.coordinator.hooks().len()), (vec![again], 0));
        fs::write(scene.file(&original()), file).unwrap();
        scene.play().await;
        assert_eq!((scene.coordinator.verdicts(), scene.coordinator.hooks().len()), (vec![again, Verdict::Done], 4));
    }
}

#[tokio::test]
async fn an_original_has_a_bound_at_and_past_the_edge() {
    assert_eq!(verdict(b"work 4", |terms| terms.config.original_bytes_max = 6).await, Verdict::Done);
    let past = verdict(b"work 4", |terms| terms.config.original_bytes_max = 5).await;
    assert_eq!(past, Verdict::Discard { reason: Reason::TooCostly });
}

#[tokio::test]
async fn a_hook_that_is_refused_for_good_is_not_called_again() {
    for (answer, expected) in [
        ((409, "transcoding-conflict"), Verdict::Retry { reason: Reason::Internal }),
        ((400, "invalid-json"), Verdict::Retry { reason: Reason::Internal }),
        ((404, "media-not-found"), Verdict::Discard { reason: Reason::OriginalLost }),
    ] {
        let scene = Scene::set(b"work 4", |_| {}).await;
        scene.coordinator.answer("register", &[], Some(answer));
        scene.play().await;
        assert_eq!(scene.coordinator.hooks().len(), 1);
        assert_eq!(scene.coordinator.verdicts(), [expected]);
    }
}

#[tokio::test]
async fn a_hook_that_stays_unavailable_hands_the_job_back() {
    let scene = Scene::set(b"work 4", |terms| terms.config.persistence_ms = 500).await;
    scene.coordinator.answer("register", &[], Some((503, "unavailable")));
    scene.play().await;
    assert!(scene.coordinator.hooks().len() > 1);
    assert_eq!(
        scene.coordinator.verdicts(),
        [Verdict::Snooze { after_ms: 5_000, reason: Some(Reason::CoordinatorUnavailable) }]
    );
}

#[tokio::test]
async fn a_stop_gives_its_grace_and_then_hands_the_job_back() {
    let scene = Scene::set(b"work 1\nhang", |terms| terms.config.grace_ms = 2_200).await;
    let stop = async {
        scene.call_of("register").await;
        scene.stop.cancel();
    };
    tokio::join!(scene.play(), stop);
    assert_eq!(scene.coordinator.verdicts(), [Verdict::Snooze { after_ms: 0, reason: None }]);
}

#[tokio::test]
async fn a_child_that_dies_while_the_worker_stops_costs_no_attempt() {
    let scene = Scene::set(b"abort", |_| {}).await;
    // The claim is under way when the stop comes: it is not dropped.
    let gate = scene.coordinator.gate.write().await;
    let stop = async {
        scene.call_of("claim").await;
        scene.stop.cancel();
        drop(gate);
    };
    tokio::join!(scene.play(), stop);
    assert_eq!(scene.coordinator.verdicts(), [Verdict::Snooze { after_ms: 0, reason: None }]);
}

#[tokio::test]
async fn a_stopping_worker_claims_nothing() {
    let scene = Scene::set(b"work 4", |_| {}).await;
    scene.stop.cancel();
    scene.play().await;
    assert!(scene.coordinator.calls("claim").is_empty());
}
