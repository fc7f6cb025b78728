//! Whole jobs: what is stored, what is told, and what a lost lease does.

use crate::{
    corpus::{PHOTO, photo, real_child},
    fake_coordinator::Call,
    scene::{JOB, MEDIA, Scene},
};
use heim_common::{JobRef, job::Verdict};
use std::time::Duration;

#[tokio::test]
async fn a_photo_is_stored_and_registered_smallest_first_under_its_fence() {
    let scene = Scene::set(&photo(PHOTO), |terms| terms.children = real_child()).await;
    scene.play().await;
    let hooks = scene.coordinator.hooks();
    let names: Vec<_> = hooks.iter().map(|hook| hook.name.to_string()).collect();
    assert_eq!(names, ["thumb-160", "thumb-320", "thumb-640", "preview-1280"]);
    for hook in &hooks {
        assert_eq!((hook.media_id.to_string().as_str(), hook.content_type.as_str()), (MEDIA, "image/webp"));
        assert_eq!(hook.version, heim_pixels::ENGINE_VERSION);
        let key = heim_common::key::ObjectKey::transcoding(hook.media_id, &hook.name, hook.version);
        assert_eq!(scene.store.size(&key, false).await.unwrap(), Some(hook.size));
    }
    let description = hooks[0].description.as_ref().unwrap();
    assert_eq!((description.width, description.height), (4032, 3024));
    for Call { of, headers, .. } in scene.coordinator.calls("register") {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(
            (of.as_str(), header("x-heim-job").as_str(), header("x-heim-fence").as_str()),
            ("welcome", JOB, "7")
        );
    }
    for kind in ["claim", "register", "finish"] {
        let calls = scene.coordinator.calls(kind);
        assert!(calls.iter().all(|call| call.headers["authorization"] == "Basic d29ya2VyOmh1bnRlcjI="));
    }
    assert_eq!(scene.coordinator.verdicts(), [Verdict::Done]);
}

#[tokio::test]
async fn what_is_not_ours_is_forgotten() {
    for answer in [(409, "not-yours"), (404, "not-found")] {
        let scene = Scene::set(b"work 4", |_| {}).await;
        scene.coordinator.answer("claim", &[answer], None);
        scene.play().await;
        assert_eq!(scene.coordinator.calls("claim").len(), 1);
        assert!(scene.coordinator.hooks().is_empty() && scene.coordinator.verdicts().is_empty());
    }
}

#[tokio::test]
async fn a_hook_that_is_told_the_lease_is_lost_ends_the_job_without_a_word() {
    let scene = Scene::set(b"work 4", |_| {}).await;
    scene.coordinator.answer("register", &[(200, ""), (409, "lease-lost")], None);
    scene.play().await;
    assert_eq!(scene.coordinator.hooks().len(), 2);
    assert_eq!(scene.coordinator.verdicts(), []);
}

#[tokio::test]
async fn faults_of_the_coordinator_are_borne() {
    let scene = Scene::set(b"work 4", |_| {}).await;
    scene.coordinator.answer("claim", &[(503, "unavailable")], None);
    scene.coordinator.answer("register", &[(500, ""), (502, "")], None);
    scene.coordinator.answer("finish", &[(500, "")], None);
    scene.play().await;
    assert_eq!(scene.coordinator.calls("claim").len(), 2);
    let names: Vec<_> = scene.coordinator.hooks().iter().map(|hook| hook.name.to_string()).collect();
    assert_eq!(names, ["thumb-160", "thumb-160", "thumb-160", "thumb-320", "thumb-640", "preview-1280"]);
    assert_eq!(scene.coordinator.verdicts(), [Verdict::Done, Verdict::Done]);
}

#[tokio::test]
async fn a_lease_is_kept_while_the_child_works() {
    let scene = Scene::set(b"work 1\nhang", |terms| {
        terms.claim.lease_ms = 300;
        terms.claim.deadline_ms = 1_500;
    })
    .await;
    scene.play().await;
    assert!(scene.coordinator.calls("heartbeat").len() >= 4);
    assert_eq!(scene.coordinator.verdicts().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_kept_while_the_workers_runtime_stands_still() {
    let scene = Scene::set(b"work 1\nhang", |terms| {
        terms.claim.lease_ms = 600;
        terms.claim.deadline_ms = 5_000;
    })
    .await;
    let (bench, job) = (scene.bench.clone(), JobRef::new(JOB.parse().unwrap()));
    let coordinator = scene.coordinator.clone();
    let worker = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let job = tokio::spawn(async move { bench.transcode(job).await });
            while coordinator.calls("register").is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let before = coordinator.calls("heartbeat").len();
            // Three leases long.
            std::thread::sleep(Duration::from_millis(1_800));
            let beats = coordinator.calls("heartbeat").len() - before;
            job.await.unwrap();
            beats
        })
    });
    let beats = tokio::task::spawn_blocking(move || worker.join().unwrap()).await.unwrap();
    assert!(beats >= 4, "only {beats} heartbeats in three leases");
    assert_eq!(scene.coordinator.verdicts().len(), 1, "the job was held to its end");
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_asked_for_under_the_same_nonce() {
    let scene = Scene::set(b"work 4", |_| {}).await;
    scene.coordinator.answer("claim", &[(502, ""), (503, "unavailable")], None);
    scene.play().await;
    let nonces: Vec<_> = scene.coordinator.calls("claim").iter().map(|call| call.body["nonce"].clone()).collect();
    assert!(nonces.len() == 3 && nonces[0].is_i64() && nonces.iter().all(|nonce| *nonce == nonces[0]), "{nonces:?}");
    scene.play().await;
    let calls = scene.coordinator.calls("claim");
    assert_ne!(calls[3].body["nonce"], nonces[0], "another job, another nonce");
}

#[tokio::test]
async fn a_lost_lease_takes_the_file_from_the_child() {
    let scene = Scene::set(b"work 1\nhang", |terms| terms.claim.lease_ms = 300).await;
    scene.coordinator.answer("heartbeat", &[(200, ""), (409, "lease-lost")], None);
    scene.play().await;
    assert_eq!(scene.coordinator.calls("heartbeat").len(), 2);
    assert_eq!((scene.coordinator.hooks().len(), scene.coordinator.verdicts().len()), (1, 0));
}

#[tokio::test]
async fn a_coordinator_that_goes_away_ends_the_lease_by_the_clock() {
    let scene = Scene::set(b"work 1\nhang", |terms| terms.claim.lease_ms = 600).await;
    let play = async {
        scene.play().await;
        assert_eq!(scene.coordinator.verdicts(), []);
    };
    let leave = async {
        scene.call_of("register").await;
        scene.coordinator.go_away().await;
    };
    tokio::join!(play, leave);
}

#[tokio::test]
async fn a_claim_that_is_heard_late_is_asked_for_again_and_has_a_fresh_lease() {
    let scene = Scene::set(b"work 4", |terms| terms.claim.lease_ms = 2_000).await;
    let gate = scene.coordinator.gate.write().await;
    let late = async {
        scene.call_of("claim").await;
        // As long as the lease: by this side's clock nothing is left of it.
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(gate);
    };
    tokio::join!(scene.play(), late);
    let nonces: Vec<_> = scene.coordinator.calls("claim").iter().map(|call| call.body["nonce"].clone()).collect();
    assert!(nonces.len() > 1 && nonces.iter().all(|nonce| *nonce == nonces[0]), "{nonces:?}");
    assert_eq!(scene.coordinator.verdicts(), [Verdict::Done]);
}
