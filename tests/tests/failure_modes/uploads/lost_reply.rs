//! The upload is in, and its client does not know.

use heim_common::{media::MediaState, wire::UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    proxy::{Fault, Proxy, Way},
    sharing::finished,
    standalone::Standalone,
    truth,
    until::until,
    web::Web,
};

fn port(base: &str) -> u16 {
    base.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address ends with its port")
}

/// The same upload, by another way.
fn through(proxy: &Proxy, heim: &Standalone, handle: &UploadHandle) -> UploadHandle {
    let url = handle.url.replace(heim.base(), &format!("http://127.0.0.1:{}", proxy.port()));
    assert_ne!(url, handle.url);
    UploadHandle { url, ..handle.clone() }
}

#[tokio::test]
async fn f19_a_retry_after_a_lost_reply_is_told_that_the_upload_is_in() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let database = heim.database().await;
    let proxy = Proxy::before(port(heim.base()));
    for round in 0..5 {
        let handle = ana.upload_handle().await;
        let (way, photo) = (through(&proxy, &heim, &handle), corpus::read(corpus::SMALL));
        proxy.set(Fault::CutAfter(Way::Out, 0));
        let lost = Web::default().uploading(&way).body(photo.clone()).send().await;
        assert!(lost.is_err(), "round {round}: {lost:?}");
        until("it is in all the same", async || database.media(handle.id).await.unwrap().unwrap().uploaded.map(|_| ()))
            .await;
        proxy.heal();
        for _ in 0..2 {
            let again = Web::default().upload(&way, photo.clone()).await;
            assert_eq!(again.refusal(), (409, "already-uploaded".into()));
            assert_eq!(again.json()["id"], handle.id.to_string(), "it is this one that is in");
        }
        let media = finished(&ana, handle.id).await;
        assert_eq!((media.state, media.size), (MediaState::Ready, Some(photo.len() as u64)));
        let rows = truth::rows(&database).await;
        let jobs = rows.lines().filter(|line| line.starts_with("job ")).count();
        assert_eq!((jobs, heim.stored().len()), (round + 1, 5 * (round + 1)), "once each: {rows}");
    }
}

#[tokio::test]
async fn f19_a_retry_at_a_coordinator_that_came_back_is_told_so_too() {
    let mut heim = Standalone::prepared(&[], |launch| launch.failpoints("upload-announced=kill@1")).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let (handle, photo) = (ana.upload_handle().await, corpus::read(corpus::SMALL));
    assert!(Web::default().uploading(&handle).body(photo.clone()).send().await.is_err());
    heim.process.ended().await;
    let before = heim.base().to_owned();
    heim.restart().await;
    let here = UploadHandle { url: handle.url.replace(&before, heim.base()), ..handle.clone() };
    let again = Web::default().upload(&here, photo).await;
    assert_eq!(again.refusal(), (409, "already-uploaded".into()));
    assert_eq!(again.json()["id"], handle.id.to_string());
    let ben =
        Client::enter(heim.base(), "welcome", Entrance { cookie: Some(ana.cookie()), ..Entrance::aware() }, "ana")
            .await;
    ben.send("at last", &[handle.id]).await;
    assert_eq!(finished(&ben, handle.id).await.state, MediaState::Ready);
}
