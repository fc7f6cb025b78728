//! Files that are no pictures, or none that can be shown.

use crate::aftermath::{Scene, still_serves};
use heim_common::{media::MediaState, wire::MediaView};
use heim_tests::{
    corpus,
    sharing::finished,
    web::{Web, answer},
};

/// Uploads what is accepted at first, since its beginning looks well.
async fn uploaded(scene: &Scene, bytes: Vec<u8>) -> MediaView {
    let answer = Web::default().upload(&scene.handle, bytes.clone()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let media = finished(&scene.ana, scene.handle.id).await;
    assert_eq!((media.state, media.size), (MediaState::Failed, Some(bytes.len() as u64)));
    assert_eq!(scene.heim.stored().len(), 1, "the original, and no half of a thumbnail");
    media
}

#[tokio::test]
async fn a_text_that_calls_itself_a_picture() {
    let scene = Scene::new().await;
    let request = Web::default().uploading(&scene.handle).header("Content-Type", "image/png");
    let refused = answer(request.body("hello, I am called cat.png and I am quite long for a text of this kind")).await;
    assert_eq!(refused.refusal(), (415, "type-not-allowed".into()));
    scene.left_nothing().await;
}

#[tokio::test]
async fn a_page_that_calls_itself_a_picture() {
    let scene = Scene::new().await;
    let request = Web::default().uploading(&scene.handle).header("Content-Type", "image/png");
    let refused = answer(request.body(corpus::read("hostile/confuse/html_named.png"))).await;
    assert_eq!(refused.refusal(), (415, "type-not-allowed".into()));
    scene.left_nothing().await;
}

#[tokio::test]
async fn files_of_other_kinds() {
    let scene = Scene::new().await;
    let files = ["zip.png", "php.png", "js.jpg", "html_named.svg", "mz.jpg", "zeros_1mb.png"];
    for file in files {
        let handle = scene.ana.upload_handle().await;
        let refused = Web::default().upload(&handle, corpus::read(&format!("hostile/confuse/{file}"))).await;
        assert_eq!(refused.refusal(), (415, "type-not-allowed".into()), "{file}");
    }
    for short in [&b"x"[..], b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF"] {
        let handle = scene.ana.upload_handle().await;
        let refused = Web::default().upload(&handle, short.to_vec()).await;
        assert_eq!(refused.refusal(), (415, "type-not-allowed".into()), "{short:?}");
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_picture_that_calls_itself_another_is_taken_for_what_it_is() {
    let scene = Scene::new().await;
    let request = Web::default().uploading(&scene.handle).header("Content-Type", "image/png");
    let accepted = answer(request.body(corpus::read("hostile/confuse/jpg_named.png"))).await;
    assert_eq!(accepted.status, 201);
    let media = finished(&scene.ana, scene.handle.id).await;
    assert_eq!((media.state, media.content_type.as_deref()), (MediaState::Ready, Some("image/jpeg")));
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn a_photo_that_was_cut_short() {
    let scene = Scene::new().await;
    let photo = corpus::read(corpus::PHOTO);
    let media = uploaded(&scene, photo[..photo.len() / 10].to_vec()).await;
    assert_eq!(media.failure.as_deref(), Some("This picture is damaged or incomplete."));
    assert_eq!((media.width, media.height), (Some(4032), Some(3024)), "its header is whole");
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn a_png_header_of_65535_by_65535() {
    let scene = Scene::new().await;
    let media = uploaded(&scene, corpus::read("hostile/bomb/png_hdr_ffffxffff.png")).await;
    assert_eq!(media.failure.as_deref(), Some("This picture has too many pixels."));
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn a_png_that_is_really_65536_by_65536() {
    let scene = Scene::new().await;
    let media = uploaded(&scene, corpus::read("photos/png_bomb_65536sq.png")).await;
    assert_eq!(media.failure.as_deref(), Some("This picture has too many pixels."));
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn kinds_of_pictures_that_are_not_decoded_here() {
    // Of JPEG XL there is no file in the corpus: its magic bytes, and what nobody reads.
    let jxl = [&[0xff, 0x0a][..], &[7; 4_000]].concat();
    for (file, content_type, is_measured) in [
        (corpus::read("photos/heic12_iphone11pro_p3.heic"), "image/heic", true),
        (corpus::read("hostile/valid/base_tif.tif"), "image/tiff", false),
        (jxl, "image/jxl", false),
    ] {
        let scene = Scene::new().await;
        let media = uploaded(&scene, file.clone()).await;
        kept_as_a_file(&scene, &media, &file);
        assert_eq!(media.content_type.as_deref(), Some(content_type));
        assert!(media.width.is_some() || !is_measured, "its header is read all the same");
        still_serves(scene.heim).await;
    }
}

/// It was never decoded, and is there to be downloaded.
fn kept_as_a_file(scene: &Scene, media: &MediaView, file: &[u8]) {
    assert_eq!(media.failure.as_deref(), Some("This file is not a picture of a kind that can be shown here."));
    let names = scene.heim.stored();
    let kept = std::fs::read(scene.heim.store().join(&names[0])).expect("it is in the store");
    assert!(kept == file, "what was uploaded");
}

#[tokio::test]
async fn a_kind_whose_decoder_is_switched_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[pixels]\ndecoders = [\"jpeg\"]\n").expect("it can be written");
    let config = config.to_str().expect("temp folders have plain names");
    let scene = Scene::prepared(|launch| launch.arguments(&["--config", config])).await;
    let file = corpus::read("photos/gif_earth_400_44f.gif");
    let media = uploaded(&scene, file.clone()).await;
    kept_as_a_file(&scene, &media, &file);
    assert_eq!((media.content_type.as_deref(), media.width), (Some("image/gif"), Some(400)));
    still_serves(scene.heim).await;
}
