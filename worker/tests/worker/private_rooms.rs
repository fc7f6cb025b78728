//! Jobs of private rooms: what is stored is encrypted, and what was altered is
//! found out.

use crate::{
    corpus::{PHOTO, photo, real_child},
    scene::{Scene, Terms, original},
};
use futures_util::TryStreamExt;
use heim_common::{
    ObjectSecret,
    job::{Reason, Verdict},
    key::ObjectKey,
};
use heim_store::StoreError;
use std::fs;

const SECRET: &[u8; 32] = b"planted-secret-of-a-media-object";

fn private(terms: &mut Terms) {
    terms.claim.secret = Some(ObjectSecret::new(*SECRET));
    terms.claim.media.sha256 = None;
}

async fn read(scene: &Scene, key: &ObjectKey, secret: &ObjectSecret) -> Result<Vec<u8>, StoreError> {
    Ok(scene.store.read(key, Some(secret), None).await?.try_collect::<Vec<_>>().await?.concat())
}

#[tokio::test]
async fn transcodings_of_a_private_photo_are_encrypted_and_open_with_its_secret() {
    let file = photo(PHOTO);
    let scene = Scene::set(&file, |terms| {
        private(terms);
        terms.children = real_child();
    })
    .await;
    scene.play().await;
    assert_eq!(scene.coordinator.verdicts(), [Verdict::Done]);
    let hooks = scene.coordinator.hooks();
    assert_eq!(hooks.len(), 4);
    for hook in hooks {
        let key = ObjectKey::transcoding(hook.media_id, &hook.name, hook.version);
        assert_eq!(scene.store.size(&key, true).await.unwrap(), Some(hook.size));
        let picture = read(&scene, &key, &ObjectSecret::new(*SECRET)).await.unwrap();
        assert!(picture.starts_with(b"RIFF") && picture[8..].starts_with(b"WEBP"));
        assert_eq!(picture.len() as u64, hook.size);
        assert!(read(&scene, &key, &ObjectSecret::new([7; 32])).await.unwrap_err().is_tampered());
        let stored = fs::read(scene.file(&key)).unwrap();
        assert!(!stored.windows(16).any(|window| window == &picture[..16] || window == &picture[picture.len() - 16..]));
    }
}

#[tokio::test]
async fn an_original_that_does_not_open_reaches_no_child_and_is_fetched_again() {
    let altered = [Verdict::Retry { reason: Reason::OriginalAltered }];
    let scene = Scene::set(b"work 4", private).await;
    let file = scene.file(&original());
    let mut stored = fs::read(&file).unwrap();
    *stored.last_mut().unwrap() ^= 1;
    fs::write(&file, stored).unwrap();
    scene.play().await;
    assert_eq!(scene.coordinator.verdicts(), altered);
    // In the clear, where the claim says that it is encrypted.
    let scene = Scene::set(b"work 4", private).await;
    fs::write(scene.file(&original()), b"work 4").unwrap();
    scene.play().await;
    assert_eq!(scene.coordinator.verdicts(), altered);
    assert!(scene.coordinator.hooks().is_empty());
}

#[tokio::test]
async fn a_large_original_that_was_altered_at_its_end_reaches_no_child() {
    let file = [&b"work 4\n"[..], &vec![b'\n'; 1 << 20]].concat();
    let scene = Scene::set(&file, private).await;
    let mut stored = fs::read(scene.file(&original())).unwrap();
    *stored.last_mut().unwrap() ^= 1;
    fs::write(scene.file(&original()), stored).unwrap();
    scene.play().await;
    assert_eq!(scene.coordinator.verdicts(), [Verdict::Retry { reason: Reason::OriginalAltered }]);
    assert!(scene.coordinator.hooks().is_empty());
}
