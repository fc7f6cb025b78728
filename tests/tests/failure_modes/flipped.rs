//! F57 in a public room: the store gives out another byte than it took.

use crate::worker::job::job;
use heim_common::{MediaId, job::Reason, media::MediaState, wire::MediaView};
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::bmp,
    sharing::{NAMES, finished, share_accepted},
    until::until,
    web::Web,
};
use std::fs;

/// Flips a bit among the pixels of a stored original: another picture, of the same
/// size, with which no decoder finds fault. Once more, and it is as it was.
fn flip(fleet: &Fleet, id: MediaId) {
    let names = fleet.stored();
    let name = names.iter().find(|name| name.contains(&id.to_string()) && name.contains("/original."));
    let file = fleet.store().join(name.expect("it is stored"));
    let mut bytes = fs::read(&file).expect("the store is a folder");
    bytes[100] ^= 0x80;
    fs::write(file, bytes).expect("the store is a folder");
}

async fn thumbnail(media: &MediaView) -> Vec<u8> {
    let name = "thumb-160".parse().expect("a name");
    let answer = Web::default().get(&media.transcodings.get(&name).expect("it was made").url).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn f57_of_a_public_original_with_a_flipped_byte_no_thumbnail_is_made() {
    let mut fleet = Fleet::start(1, 0).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let [whole, altered, for_a_while] =
        [share_accepted(&ana, bmp(1)).await, share_accepted(&ana, bmp(1)).await, share_accepted(&ana, bmp(1)).await];
    flip(&fleet, altered);
    flip(&fleet, for_a_while);
    fleet.add_worker().await;
    let database = fleet.database().await;
    until("it was tried", async || (job(&database, for_a_while).await.failures > 0).then_some(())).await;
    flip(&fleet, for_a_while);
    let whole = finished(&ana, whole).await;
    let right = finished(&ana, for_a_while).await;
    assert_eq!((whole.state, right.state, right.failure.as_ref()), (MediaState::Ready, MediaState::Ready, None));
    assert_eq!(thumbnail(&whole).await, thumbnail(&right).await);
    // What stays so is tried as often as everything else, and then said.
    let failed = finished(&ana, altered).await;
    assert_eq!((failed.state, failed.transcodings.len()), (MediaState::Failed, 1), "{failed:?}");
    assert_eq!(failed.failure.as_deref(), Some(Reason::OriginalAltered.sentence()));
    let job = job(&database, altered).await;
    assert_eq!((job.failures, job.deaths), (5, 0), "{}", job.line);
    assert_eq!(fleet.stored().len(), 2 * NAMES.len() + 1, "nothing was stored that was made of it");
    // Somebody brings it back from a copy.
    flip(&fleet, altered);
    let retried = fleet.administered(&["job", "retry", "--reason", "original-altered"]).run().await;
    assert!(retried.status.success(), "{retried:?}");
    let ready = async || Some(ana.media(altered).await).filter(|media| media.state == MediaState::Ready);
    assert_eq!(thumbnail(&whole).await, thumbnail(&until("it is ready", ready).await).await);
}
