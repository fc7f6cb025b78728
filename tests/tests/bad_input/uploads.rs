//! Uploads whose body is not what it should be.

use crate::aftermath::{Scene, still_serves};
use heim_common::media::MediaState;
use heim_tests::{
    corpus,
    raw::{Raw, upload_head},
    sharing::finished,
    truth,
    web::{Web, answer},
};
use serde_json::json;

#[tokio::test]
async fn an_empty_body() {
    let scene = Scene::new().await;
    let empty = Web::default().uploading(&scene.handle).header("Content-Length", "0");
    assert_eq!(answer(empty).await.refusal(), (400, "empty-upload".into()));
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_all_of_it_came() {
    let scene = Scene::with(&[("limits.upload_bytes_max", "500000")]).await;
    assert_eq!(scene.handle.max_size, 500_000);
    let mut raw = Raw::connect(scene.heim.base()).await;
    let photo = corpus::read(corpus::PHOTO);
    assert!(photo.len() > 3_000_000);
    raw.write(upload_head(&scene.handle, &[("Content-Length", &photo.len().to_string())])).await;
    raw.write(&photo[..2_000_000]).await;
    let refused = raw.answer().await.expect("an answer although the body is still under way");
    assert_eq!(refused.refusal(), (413, "too-large".into()));
    scene.left_nothing().await;
}

#[tokio::test]
async fn a_body_of_the_limit_is_accepted_and_of_one_byte_more_is_not() {
    let photo = corpus::read(corpus::SMALL);
    let scene = Scene::with(&[("limits.upload_bytes_max", &photo.len().to_string())]).await;
    let web = Web::default();
    let one_more = [photo.as_slice(), b"x"].concat();
    let other = scene.ana.upload_handle().await;
    assert_eq!(web.upload(&other, one_more).await.refusal(), (413, "too-large".into()));
    assert_eq!(web.upload(&scene.handle, photo).await.status, 201);
    assert_eq!(finished(&scene.ana, scene.handle.id).await.state, MediaState::Ready);
    assert_eq!(scene.heim.stored().len(), 5, "and of the other nothing");
}

#[tokio::test]
async fn a_size_over_the_limit_that_is_declared_gets_no_handle() {
    let scene = Scene::new().await;
    let too_large = json!({ "size": (25 << 20) + 1 });
    assert_eq!(scene.ana.refused("media-upload", too_large).await, "media too large");
    scene.ana.command("media-upload", json!({ "size": 25 << 20 })).await;
    let refused = scene.ana.refused("media-upload", json!({ "content_type": "text/html" })).await;
    assert_eq!(refused, "media type not allowed");
    assert_eq!(truth::rows(&scene.heim.database().await).await.lines().count(), 2, "the two that were given");
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn no_length() {
    let scene = Scene::new().await;
    let web = Web::default();
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(corpus::read(corpus::SMALL))]);
    let chunked = web.uploading(&scene.handle).body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(answer(chunked).await.refusal(), (411, "length-required".into()));
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_length_that_is_longer_than_the_body() {
    let scene = Scene::new().await;
    let photo = corpus::read(corpus::SMALL);
    let mut raw = Raw::connect(scene.heim.base()).await;
    raw.write(upload_head(&scene.handle, &[("Content-Length", &(photo.len() + 1).to_string())])).await;
    raw.write(&photo).await;
    raw.finish().await;
    if let Some(refused) = raw.answer().await {
        assert_eq!(refused.refusal(), (400, "incomplete-upload".into()));
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_length_that_is_shorter_than_the_body() {
    let scene = Scene::new().await;
    let photo = corpus::read(corpus::PHOTO);
    let mut raw = Raw::connect(scene.heim.base()).await;
    raw.write(upload_head(&scene.handle, &[("Content-Length", "200000")])).await;
    raw.write(&photo[..400_000]).await;
    let first = raw.answer().await.expect("the part that was announced is an upload");
    assert_eq!(first.status, 201);
    let rest = String::from_utf8_lossy(&raw.closed().await).into_owned();
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 400 "), "the rest is no request: {rest}");
    let media = finished(&scene.ana, scene.handle.id).await;
    assert_eq!((media.state, media.size), (MediaState::Failed, Some(200_000)), "half a photo is a damaged one");
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn lengths_that_are_none() {
    let scene = Scene::new().await;
    let hundred = "100";
    for lengths in [vec!["abc"], vec!["-1"], vec!["99999999999999999999999"], vec![hundred, "200"]] {
        let headers: Vec<_> = lengths.iter().map(|length| ("Content-Length", *length)).collect();
        let mut raw = Raw::connect(scene.heim.base()).await;
        raw.write(upload_head(&scene.handle, &headers)).await;
        raw.write([0; 100]).await;
        let said = String::from_utf8_lossy(&raw.closed().await).into_owned();
        assert!(said.starts_with("HTTP/1.1 400 "), "{lengths:?}: {said}");
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_connection_that_is_cut_in_the_middle_and_the_upload_is_tried_again() {
    let scene = Scene::new().await;
    let photo = corpus::read(corpus::PHOTO);
    for part in [1, photo.len() / 2, photo.len() - 1] {
        let mut raw = Raw::connect(scene.heim.base()).await;
        raw.write(upload_head(&scene.handle, &[("Content-Length", &photo.len().to_string())])).await;
        raw.write(&photo[..part]).await;
        raw.cut();
    }
    heim_tests::until::until("the store is empty", async || scene.heim.stored().is_empty().then_some(())).await;
    assert_eq!(Web::default().upload(&scene.handle, photo).await.status, 201, "the handle was not used up");
    assert_eq!(finished(&scene.ana, scene.handle.id).await.state, MediaState::Ready);
    assert_eq!(scene.heim.stored().len(), 5);
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn a_body_that_stands_still() {
    let scene = Scene::with(&[("limits.body_idle_timeout_ms", "300")]).await;
    let photo = corpus::read(corpus::SMALL);
    let mut raw = Raw::connect(scene.heim.base()).await;
    raw.write(upload_head(&scene.handle, &[("Content-Length", &photo.len().to_string())])).await;
    raw.write(&photo[..1_000]).await;
    let refused = raw.answer().await.expect("an answer to what came");
    assert_eq!(refused.refusal(), (408, "body-timeout".into()));
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn an_encoded_body() {
    let scene = Scene::new().await;
    let request = Web::default().uploading(&scene.handle).header("Content-Encoding", "gzip");
    let refused = answer(request.body(corpus::read(corpus::SMALL))).await;
    assert_eq!(refused.refusal(), (415, "unsupported-encoding".into()));
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_second_upload() {
    let scene = Scene::new().await;
    let (web, photo) = (Web::default(), corpus::read(corpus::SMALL));
    assert_eq!(web.upload(&scene.handle, photo.clone()).await.status, 201);
    let same = web.upload(&scene.handle, photo.clone()).await;
    assert_eq!(same.refusal(), (409, "already-uploaded".into()));
    let other = web.upload(&scene.handle, corpus::read(corpus::PHOTO)).await;
    assert_eq!(other.refusal(), (409, "already-uploaded".into()));
    let media = finished(&scene.ana, scene.handle.id).await;
    assert_eq!((media.state, media.size), (MediaState::Ready, Some(photo.len() as u64)), "the first one counts");
    assert_eq!(scene.heim.stored().len(), 5);
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn many_uploads_by_one_handle_at_once() {
    let scene = Scene::new().await;
    let photo = corpus::read(corpus::PHOTO);
    let uploads = (0..6).map(|_| {
        let (handle, photo) = (scene.handle.clone(), photo.clone());
        tokio::spawn(async move { Web::default().upload(&handle, photo).await })
    });
    let mut statuses = Vec::new();
    for upload in uploads.collect::<Vec<_>>() {
        let answer = upload.await.unwrap();
        if answer.status != 201 {
            assert_eq!(answer.refusal(), (409, "already-uploaded".into()));
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(finished(&scene.ana, scene.handle.id).await.state, MediaState::Ready);
    heim_tests::until::until("only the winner is in the store", async || {
        (scene.heim.stored().len() == 5).then_some(())
    })
    .await;
    still_serves(scene.heim).await;
}
