//! An accepted upload ends `ready` or `failed`, whatever it is.

use heim_common::{MediaId, media::MediaState};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::{finished, names},
    standalone::Standalone,
    web::Web,
};

/// Handles that one agent is given without being slowed down, with the
/// `get-media` that follows.
const EACH: usize = 15;

/// Some of every kind of damage, and all the bombs.
fn files() -> Vec<String> {
    let every = |folder: &str, step: usize| corpus::folder(folder).into_iter().step_by(step).collect::<Vec<_>>();
    [
        every("hostile/bomb", 1),
        every("hostile/bad", 2),
        every("hostile/trunc", 9),
        every("hostile/flip", 12),
        every("hostile/imagers-jpeg-fuzz", 12),
        every("hostile/imagers-png-fuzz", 12),
        every("hostile/pngsuite", 20),
        every("hostile/valid", 3),
    ]
    .concat()
}

async fn ends(heim: &Standalone, number: usize, files: &[String]) -> (usize, usize) {
    let client = Client::enter(heim.base(), "welcome", Entrance::aware(), &format!("client {number}")).await;
    let mut accepted: Vec<(&str, MediaId)> = Vec::new();
    for file in files {
        let handle = client.upload_handle().await;
        let answer = Web::default().upload(&handle, corpus::read(file)).await;
        match answer.status {
            201 => accepted.push((file, handle.id)),
            _ => assert!([400, 415].contains(&answer.status), "{file}: {answer:?}"),
        }
    }
    let (mut ready, mut failed) = (0, 0);
    for (file, id) in accepted {
        let media = finished(&client, id).await;
        let mut told = names(&client, id);
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 5, "{file}: every name is told of, one way or the other");
        if media.state == MediaState::Ready {
            assert_eq!((media.transcodings.len(), &media.failure), (5, &None), "{file}");
            ready += 1;
        } else {
            assert!(media.failure.is_some_and(|words| words.ends_with('.')), "{file}: in words");
            failed += 1;
        }
    }
    (ready, failed)
}

#[tokio::test]
async fn an_accepted_upload_ends_ready_or_failed() {
    let mut heim = Standalone::with(&[("limits.pixel_seconds", "3")]).await;
    let files = files();
    let (mut ready, mut failed) = (0, 0);
    for (number, some) in files.chunks(EACH).enumerate() {
        let (more_ready, more_failed) = ends(&heim, number, some).await;
        ready += more_ready;
        failed += more_failed;
    }
    assert!(heim.process.is_alive());
    assert!(ready > 10 && failed > 30, "of {} files {ready} became ready and {failed} failed", files.len());
}
