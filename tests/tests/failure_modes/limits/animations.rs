//! How much may go on moving. What has more is shown as a still.

use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::finished,
    standalone::Standalone,
    web::Web,
};

/// 44 frames of 400 x 400 pixels.
const EARTH: &str = "photos/gif_earth_400_44f.gif";

/// Whether its preview moves under this limit. It is ready in any case.
async fn moves(limit: &str, value: u64) -> bool {
    let heim = Standalone::with(&[(limit, &value.to_string())]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    assert_eq!(Web::default().upload(&handle, corpus::read(EARTH)).await.status, 201);
    ana.send("look", &[handle.id]).await;
    let media = finished(&ana, handle.id).await;
    assert_eq!(media.state, MediaState::Ready, "{limit} = {value}");
    let preview = media.transcodings.get(&"preview-1280".parse().expect("a name")).expect("it is there");
    Web::default().get(&preview.url).await.body.get(30..34) == Some(b"ANIM")
}

#[tokio::test]
async fn animation_pixels_max_at_and_past_its_edge() {
    // Its preview is as large as it is.
    let pixels = 2 * 400 * 400 * 44;
    assert!(moves("limits.animation_pixels_max", pixels).await);
    assert!(!moves("limits.animation_pixels_max", pixels - 1).await);
}

#[tokio::test]
async fn animation_frames_max_at_and_past_its_edge() {
    assert!(moves("limits.animation_frames_max", 44).await);
    assert!(!moves("limits.animation_frames_max", 43).await);
}
